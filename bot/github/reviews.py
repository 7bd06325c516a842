"""Pull-request reviews: one per run, found again by a marker, posted even if a comment is refused.

https://docs.github.com/en/rest/pulls/reviews
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.diff import Side
from bot.github.client import GitHub, repo_url
from bot.github.errors import Invalid
from bot.github.lengths import BODY_CHARACTERS, cut

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewComment:
    """A comment on lines of the diff; `side` RIGHT is the head's file, LEFT the base's.

    `start_line` is None for a single line.
    """

    path: str
    line: int
    body: str
    side: Side = Side.RIGHT
    start_line: int | None = None

    def request(self) -> dict[str, Any]:
        """GitHub's object; a range of one line is not a range to GitHub."""
        body: dict[str, Any] = {
            "path": self.path,
            "line": self.line,
            "side": self.side,
            "body": cut(self.body, BODY_CHARACTERS),
        }
        if self.start_line is not None and self.start_line < self.line:
            body |= {"start_line": self.start_line, "start_side": self.side}
        return body


@dataclass(frozen=True, slots=True)
class PostedReview:
    """A review that stands on GitHub, and the comments that GitHub did not take. `node_id` is
    GraphQL's."""

    id: int
    url: str
    node_id: str = ""
    rejected: tuple[ReviewComment, ...] = ()


async def find_review(
    gh: GitHub, repo: str, number: int, marker: str, author: str
) -> PostedReview | None:
    """The newest review by `author` (`slug[bot]`) whose body holds `marker`; None without one.

    The author is asked for because anybody may copy a marker into a review of their own.
    """
    found: PostedReview | None = None
    async for data in gh.getiter(repo_url(repo, "pulls", number, "reviews", per_page=100)):
        is_own = (data["user"] or {}).get("login") == author
        if is_own and marker in (data["body"] or ""):
            found = _review_of(data, ())
    return found


async def comments_of(gh: GitHub, repo: str, number: int, review_id: int) -> list[str]:
    """The texts of the comments that a review made on lines."""
    url = repo_url(repo, "pulls", number, "reviews", review_id, "comments", per_page=100)
    return [data["body"] or "" async for data in gh.getiter(url)]


async def create_review(
    gh: GitHub,
    repo: str,
    number: int,
    *,
    commit_id: str,
    body: str,
    comments: Sequence[ReviewComment] = (),
    event: str = "COMMENT",
) -> PostedReview:
    """Post one review with all comments that GitHub takes; the others come back as `rejected`.

    GitHub refuses the whole review for one bad comment and does not say which. Then those that
    lie inside GitHub's own diff are posted, and if that is refused too, the body alone. Raises
    Invalid when GitHub does not take even that. Not repeated when GitHub may have got it: look
    for it by `find_review` first.
    """
    url = repo_url(repo, "pulls", number, "reviews")
    request = {"commit_id": commit_id, "body": cut(body, BODY_CHARACTERS), "event": event}
    accepted: Sequence[ReviewComment] = comments
    while True:
        listed = [comment.request() for comment in accepted]
        try:
            data = await gh.post(url, data={**request, "comments": listed})
        except Invalid:
            if not accepted:
                raise
            accepted = await _without_invalid(gh, repo, number, accepted)
            continue
        return _review_of(data, tuple(comment for comment in comments if comment not in accepted))


async def update_review(
    gh: GitHub, repo: str, number: int, review_id: int, body: str
) -> PostedReview:
    """Replace a review's body, for example to tell there what was refused as comments. Raises
    NotFound or Invalid where GitHub has no such review."""
    url = repo_url(repo, "pulls", number, "reviews", review_id)
    return _review_of(await gh.put(url, data={"body": cut(body, BODY_CHARACTERS)}), ())


async def requests_for_changes(gh: GitHub, repo: str, number: int, author: str) -> tuple[int, ...]:
    """The ids of the reviews by `author` (`slug[bot]`) that ask for changes and still stand."""
    url = repo_url(repo, "pulls", number, "reviews", per_page=100)
    return tuple(
        [
            data["id"]
            async for data in gh.getiter(url)
            if data["state"] == "CHANGES_REQUESTED" and (data["user"] or {}).get("login") == author
        ]
    )


async def dismiss_review(gh: GitHub, repo: str, number: int, review_id: int, message: str) -> None:
    """Take back a review's verdict; `message` says why. Raises Invalid if it has none that
    stands, and Forbidden where the branch's protection lets only some people do this.

    https://docs.github.com/en/rest/pulls/reviews#dismiss-a-review-for-a-pull-request
    """
    url = repo_url(repo, "pulls", number, "reviews", review_id, "dismissals")
    await gh.put(url, data={"message": cut(message, BODY_CHARACTERS)})


async def reply(gh: GitHub, repo: str, number: int, comment_id: int, body: str) -> int:
    """Answer a review comment in its thread; returns the id of the answer."""
    url = repo_url(repo, "pulls", number, "comments", comment_id, "replies")
    data = await gh.post(url, data={"body": cut(body, BODY_CHARACTERS)})
    return int(data["id"])


async def _without_invalid(
    gh: GitHub, repo: str, number: int, rejected: Sequence[ReviewComment]
) -> tuple[ReviewComment, ...]:
    """The comments that lie inside the diff as GitHub sees it; none when that is all of them."""
    hunks: dict[str, list[dict[Side, range]]] = {}
    async for data in gh.getiter(repo_url(repo, "pulls", number, "files", per_page=100)):
        hunks[data["filename"]] = hunks_of(data.get("patch") or "")
    valid = tuple(
        comment for comment in rejected if _is_inside(comment, hunks.get(comment.path, []))
    )
    return valid if len(valid) < len(rejected) else ()


def hunks_of(patch: str) -> list[dict[Side, range]]:
    """The lines that can be commented on, by side, for each hunk of a file's `patch`."""
    found = []
    for hunk in _HUNK.finditer(patch):
        left, left_count, right, right_count = (
            int(number) if number is not None else 1 for number in hunk.groups()
        )
        found.append(
            {
                Side.LEFT: range(left, left + left_count),
                Side.RIGHT: range(right, right + right_count),
            }
        )
    return found


def _is_inside(comment: ReviewComment, hunks: list[dict[Side, range]]) -> bool:
    first = comment.line if comment.start_line is None else comment.start_line
    return any(first in hunk[comment.side] and comment.line in hunk[comment.side] for hunk in hunks)


def _review_of(data: dict[str, Any], rejected: tuple[ReviewComment, ...]) -> PostedReview:
    url, node_id = data.get("html_url") or "", data.get("node_id") or ""
    return PostedReview(data["id"], url, node_id, rejected)
