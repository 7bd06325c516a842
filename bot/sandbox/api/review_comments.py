"""Comments on the lines of a pull request, one at a time."""

from __future__ import annotations

from starlette.responses import Response

from bot.sandbox.api.call import Call, Endpoint, answer, no_content
from bot.sandbox.api.errors import forbidden, invalid, not_found, unprocessable
from bot.sandbox.comment_placement import Unplaceable
from bot.sandbox.json import comment_json
from bot.sandbox.records import Pull, Review, ReviewComment
from bot.sandbox.review_comments import add_comment, check_length, comments_page, place_all


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
    return answer(comment_json.review_comment(call.state, call.repo, comment), 201)


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
    return answer(comment_json.review_comment(call.state, call.repo, comment), 201)


async def get_comment(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/pulls/comments/{id}"""
    return answer(comment_json.review_comment(call.state, call.repo, _comment(call)))


async def update_comment(call: Call) -> Response:
    """PATCH /repos/{owner}/{repo}/pulls/comments/{id}"""
    comment = _own(call)
    body = call.required("PullRequestReviewComment", "body", str)
    check_length(body)
    comment.body, comment.updated_at = body, call.state.now()
    call.wrote = True
    return answer(comment_json.review_comment(call.state, call.repo, comment))


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
