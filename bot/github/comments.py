"""Comments on a pull request's conversation, and reactions.

https://docs.github.com/en/rest/issues/comments https://docs.github.com/en/rest/reactions/reactions
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bot.github.client import GitHub, repo_url
from bot.github.errors import NotFound
from bot.github.lengths import BODY_CHARACTERS, cut


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on the conversation or in a review thread; `created_at` as GitHub writes it
    (ISO 8601, UTC)."""

    id: int
    author: str
    body: str
    created_at: str
    url: str


class Subject(Enum):
    """What a reaction is put on: the path to it, below the repository."""

    ISSUE = ("issues",)
    ISSUE_COMMENT = ("issues", "comments")
    REVIEW_COMMENT = ("pulls", "comments")


async def list_comments(gh: GitHub, repo: str, number: int) -> AsyncIterator[Comment]:
    """The conversation's comments, oldest first."""
    async for data in gh.getiter(repo_url(repo, "issues", number, "comments", per_page=100)):
        yield comment_of(data)


async def create_comment(
    gh: GitHub, repo: str, number: int, body: str, *, marker: str, author: str
) -> Comment:
    """Post a comment once: the one by `author` (`slug[bot]`) that holds `marker` counts as posted.

    `marker` is an HTML comment that `body` has to hold; raises ValueError when it does not.
    """
    if marker not in body:
        raise ValueError(f"The comment does not contain its marker {marker!r}: put it in its body.")
    async for comment in list_comments(gh, repo, number):
        if comment.author == author and marker in comment.body:
            return comment
    url = repo_url(repo, "issues", number, "comments")
    return comment_of(await gh.post(url, data={"body": cut(body, BODY_CHARACTERS)}))


async def update_comment(gh: GitHub, repo: str, comment_id: int, body: str) -> Comment:
    """Replace the text of a comment of ours. Raises NotFound when it was deleted."""
    url = repo_url(repo, "issues", "comments", comment_id)
    return comment_of(await gh.patch(url, data={"body": cut(body, BODY_CHARACTERS)}))


async def react(gh: GitHub, repo: str, subject: Subject, subject_id: int, content: str) -> int:
    """Put a reaction (`eyes`, `+1`, `confused`, ...), at most once; returns its id."""
    url = repo_url(repo, *subject.value, subject_id, "reactions")
    data = await gh.post(url, data={"content": content})
    return int(data["id"])


async def delete_reaction(
    gh: GitHub, repo: str, subject: Subject, subject_id: int, reaction_id: int
) -> None:
    """Take a reaction of ours away; one that is gone already is no error."""
    url = repo_url(repo, *subject.value, subject_id, "reactions", reaction_id)
    try:
        await gh.delete(url)
    except NotFound:
        return


def comment_of(data: dict[str, Any]) -> Comment:
    """GitHub's object of either kind of comment, in our words."""
    return Comment(
        id=data["id"],
        author=(data["user"] or {"login": "ghost"})["login"],
        body=data["body"] or "",
        created_at=data["created_at"],
        url=data["html_url"],
    )
