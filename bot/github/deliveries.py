"""The App's webhook deliveries as GitHub keeps them (about three days), and their redelivery.

GitHub never tries a failed delivery again by itself. All calls here need `GitHubApp.as_app()`.
https://docs.github.com/en/rest/apps/webhooks
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.github.client import GitHub


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt to deliver; the attempts of one event share its `guid`, each has its `id`."""

    id: int
    guid: str
    delivered_at: datetime
    ok: bool
    status: str
    event: str
    action: str | None
    installation_id: int | None


async def list_deliveries(gh: GitHub, since: datetime) -> tuple[Delivery, ...]:
    """All attempts at or after `since` (with a time zone), newest first."""
    found: list[Delivery] = []
    async for data in gh.getiter("/app/hook/deliveries?per_page=100"):
        delivery = _delivery_of(data)
        if delivery.delivered_at < since:
            break
        found.append(delivery)
    return tuple(found)


def undelivered(attempts: tuple[Delivery, ...]) -> tuple[Delivery, ...]:
    """The latest attempt of each GUID that no attempt has delivered, oldest first."""
    delivered = {attempt.guid for attempt in attempts if attempt.ok}
    latest: dict[str, Delivery] = {}
    for attempt in sorted(attempts, key=lambda attempt: (attempt.delivered_at, attempt.id)):
        if attempt.guid not in delivered:
            latest[attempt.guid] = attempt
    return tuple(sorted(latest.values(), key=lambda attempt: (attempt.delivered_at, attempt.id)))


async def redeliver(gh: GitHub, delivery_id: int) -> None:
    """Have GitHub deliver once more; the new attempt keeps the GUID."""
    await gh.post("/app/hook/deliveries/{id}/attempts", {"id": str(delivery_id)}, data=b"")


def _delivery_of(data: dict[str, Any]) -> Delivery:
    return Delivery(
        id=data["id"],
        guid=data["guid"],
        delivered_at=datetime.fromisoformat(data["delivered_at"]),
        ok=data["status"] == "OK",
        status=data["status"],
        event=data["event"],
        action=data["action"],
        installation_id=data["installation_id"],
    )
