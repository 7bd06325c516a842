"""Forms of our pages, read with limits and only if they were sent from our pages; and the buttons
that are such forms: Cancel, which the dashboard has too, Dismiss and Review again."""

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from ulid import ULID

from bot.domain.model import Finding, Review, State
from bot.policy.precedence import speak
from bot.policy.start import cancelled_by
from bot.store import Action, AuditEntry, RedisConnectionError, ReviewState, Way, message
from bot.web.api.reviews import claim_idempotency_key, queue_review
from bot.web.api.schemas import StartReviewRequest
from bot.web.auth.viewer import Viewer, form_token, is_form_token, same_origin, viewer
from bot.web.pages.templates import message_page, not_found

#: Characters of a reason that are kept.
MAX_REASON = 200

#: Our forms are small.
MAX_BYTES = 4096

#: A form has so long to come.
TIMEOUT_SECONDS = 30.0


async def read_form(request: Request) -> dict[str, str]:
    """The fields of an urlencoded form; {} for what is none, too large, or comes too slowly."""
    body = b""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BYTES:
                    return {}
        return dict(parse_qsl(body.decode("ascii"), max_num_fields=20))
    except (TimeoutError, ClientDisconnect, ValueError):
        return {}


async def verified_form(request: Request, user: Viewer) -> dict[str, str]:
    """The fields, if the form carries the session's token and comes from our page; else {}."""
    form = await read_form(request)
    session = user.session
    if session is None or not same_origin(request):
        return {}
    known = is_form_token(request.app.state.keys, session.id, form.get("form_token", ""))
    return form if known else {}


def token_for(request: Request, user: Viewer) -> str:
    """What the forms on a page for them carry; "" without a session, which can send none."""
    return form_token(request.app.state.keys[0], user.session.id) if user.session else ""


def form_rejected() -> HTMLResponse:
    """The answer to a form that `verified_form` does not know."""
    return message_page(
        403, "Session expired", "Your session has expired. Reload the page and try again."
    )


def may_cancel(user: Viewer, review: Review, state: State) -> bool:
    """Whether they are shown the button. It is a form, and only a session can send one."""
    return user.session is not None and not state.finished and user.may_write(review.repository.id)


async def cancel_button(request: Request) -> Response:
    """POST /reviews/{id}/cancel; back to where the button was pressed."""
    user, store = await viewer(request), request.app.state.store
    state = await store.reviews.get(request.path_params["review_id"])
    review = state and state.review
    if user is None or review is None or not user.may_write(review.repository.id):
        return not_found()
    form = await verified_form(request, user)
    if not form:
        return form_rejected()
    if state is not None and state.handoff is not None:
        speak(request.app.state.settings, state.handoff.config)
    entry = AuditEntry.of(review, Action.REVIEW_CANCELLED, Way.PAGE, user.login)
    await store.reviews.cancel(review.id, cancelled_by(user.login), audit=entry)
    back = page_of(review, form) if form.get("page") == "review" else "/"
    return RedirectResponse(back, 303)


def page_of(review: Review, form: Mapping[str, str]) -> str:
    """The page of the review, with the link by which it was opened, which is good for longer than
    the session. A form never gives an address, which others could choose."""
    key = form.get("key")
    return f"/reviews/{review.id}" + (f"?{urlencode({'key': key})}" if key else "")


def may_act(user: Viewer | None, review: Review) -> bool:
    """Whether they are shown the buttons. These are forms, and only a session can send one."""
    return bool(user and user.session and user.may_write(review.repository.id))


def new_request() -> str:
    """What a form carries so that pressing its button twice asks once."""
    return str(ULID())


async def dismiss_button(request: Request) -> Response:
    """POST /reviews/{id}/dismiss, with the finding's fingerprint and perhaps a reason: as
    `/review dismiss` in its thread. At once for reviews; a worker sees to the thread on GitHub."""
    found = await _writer(request)
    if found is None:
        return not_found()
    user, state = found
    store, review = request.app.state.store, state.review
    form = await verified_form(request, user)
    if not form:
        return form_rejected()
    finding = await _finding(request, review, form.get("finding", ""))
    if finding is None:
        return not_found()
    reason = form.get("reason", "").strip()[:MAX_REASON]
    entry = AuditEntry.of(
        review, Action.FINDING_DISMISSED, Way.PAGE, user.login, f"{finding.title} {reason}".strip()
    )
    await store.audit.record(entry)  # first: there is no dismissal without its line
    where = review.repository.id, review.number
    await store.suppressions.dismiss(*where, *finding.fingerprints)
    arguments = review.id, finding.fingerprint, reason, user.login
    await store.queues.put(message("dismiss_finding", *arguments))
    return RedirectResponse(page_of(review, form), 303)


async def again_button(request: Request) -> Response:
    """POST /reviews/{id}/again: review the pull request again, as it is now; to the page of that
    review."""
    found = await _writer(request)
    if found is None:
        return not_found()
    user, state = found
    review = state.review
    form = await verified_form(request, user)
    if not form:
        return form_rejected()
    params = StartReviewRequest(
        repository=review.repository.full_name,
        number=review.number,
        full=True,
        focus=review.focus,
        effort=review.effort,
    )
    store, name = request.app.state.store, f"{user.login} again {form.get('request', '')}"
    review_id = await claim_idempotency_key(store, name, params, new_request())
    if not await queue_review(store, user, params, review_id, Way.PAGE):
        raise RedisConnectionError("No replica has confirmed the request.")
    return RedirectResponse(f"/reviews/{review_id}", 303)


async def _writer(request: Request) -> tuple[Viewer, ReviewState] | None:
    """Who asks and for which review; None for whoever may not write there."""
    user = await viewer(request)
    state = await request.app.state.store.reviews.get(request.path_params["review_id"])
    if user is None or state is None or not user.may_write(state.review.repository.id):
        return None
    if state.handoff is not None:
        speak(request.app.state.settings, state.handoff.config)
    return user, state


async def _finding(request: Request, review: Review, fingerprint: str) -> Finding | None:
    report = await request.app.state.store.stage_data.report(review.id)
    found = report.findings if report is not None else ()
    return next((each for each in found if each.fingerprint == fingerprint), None)
