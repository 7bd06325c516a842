"""Reviews and review comments: the comments of one must lie inside the diff, or all are refused."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from bot.sandbox import shapes
from bot.sandbox.call import Call, Endpoint, answer, no_content, page_of
from bot.sandbox.errors import GitHubError, forbidden, invalid, not_found, unprocessable
from bot.sandbox.placement import Placed, Unplaceable, place
from bot.sandbox.pull_diff import commits, files
from bot.sandbox.state import Pull, Review, ReviewComment, Thread

#: "Body is too long (maximum is 65536 characters)", GitHub's answer to a longer one.
MAX_BODY = 65_536
_STATES = {"COMMENT": "COMMENTED", "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED"}


async def create_review(call: Call) -> Response:
    """POST /repos/{owner}/{repo}/pulls/{number}/reviews"""
    pull = call.pull()
    body, event = call.body.get("body") or "", call.body.get("event")
    comments = call.body.get("comments") or []
    _check_review(call, pull, body, event, comments)
    commit_id = call.body.get("commit_id") or pull.head_sha
    try:
        placed = await _place_all(call, pull, commit_id, comments)
    except Unplaceable as error:
        raise unprocessable(f"{error.what} could not be resolved") from error
    review = Review(
        id=call.state.next_id(),
        number=pull.number,
        user=call.actor,
        body=body,
        state=_STATES[event] if event else "PENDING",
        commit_id=commit_id,
        submitted_at=call.state.now() if event else None,
    )
    call.repo.reviews[review.id] = review
    for comment, at in zip(comments, placed, strict=True):
        _add_comment(call, review, comment["body"], at)
    call.wrote = True
    return answer(shapes.review(call.state, call.repo, review))


def _check_review(
    call: Call, pull: Pull, body: str, event: str | None, comments: list[dict[str, Any]]
) -> None:
    if event is not None and event not in _STATES:
        raise invalid("PullRequestReview", "event")
    if event == "APPROVE" and pull.author == call.actor:
        raise unprocessable("Can not approve your own pull request")
    if event == "REQUEST_CHANGES" and pull.author == call.actor:
        raise unprocessable("Can not request changes on your own pull request")
    if event in ("COMMENT", "REQUEST_CHANGES") and not body and not comments:
        raise unprocessable("Review body can't be blank")
    if event == "REQUEST_CHANGES" and not body:
        raise unprocessable("Review body can't be blank")
    for text in (body, *(comment.get("body", "") for comment in comments)):
        _check_length(text)
    mine = [r for r in call.repo.reviews.values() if r.number == pull.number]
    if any(r.state == "PENDING" and r.user == call.actor for r in mine):
        raise unprocessable("User can only have one pending review per pull request")


def _check_length(text: str) -> None:
    if len(text) > MAX_BODY:
        raise unprocessable(f"Body is too long (maximum is {MAX_BODY} characters)")


async def _place_all(
    call: Call, pull: Pull, commit_id: str, comments: list[dict[str, Any]]
) -> list[Placed]:
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


def _add_comment(call: Call, review: Review, body: str, at: Placed) -> ReviewComment:
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


async def submit_review(call: Call) -> Response:
    """POST /repos/{owner}/{repo}/pulls/{number}/reviews/{id}/events"""
    review = _review(call)
    event = call.required("PullRequestReview", "event", str)
    if event not in _STATES or review.state != "PENDING":
        raise invalid("PullRequestReview", "event")
    body = call.body.get("body") or review.body
    _check_length(body)
    review.body, review.state, review.submitted_at = body, _STATES[event], call.state.now()
    call.wrote = True
    return answer(shapes.review(call.state, call.repo, review))


async def update_review(call: Call) -> Response:
    """PUT /repos/{owner}/{repo}/pulls/{number}/reviews/{id}: its body, by who wrote it"""
    review = _review(call)
    body = call.required("PullRequestReview", "body", str)
    _check_length(body)
    if review.user != call.actor:
        raise forbidden()
    review.body = body
    call.wrote = True
    return answer(shapes.review(call.state, call.repo, review))


async def list_reviews(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/pulls/{number}/reviews: oldest first"""
    pull = call.pull()
    reviews = [r for r in call.repo.reviews.values() if r.number == pull.number]
    items, headers = page_of(call, reviews)
    return answer([shapes.review(call.state, call.repo, r) for r in items], headers=headers)


