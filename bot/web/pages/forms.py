"""Forms of our pages, read with limits and only if they were sent from our pages; and the Cancel
button, which the dashboard and a review's own page have."""

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot.domain.model import Review, State
from bot.policy.precedence import speak
from bot.policy.start import cancelled_by
from bot.store import Action, AuditEntry, Way
from bot.web.auth.viewer import Viewer, form_token, is_form_token, same_origin, viewer
from bot.web.pages.templates import message_page, not_found

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
    if await store.reviews.cancel(review.id, cancelled_by(user.login)):
        entry = AuditEntry.of(review, Action.REVIEW_CANCELLED, Way.PAGE, user.login)
        await store.audit.record(entry)
    return RedirectResponse(_back(review, form), 303)


def _back(review: Review, form: Mapping[str, str]) -> str:
    """The form names a page of ours and never an address, which others could choose."""
    if form.get("page") != "review":
        return "/"
    # With the link by which it was opened: that is good for longer than the session.
    key = form.get("key")
    return f"/reviews/{review.id}" + (f"?{urlencode({'key': key})}" if key else "")
