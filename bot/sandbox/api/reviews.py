"""Reviews: the comments of one must lie inside the diff, or all are refused."""

from typing import Any

from starlette.responses import Response

from bot.sandbox import pull_json
from bot.sandbox.api.call import (
    Call,
    Endpoint,
    answer,
    forbidden,
    invalid,
    not_found,
    page_of,
    unprocessable,
)
from bot.sandbox.api.review_comments import (
    Unplaceable,
    add_comment,
    check_length,
    comments_page,
    place_all,
)
from bot.sandbox.state import Pull, Review

_STATES = {"COMMENT": "COMMENTED", "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED"}


async def create_review(call: Call) -> Response:
    """POST /repos/{owner}/{repo}/pulls/{number}/reviews"""
    pull = call.pull()
    body, event = call.body.get("body") or "", call.body.get("event")
    comments = call.body.get("comments") or []
    _check_review(call, pull, body, event, comments)
    commit_id = call.body.get("commit_id") or pull.head_sha
    try:
        placed = await place_all(call, pull, commit_id, comments)
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
        add_comment(call, review, comment["body"], at)
    call.wrote = True
    return answer(pull_json.review(call.state, call.repo, review))


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
        check_length(text)
    mine = [r for r in call.repo.reviews.values() if r.number == pull.number]
    if any(r.state == "PENDING" and r.user == call.actor for r in mine):
        raise unprocessable("User can only have one pending review per pull request")


async def submit_review(call: Call) -> Response:
    """POST /repos/{owner}/{repo}/pulls/{number}/reviews/{id}/events"""
    review = _review(call)
    event = call.required("PullRequestReview", "event", str)
    if event not in _STATES or review.state != "PENDING":
        raise invalid("PullRequestReview", "event")
    body = call.body.get("body") or review.body
    check_length(body)
    review.body, review.state, review.submitted_at = body, _STATES[event], call.state.now()
    call.wrote = True
    return answer(pull_json.review(call.state, call.repo, review))


async def update_review(call: Call) -> Response:
    """PUT /repos/{owner}/{repo}/pulls/{number}/reviews/{id}: its body, by who wrote it"""
    review = _review(call)
    body = call.required("PullRequestReview", "body", str)
    check_length(body)
    if review.user != call.actor:
        raise forbidden()
    review.body = body
    call.wrote = True
    return answer(pull_json.review(call.state, call.repo, review))


async def dismiss_review(call: Call) -> Response:
    """PUT /repos/{owner}/{repo}/pulls/{number}/reviews/{id}/dismissals: of a verdict that stands"""
    review = _review(call)
    if not call.required("PullRequestReview", "message", str).strip():
        raise unprocessable("Message can't be blank")
    if review.state not in ("APPROVED", "CHANGES_REQUESTED"):
        raise unprocessable(f"Can not dismiss a {review.state.lower()} pull request review")
    review.state, review.dismissed = "DISMISSED", call.body["message"]
    call.wrote = True
    return answer(pull_json.review(call.state, call.repo, review))


async def list_reviews(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/pulls/{number}/reviews: oldest first"""
    pull = call.pull()
    reviews = [r for r in call.repo.reviews.values() if r.number == pull.number]
    items, headers = page_of(call, reviews)
    return answer([pull_json.review(call.state, call.repo, r) for r in items], headers=headers)


async def get_review(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/pulls/{number}/reviews/{id}"""
    return answer(pull_json.review(call.state, call.repo, _review(call)))


async def list_comments_of_review(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/pulls/{number}/reviews/{id}/comments"""
    review = _review(call)
    return comments_page(
        call, [c for c in call.repo.review_comments.values() if c.review_id == review.id]
    )


def _review(call: Call) -> Review:
    review = call.repo.reviews.get(call.number("review_id"))
    if review is None or review.number != call.pull().number:
        raise not_found()
    return review


_PULL = "/repos/{owner}/{repo}/pulls/{number:int}"
_READ, _WRITE = "pull_requests:read", "pull_requests:write"

ENDPOINTS = (
    Endpoint("POST", f"{_PULL}/reviews", create_review, _WRITE),
    Endpoint("GET", f"{_PULL}/reviews", list_reviews, _READ),
    Endpoint("GET", f"{_PULL}/reviews/{{review_id:int}}", get_review, _READ),
    Endpoint("PUT", f"{_PULL}/reviews/{{review_id:int}}", update_review, _WRITE),
    Endpoint("POST", f"{_PULL}/reviews/{{review_id:int}}/events", submit_review, _WRITE),
    Endpoint("PUT", f"{_PULL}/reviews/{{review_id:int}}/dismissals", dismiss_review, _WRITE),
    Endpoint("GET", f"{_PULL}/reviews/{{review_id:int}}/comments", list_comments_of_review, _READ),
)
