"""Comments and reactions."""

from typing import Any

import pytest

from bot.github.client import GitHub
from bot.github.comments import Subject, create_comment, delete_reaction, react, update_comment
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
