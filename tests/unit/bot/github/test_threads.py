"""Threads: read, resolved, minimized."""

from typing import Any

import pytest

from bot.github.client import GitHub
from bot.github.errors import NotFound
from bot.github.threads import list_threads, minimize_comment, resolve_thread
from tests.unit.bot.github.scripted_github import ScriptedGitHub, reply

REPO = "octo/hello"


PERSON = {"__typename": "User", "login": "ada"}


def thread(name: str, author: dict[str, str] | None, **changed: Any) -> dict[str, Any]:
    thumbs = {"nodes": [{"user": {"login": "eve"}}, {"user": None}]}
    first = {
        "id": f"N{name}",
        "databaseId": 70,
        "url": f"https://github.example/{name}",
        "body": "b",
        "isMinimized": name == "T2",
        "author": author,
        "down": thumbs,
        "up": {"nodes": []},
    }
    return {
        "id": name,
        "isResolved": False,
        "isOutdated": False,
        "path": "a.py",
        "line": 4,
        "comments": {"totalCount": 2, "nodes": [first]},
        "replies": {"nodes": [{"author": author}, {"author": {**PERSON, "login": "eve"}}]},
        **changed,
    }


def threads(nodes: list[dict[str, Any]], cursor: str | None) -> dict[str, Any]:
    page = {"nodes": nodes, "pageInfo": {"hasNextPage": bool(cursor), "endCursor": cursor}}
    return {"data": {"repository": {"pullRequest": {"reviewThreads": page}}}}


async def test_threads_are_read_over_pages_with_logins_as_rest_writes_them(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    bot = {"__typename": "Bot", "login": "glossator"}
    github.play(
        reply(200, threads([thread("T1", bot), thread("T2", PERSON, line=None)], "next")),
        reply(200, threads([thread("T3", None), thread("T4", bot, comments={"nodes": []})], None)),
    )
    found = await list_threads(gh, REPO, 3)
    assert [(t.id, t.author, t.line, t.replies) for t in found] == [
        ("T1", "glossator[bot]", 4, 1),
        ("T2", "ada", None, 1),
        ("T3", "ghost", 4, 1),
    ]
    assert found[0].url == "https://github.example/T1"
    assert (found[0].thumbs_down_by, found[0].thumbs_up_by) == (("eve",), ())
    assert found[0].answered
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
