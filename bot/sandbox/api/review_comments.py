"""Comments on the lines of a pull request, in a review or alone: each must be in the diff."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from bot.sandbox import pull_json
from bot.sandbox.api.call import (
    Call,
    Endpoint,
    GitHubError,
    answer,
    forbidden,
    invalid,
    no_content,
    not_found,
    page_of,
    unprocessable,
)
from bot.sandbox.api.pulls import pull_commits, pull_files
from bot.sandbox.git.diff import FileDiff, Patch, parse
from bot.sandbox.state import Pull, Review, ReviewComment, Thread


class Unplaceable(Exception):
    """`what` of the comment is not in the diff: Path, Line, Start line or Position."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(frozen=True, slots=True)
class Placed:
    """A comment's place; without a line it stands on the file as a whole."""

    path: str
    commit_id: str
    diff_hunk: str
    side: str = "RIGHT"
    line: int | None = None
    start_side: str | None = None
    start_line: int | None = None
    position: int | None = None


def place(comment: Mapping[str, Any], changed: Mapping[str, FileDiff], commit_id: str) -> Placed:
    """Find a comment's place in the changed files, by path. Raises Unplaceable."""
    path = comment.get("path", "")
    if path not in changed:
        raise Unplaceable("Path")
    if comment.get("subject_type") == "file":
        return Placed(path, commit_id, "")
    text = changed[path].patch
    if text is None:
        raise Unplaceable("Line")
    patch = parse(text)
    side, line = _line(comment, patch)
    start_side, start_line = _start(comment, patch, side, line)
    at = patch.places[side, line]
    hunk = patch.hunk_until(at)
    return Placed(path, commit_id, hunk, side, line, start_side, start_line, at.position)


def _line(comment: Mapping[str, Any], patch: Patch) -> tuple[str, int]:
    if "line" not in comment and "position" in comment:
        found = patch.at_position(comment["position"])
        if found is None:
            raise Unplaceable("Position")
        return found
    key = (comment.get("side", "RIGHT"), comment.get("line"))
    if key not in patch.places:
        raise Unplaceable("Line")
    return key[0], int(comment["line"])


def _start(
    comment: Mapping[str, Any], patch: Patch, side: str, line: int
) -> tuple[str | None, int | None]:
    """The range's first line: before the last one, and in the same hunk."""
    start = comment.get("start_line")
    if start is None:
        return None, None
    start_side = comment.get("start_side") or side
    first, last = patch.places.get((start_side, start)), patch.places[side, line]
    if first is None or first.hunk != last.hunk or first.position >= last.position:
        raise Unplaceable("Start line")
    return start_side, start


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
    changed = {item.path: item for item in await pull_files(call.repo, pull, commit_id)}
    placed = []
    for comment in comments:
        if not comment.get("body"):
            raise invalid("PullRequestReviewComment", "body", "missing_field")
        placed.append(place(comment, changed, commit_id))
    return placed


async def _check_commit(call: Call, pull: Pull, commit_id: str) -> None:
    known = {item.sha for item in await pull_commits(call.repo, pull)} | set(pull.heads)
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
        [pull_json.review_comment(call.state, call.repo, c) for c in items], headers=headers
    )


async def list_comments(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/pulls/{number}/comments: those of pending reviews are hidden"""
    pull = call.pull()
    shown = [
        comment
        for comment in call.repo.review_comments.values()
        if comment.number == pull.number and call.repo.reviews[comment.review_id].state != "PENDING"
    ]
    return comments_page(call, shown)


async def create_comment(call: Call) -> Response:
    """POST /repos/{owner}/{repo}/pulls/{number}/comments: one comment, a review of its own"""
    pull = call.pull()
    if "in_reply_to" in call.body:
        return _reply(call, call.required("PullRequestReviewComment", "in_reply_to", int))
    body = call.required("PullRequestReviewComment", "body", str)
    commit_id = call.required("PullRequestReviewComment", "commit_id", str)
    check_length(body)
    try:
        placed = await place_all(call, pull, commit_id, [call.body])
    except Unplaceable as error:
        name = f"pull_request_review_thread.{error.what.lower().replace(' ', '_')}"
        raise invalid(
            "PullRequestReviewComment", name, "custom", "could not be resolved"
        ) from error
    comment = add_comment(call, _silent_review(call, pull, commit_id), body, placed[0])
    call.wrote = True
    return answer(pull_json.review_comment(call.state, call.repo, comment), 201)


def _silent_review(call: Call, pull: Pull, commit_id: str) -> Review:
    """The review without a body that GitHub puts around every single comment."""
    review = Review(
        id=call.state.next_id(),
        number=pull.number,
        user=call.actor,
        body="",
        state="COMMENTED",
        commit_id=commit_id,
        submitted_at=call.state.now(),
    )
    call.repo.reviews[review.id] = review
    return review


async def create_reply(call: Call) -> Response:
    """POST /repos/{owner}/{repo}/pulls/{number}/comments/{id}/replies"""
    return _reply(call, call.number("comment_id"))


def _reply(call: Call, comment_id: int) -> Response:
    first = call.repo.review_comments.get(comment_id)
    if first is None or first.number != call.pull().number:
        raise not_found()
    if first.in_reply_to_id is not None:
        raise unprocessable("Replies to replies are not supported")
    body = call.required("PullRequestReviewComment", "body", str)
    check_length(body)
    review = _silent_review(call, call.pull(), first.commit_id)
    comment = first.reply(call.state.next_id(), review, body, call.state.now())
    call.repo.review_comments[comment.id] = comment
    call.wrote = True
    return answer(pull_json.review_comment(call.state, call.repo, comment), 201)


async def get_comment(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/pulls/comments/{id}"""
    return answer(pull_json.review_comment(call.state, call.repo, _comment(call)))


async def update_comment(call: Call) -> Response:
    """PATCH /repos/{owner}/{repo}/pulls/comments/{id}"""
    comment = _own(call)
    body = call.required("PullRequestReviewComment", "body", str)
    check_length(body)
    comment.body, comment.updated_at = body, call.state.now()
    call.wrote = True
    return answer(pull_json.review_comment(call.state, call.repo, comment))


async def delete_comment(call: Call) -> Response:
    """DELETE /repos/{owner}/{repo}/pulls/comments/{id}"""
    del call.repo.review_comments[_own(call).id]
    call.wrote = True
    return no_content()


def _comment(call: Call) -> ReviewComment:
    comment = call.repo.review_comments.get(call.number("comment_id"))
    if comment is None:
        raise not_found()
    return comment


def _own(call: Call) -> ReviewComment:
    comment = _comment(call)
    if comment.user != call.actor:
        raise forbidden()
    return comment


_PULL = "/repos/{owner}/{repo}/pulls/{number:int}"
_COMMENT = "/repos/{owner}/{repo}/pulls/comments/{comment_id:int}"
_READ, _WRITE = "pull_requests:read", "pull_requests:write"

ENDPOINTS = (
    Endpoint("GET", f"{_PULL}/comments", list_comments, _READ),
    Endpoint("POST", f"{_PULL}/comments", create_comment, _WRITE),
    Endpoint("POST", f"{_PULL}/comments/{{comment_id:int}}/replies", create_reply, _WRITE),
    Endpoint("GET", _COMMENT, get_comment, _READ),
    Endpoint("PATCH", _COMMENT, update_comment, _WRITE),
    Endpoint("DELETE", _COMMENT, delete_comment, _WRITE),
)
