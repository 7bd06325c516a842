"""Comments, reactions, threads and deliveries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.github.app import GitHubApp
from bot.github.client import GitHub
from bot.github.comments import (
    Subject,
    create_comment,
    delete_reaction,
    react,
    update_comment,
)
from bot.github.deliveries import Delivery, list_deliveries, redeliver, undelivered
from bot.github.errors import NotFound
from bot.github.threads import list_threads, minimize_comment, resolve_thread
from tests.unit.bot.github.scripted_github import ScriptedGitHub, reply

REPO = "octo/hello"
MARKER = "<!-- glossator:help -->"
US = "glossator[bot]"


def comment(number: int, login: str, body: str) -> dict[str, Any]:
    return {
        "id": number,
        "user": {"login": login},
        "body": body,
        "created_at": "2026-01-02T03:04:05Z",
        "html_url": f"https://github.com/c/{number}",
    }


async def test_a_comment_is_posted_once(gh: GitHub, github: ScriptedGitHub) -> None:
    bot_comment = comment(2, US, f"{MARKER}\nhelp")
    github.play(
        reply(200, [comment(1, "mallory", MARKER)]),
        reply(201, bot_comment),
        reply(200, [bot_comment]),
    )
    for _ in range(2):
        made = await create_comment(gh, REPO, 3, f"{MARKER}\nhelp", marker=MARKER, author=US)
        assert made.id == 2
    assert [request.method for request in github.requests] == ["GET", "POST", "GET"]


async def test_a_comment_without_its_marker_is_refused_here(gh: GitHub) -> None:
    with pytest.raises(ValueError, match="marker"):
        await create_comment(gh, REPO, 3, "help", marker=MARKER, author=US)


async def test_a_bot_comment_is_edited(gh: GitHub, github: ScriptedGitHub) -> None:
    github.play(reply(200, comment(2, US, "new")))
    assert (await update_comment(gh, REPO, 2, "new")).body == "new"
    assert github.calls() == ["PATCH /repos/octo/hello/issues/comments/2"]


@pytest.mark.parametrize(
    ("subject", "path"),
    [
        (Subject.ISSUE, "issues/9"),
        (Subject.ISSUE_COMMENT, "issues/comments/9"),
        (Subject.REVIEW_COMMENT, "pulls/comments/9"),
    ],
)
async def test_a_reaction_comes_and_goes(
    gh: GitHub, github: ScriptedGitHub, subject: Subject, path: str
) -> None:
    github.play(reply(201, {"id": 44}), reply(204), reply(404, {"message": "Not Found"}))
    assert await react(gh, REPO, subject, 9, "eyes") == 44
    await delete_reaction(gh, REPO, subject, 9, 44)
    await delete_reaction(gh, REPO, subject, 9, 44)
    assert github.body(0) == {"content": "eyes"}
    assert github.calls() == [
        f"POST /repos/octo/hello/{path}/reactions",
        *[f"DELETE /repos/octo/hello/{path}/reactions/44"] * 2,
    ]


def thread(name: str, author: dict[str, str] | None, **changed: Any) -> dict[str, Any]:
    thumbs = {"nodes": [{"user": {"login": "eve"}}, {"user": None}]}
    first = {
        "id": f"N{name}",
        "databaseId": 70,
        "url": f"https://github.example/{name}",
        "body": "b",
        "isMinimized": name == "T2",
        "author": author,
        "reactions": thumbs,
    }
    return {
        "id": name,
        "isResolved": False,
        "isOutdated": False,
        "path": "a.py",
        "line": 4,
        "comments": {"totalCount": 2, "nodes": [first]},
        **changed,
    }


def threads(nodes: list[dict[str, Any]], cursor: str | None) -> dict[str, Any]:
    page = {"nodes": nodes, "pageInfo": {"hasNextPage": bool(cursor), "endCursor": cursor}}
    return {"data": {"repository": {"pullRequest": {"reviewThreads": page}}}}


async def test_threads_are_read_over_pages_with_logins_as_rest_writes_them(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    bot = {"__typename": "Bot", "login": "glossator"}
    person = {"__typename": "User", "login": "ada"}
    github.play(
        reply(200, threads([thread("T1", bot), thread("T2", person, line=None)], "next")),
        reply(200, threads([thread("T3", None), thread("T4", bot, comments={"nodes": []})], None)),
    )
    found = await list_threads(gh, REPO, 3)
    assert [(t.id, t.author, t.line, t.replies) for t in found] == [
        ("T1", "glossator[bot]", 4, 1),
        ("T2", "ada", None, 1),
        ("T3", "ghost", 4, 1),
    ]
    assert found[0].url == "https://github.example/T1"
    assert found[0].thumbs_down_by == ("eve",)
    assert [t.minimized for t in found] == [False, True, False]
    assert github.body(0)["variables"] == {
        "owner": "octo",
        "name": "hello",
        "number": 3,
        "after": None,
    }
    assert github.body(1)["variables"]["after"] == "next"


async def test_threads_of_what_we_may_not_see_are_not_found(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(reply(200, {"data": {"repository": None}}))
    with pytest.raises(NotFound, match="octo/hello#3"):
        await list_threads(gh, REPO, 3)


async def test_a_thread_is_resolved_and_a_comment_minimized(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(reply(502), *[reply(200, {"data": {}})] * 2)
    await resolve_thread(gh, "T1")
    await minimize_comment(gh, "N1")
    assert "resolveReviewThread" in github.body(1)["query"]
    assert github.body(1)["variables"] == {"thread": "T1"}
    assert "minimizeComment" in github.body(2)["query"]
    assert github.body(2)["variables"] == {"subject": "N1", "reason": "OUTDATED"}


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
