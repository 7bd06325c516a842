"""One review, whatever GitHub thinks of single comments."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.diff import Side
from bot.github.client import GitHub
from bot.github.errors import Invalid
from bot.github.reviews import (
    PostedReview,
    ReviewComment,
    create_review,
    dismiss_review,
    find_review,
    hunks_of,
    reply,
    requests_for_changes,
    update_review,
)
from tests.unit.bot.github.scripted_github import ScriptedGitHub
from tests.unit.bot.github.scripted_github import reply as answer

REPO = "octo/hello"
MARKER = "<!-- glossator:01REVIEW -->"
OUTSIDE = {"message": "Unprocessable Entity", "errors": ["Line could not be resolved"]}
PATCH = "@@ -1,3 +1,4 @@ def f():\n a\n+b\n c\n d\n@@ -20 +21,2 @@\n-x\n+y\n+z"
FILES = [{"filename": "a.py", "patch": PATCH}, {"filename": "logo.png"}]


def comment(line: int, path: str = "a.py", **more: Any) -> ReviewComment:
    return ReviewComment(path=path, line=line, body=f"on {line}", **more)


async def post(gh: GitHub, *comments: ReviewComment) -> PostedReview:
    return await create_review(
        gh, REPO, 3, commit_id="a" * 40, body=f"{MARKER}\nhello", comments=comments
    )


def posted(github: ScriptedGitHub, index: int = -1) -> list[int]:
    return [sent["line"] for sent in github.body(index)["comments"]]


async def test_a_review_is_one_request_with_all_comments(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(answer(200, {"id": 80, "html_url": "https://github.com/r", "node_id": "PRR_1"}))
    made = await post(
        gh, comment(2), comment(4, start_line=2), comment(1, side=Side.LEFT, start_line=1)
    )
    assert made == PostedReview(80, "https://github.com/r", "PRR_1")
    assert github.calls() == ["POST /repos/octo/hello/pulls/3/reviews"]
    assert github.body() == {
        "commit_id": "a" * 40,
        "body": f"{MARKER}\nhello",
        "event": "COMMENT",
        "comments": [
            {"path": "a.py", "line": 2, "side": "RIGHT", "body": "on 2"},
            {
                "path": "a.py",
                "line": 4,
                "side": "RIGHT",
                "body": "on 4",
                "start_line": 2,
                "start_side": "RIGHT",
            },
            {"path": "a.py", "line": 1, "side": "LEFT", "body": "on 1"},
        ],
    }


async def test_when_one_comment_is_refused_the_others_are_posted(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(answer(422, OUTSIDE), answer(200, FILES), answer(200, {"id": 80}))
    good = [comment(4), comment(20, side=Side.LEFT), comment(22, start_line=21)]
    bad = [
        comment(5),
        comment(1, path="logo.png"),
        comment(2, path="gone.py"),
        comment(21, start_line=3),
    ]
    made = await post(gh, *good, *bad)
    assert made.id == 80
    assert made.rejected == tuple(bad)
    assert posted(github) == [4, 20, 22]


async def test_when_the_diff_does_not_show_which_the_body_is_posted_alone(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(answer(422, OUTSIDE), answer(200, FILES), answer(200, {"id": 80}))
    made = await post(gh, comment(2), comment(3))
    assert made.rejected == (comment(2), comment(3))
    assert posted(github) == []


async def test_a_body_that_is_refused_is_invalid(gh: GitHub, github: ScriptedGitHub) -> None:
    refused = answer(422, {"message": "No commit found for SHA"})
    github.play(refused, answer(200, FILES), refused)
    with pytest.raises(Invalid, match="No commit found"):
        await post(gh, comment(2))


async def test_a_long_body_is_cut(gh: GitHub, github: ScriptedGitHub) -> None:
    github.play(answer(200, {"id": 80}))
    await create_review(gh, REPO, 3, commit_id="a" * 40, body="x" * 70_000)
    assert len(github.body()["body"]) <= 65_536
    assert "Truncated:" in github.body()["body"]


async def test_our_newest_review_is_found_and_a_copied_marker_is_not(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    def review(number: int, login: str | None, body: str | None) -> dict[str, Any]:
        user = None if login is None else {"login": login}
        return {"id": number, "user": user, "body": body, "html_url": f"https://r/{number}"}

    link = '<https://api.github.com/next?page=2>; rel="next"'
    github.play(
        answer(200, [review(1, "glossator[bot]", MARKER), review(2, None, None)], link=link),
        answer(
            200,
            [
                review(3, "glossator[bot]", f"{MARKER} again"),
                review(4, "glossator[bot]", "<!-- glossator:OTHER -->"),
                review(5, "mallory", MARKER),
            ],
        ),
    )
    found = await find_review(gh, REPO, 3, MARKER, "glossator[bot]")
    assert found == PostedReview(3, "https://r/3")


async def test_without_a_review_by_the_bot_there_is_none(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(answer(200, []))
    assert await find_review(gh, REPO, 3, MARKER, "glossator[bot]") is None


async def test_a_body_can_be_replaced_and_a_comment_answered(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(answer(200, {"id": 80}), answer(201, {"id": 90}))
    await update_review(gh, REPO, 3, 80, "new")
    assert await reply(gh, REPO, 3, 70, "thanks") == 90
    assert github.calls() == [
        "PUT /repos/octo/hello/pulls/3/reviews/80",
        "POST /repos/octo/hello/pulls/3/comments/70/replies",
    ]


async def test_our_own_requests_for_changes_are_found_and_dismissed(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    def listed(number: int, login: str | None, state: str) -> dict[str, Any]:
        return {"id": number, "user": login and {"login": login}, "state": state}

    us = "glossator[bot]"
    github.play(
        answer(
            200,
            [
                listed(1, us, "CHANGES_REQUESTED"),
                listed(2, us, "COMMENTED"),
                listed(3, "mallory", "CHANGES_REQUESTED"),
                listed(4, None, "CHANGES_REQUESTED"),
                listed(5, us, "DISMISSED"),
                listed(6, us, "CHANGES_REQUESTED"),
            ],
        ),
        answer(200, {"id": 1}),
    )
    assert await requests_for_changes(gh, REPO, 3, us) == (1, 6)
    await dismiss_review(gh, REPO, 3, 1, "Mended.")
    assert github.calls()[-1] == "PUT /repos/octo/hello/pulls/3/reviews/1/dismissals"


def test_hunks_list_the_lines_of_both_sides() -> None:
    assert hunks_of(PATCH) == [
        {Side.LEFT: range(1, 4), Side.RIGHT: range(1, 5)},
        {Side.LEFT: range(20, 21), Side.RIGHT: range(21, 23)},
    ]
    assert hunks_of("@@ -0,0 +1,2 @@\n+@@ -9 +9 @@\n+x") == [
        {Side.LEFT: range(0), Side.RIGHT: range(1, 3)}
    ]
