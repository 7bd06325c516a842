"""Comments on lines, as reviews and single comments both make them: all in the diff, or none."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from bot.sandbox.api.call import Call, answer, page_of
from bot.sandbox.api.errors import GitHubError, invalid, unprocessable
from bot.sandbox.comment_placement import Placed, place
from bot.sandbox.git.pull_diff import commits, files
from bot.sandbox.json import comment_json
from bot.sandbox.records import Pull, Review, ReviewComment, Thread

#: "Body is too long (maximum is 65536 characters)", GitHub's answer to a longer one.
MAX_BODY = 65_536


def check_length(text: str) -> None:
    """Raises GitHubError (422) for a body longer than GitHub takes."""
    if len(text) > MAX_BODY:
        raise unprocessable(f"Body is too long (maximum is {MAX_BODY} characters)")


async def place_all(
    call: Call, pull: Pull, commit_id: str, comments: list[dict[str, Any]]
) -> list[Placed]:
    """Where each comment stands in the diff. Raises Unplaceable if one stands nowhere."""
    await _check_commit(call, pull, commit_id)
    if not comments:
        return []
    changed = {item.path: item for item in await files(call.repo, pull, commit_id)}
    placed = []
    for comment in comments:
        if not comment.get("body"):
            raise invalid("PullRequestReviewComment", "body", "missing_field")
        placed.append(place(comment, changed, commit_id))
    return placed


async def _check_commit(call: Call, pull: Pull, commit_id: str) -> None:
    known = {item.sha for item in await commits(call.repo, pull)} | set(pull.heads)
    if commit_id not in known:
        raise GitHubError(
            422,
            "Validation Failed",
            errors=[
                {
                    "resource": "PullRequestReview",
                    "field": "commit_id",
                    "code": "custom",
                    "message": "commit_id is not part of the pull request",
                }
            ],
        )


def add_comment(call: Call, review: Review, body: str, at: Placed) -> ReviewComment:
    """A new comment of the review, in a new thread."""
    state, now = call.state, call.state.now()
    thread = Thread(id=f"PRRT_{state.next_id()}", number=review.number, path=at.path)
    comment = ReviewComment(
        id=state.next_id(),
        number=review.number,
        review_id=review.id,
        thread_id=thread.id,
        user=review.user,
        body=body,
        path=at.path,
        commit_id=at.commit_id,
        original_commit_id=at.commit_id,
        diff_hunk=at.diff_hunk,
        created_at=now,
        updated_at=now,
        side=at.side,
        line=at.line,
        original_line=at.line,
        position=at.position,
        original_position=at.position,
        start_side=at.start_side,
        start_line=at.start_line,
        original_start_line=at.start_line,
        subject_type="line" if at.line else "file",
    )
    call.repo.threads[thread.id] = thread
    call.repo.review_comments[comment.id] = comment
    return comment


def comments_page(call: Call, comments: list[ReviewComment]) -> Response:
    """One page of the comments, as the client asks for pages."""
    items, headers = page_of(call, comments)
    return answer(
        [comment_json.review_comment(call.state, call.repo, c) for c in items], headers=headers
    )