async def get_review(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/pulls/{number}/reviews/{id}"""
    return answer(shapes.review(call.state, call.repo, _review(call)))


async def list_comments_of_review(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/pulls/{number}/reviews/{id}/comments"""
    review = _review(call)
    return _comments(
        call, [c for c in call.repo.review_comments.values() if c.review_id == review.id]
    )


def _review(call: Call) -> Review:
    review = call.repo.reviews.get(call.number("review_id"))
    if review is None or review.number != call.pull().number:
        raise not_found()
    return review


async def list_comments(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/pulls/{number}/comments: those of pending reviews are hidden"""
    pull = call.pull()
    shown = [
        comment
        for comment in call.repo.review_comments.values()
        if comment.number == pull.number and call.repo.reviews[comment.review_id].state != "PENDING"
    ]
    return _comments(call, shown)


def _comments(call: Call, comments: list[ReviewComment]) -> Response:
    items, headers = page_of(call, comments)
    return answer([shapes.review_comment(call.state, call.repo, c) for c in items], headers=headers)


async def create_comment(call: Call) -> Response:
    """POST /repos/{owner}/{repo}/pulls/{number}/comments: one comment, a review of its own"""
    pull = call.pull()
    if "in_reply_to" in call.body:
        return _reply(call, call.required("PullRequestReviewComment", "in_reply_to", int))
    body = call.required("PullRequestReviewComment", "body", str)
    commit_id = call.required("PullRequestReviewComment", "commit_id", str)
    _check_length(body)
    try:
        placed = await _place_all(call, pull, commit_id, [call.body])
    except Unplaceable as error:
        name = f"pull_request_review_thread.{error.what.lower().replace(' ', '_')}"
        raise invalid(
            "PullRequestReviewComment", name, "custom", "could not be resolved"
        ) from error
    comment = _add_comment(call, _silent_review(call, pull, commit_id), body, placed[0])
    call.wrote = True
    return answer(shapes.review_comment(call.state, call.repo, comment), 201)


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
    _check_length(body)
    review = _silent_review(call, call.pull(), first.commit_id)
    comment = first.reply(call.state.next_id(), review, body, call.state.now())
    call.repo.review_comments[comment.id] = comment
    call.wrote = True
    return answer(shapes.review_comment(call.state, call.repo, comment), 201)


async def get_comment(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/pulls/comments/{id}"""
    return answer(shapes.review_comment(call.state, call.repo, _comment(call)))


async def update_comment(call: Call) -> Response:
    """PATCH /repos/{owner}/{repo}/pulls/comments/{id}"""
    comment = _own(call)
    body = call.required("PullRequestReviewComment", "body", str)
    _check_length(body)
    comment.body, comment.updated_at = body, call.state.now()
    call.wrote = True
    return answer(shapes.review_comment(call.state, call.repo, comment))


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
    Endpoint("POST", f"{_PULL}/reviews", create_review, _WRITE),
    Endpoint("GET", f"{_PULL}/reviews", list_reviews, _READ),
    Endpoint("GET", f"{_PULL}/reviews/{{review_id:int}}", get_review, _READ),
    Endpoint("PUT", f"{_PULL}/reviews/{{review_id:int}}", update_review, _WRITE),
    Endpoint("POST", f"{_PULL}/reviews/{{review_id:int}}/events", submit_review, _WRITE),
    Endpoint("GET", f"{_PULL}/reviews/{{review_id:int}}/comments", list_comments_of_review, _READ),
    Endpoint("GET", f"{_PULL}/comments", list_comments, _READ),
    Endpoint("POST", f"{_PULL}/comments", create_comment, _WRITE),
    Endpoint("POST", f"{_PULL}/comments/{{comment_id:int}}/replies", create_reply, _WRITE),
    Endpoint("GET", _COMMENT, get_comment, _READ),
    Endpoint("PATCH", _COMMENT, update_comment, _WRITE),
    Endpoint("DELETE", _COMMENT, delete_comment, _WRITE),
)
