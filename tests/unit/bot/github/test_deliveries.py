"""The App's webhook deliveries: listed, and requested again."""

from datetime import UTC, datetime
from typing import Any

from bot.github.app import GitHubApp
from bot.github.deliveries import Delivery, list_deliveries, redeliver, undelivered
from tests.unit.bot.github.scripted_github import ScriptedGitHub, reply


def attempt(number: int, guid: str, minute: int, status: str = "OK") -> dict[str, Any]:
    return {
        "id": number,
        "guid": guid,
        "delivered_at": f"2026-01-02T03:{minute:02}:00Z",
        "redelivery": False,
        "status": status,
        "event": "pull_request",
        "action": "opened",
        "installation_id": 7,
    }


async def test_deliveries_are_read_until_the_time_asked_for(
    app: GitHubApp, github: ScriptedGitHub
) -> None:
    link = '<https://api.github.com/app/hook/deliveries?per_page=100&cursor=v1_2>; rel="next"'
    github.play(
        reply(200, [attempt(5, "e", 50), attempt(4, "d", 40)], link=link),
        reply(200, [attempt(3, "c", 30), attempt(2, "b", 20)], link=link),
    )
    found = await list_deliveries(app.as_app(), datetime(2026, 1, 2, 3, 30, tzinfo=UTC))
    assert [delivery.id for delivery in found] == [5, 4, 3]
    assert github.requests[1].url.params["cursor"] == "v1_2"


def delivery(number: int, guid: str, minute: int, ok: bool) -> Delivery:
    return Delivery(
        id=number,
        guid=guid,
        delivered_at=datetime(2026, 1, 2, 3, minute, tzinfo=UTC),
        ok=ok,
        status="OK" if ok else "timed out",
        event="pull_request",
        action=None,
        installation_id=None,
    )


def test_what_any_attempt_delivered_is_done() -> None:
    attempts = (
        delivery(6, "late", 6, ok=False),
        delivery(5, "healed", 5, ok=True),
        delivery(4, "twice", 4, ok=False),
        delivery(3, "healed", 3, ok=False),
        delivery(2, "twice", 2, ok=False),
        delivery(1, "fine", 1, ok=True),
    )
    assert [attempt.id for attempt in undelivered(attempts)] == [4, 6]


async def test_a_redelivery_is_requested_once(app: GitHubApp, github: ScriptedGitHub) -> None:
    github.play(reply(202, {}))
    await redeliver(app.as_app(), 4)
    assert github.calls() == ["POST /app/hook/deliveries/4/attempts"]
    assert github.requests[0].headers["authorization"].startswith("Bearer ")
