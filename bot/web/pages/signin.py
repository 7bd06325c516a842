"""Sign in with GitHub or an admin token; sign out."""

import re
import secrets
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.config.settings import Settings
from bot.security.network import network_of
from bot.store import Action, AuditEntry, Session, Store, Way
from bot.web.auth.viewer import (
    SESSION_SECONDS,
    cookie_name,
    new_session_id,
    same_origin,
    session_cookie,
    session_id_in,
    token_digest,
    viewer,
)
from bot.web.pages.forms import form_rejected, read_form, verified_form
from bot.web.pages.templates import page
from templates.languages import _

_REVIEW_ID = re.compile(r"[0-9A-Za-z]{1,64}")

#: A person has so long to say yes at GitHub.
STATE_SECONDS = 600
#: Tokens that one address may try in a minute.
ATTEMPTS_PER_MINUTE = 10


def _sign_in_page(
    request: Request, message: str = "", status: int = 200, *, review_id: str = ""
) -> Response:
    settings: Settings = request.app.state.settings
    return page(
        "signin.html",
        status,
        message=_(message),
        review_id=review_id,
        with_github=settings.has_github_sign_in,
        with_token=bool(settings.api_tokens),
    )


async def show(request: Request) -> Response:
    """GET /sign-in"""
    return _sign_in_page(request, review_id=_review_of(request.query_params))


def _review_of(values: Mapping[str, str]) -> str:
    """The review that somebody came for, by its id alone: an address would be others' to choose."""
    review_id = values.get("review", "")
    return review_id if _REVIEW_ID.fullmatch(review_id) else ""


async def with_token(request: Request) -> Response:
    """POST /sign-in: an admin token."""
    state = request.app.state
    if not same_origin(request):
        return _sign_in_page(request, "Your session has expired. Try again.", 403)
    address = request.client.host if request.client else ""
    if not await _allow_attempt(state.store, address):
        return _sign_in_page(request, "Too many attempts. Wait a minute.", 429)
    form = await read_form(request)
    digest = token_digest(form.get("token", ""), state.settings.api_tokens)
    if digest is None:
        await _record(state.store, Action.SIGN_IN_REFUSED, "admin", network_of(address))
        return _sign_in_page(request, "Invalid admin token.", 403)
    session = Session(new_session_id(), "admin", admin=digest)
    return await _signed_in(request, session, _review_of(form))


async def _allow_attempt(store: Store, address: str) -> bool:
    attempts = await store.sessions.count_attempt(network_of(address), seconds=60)
    return attempts <= ATTEMPTS_PER_MINUTE


async def to_github(request: Request) -> Response:
    """GET /sign-in/github: off to GitHub, with a state that only this browser has."""
    from bot.web.auth.oauth import (
        authorize_url,  # with an HTTP client, which nothing else here needs
    )

    settings: Settings = request.app.state.settings
    if not settings.github_client_id:
        return _sign_in_page(request, "Sign-in with GitHub is not configured.", 404)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    await request.app.state.store.sessions.begin_sign_in(
        state, verifier, STATE_SECONDS, review_id=_review_of(request.query_params)
    )
    answer = RedirectResponse(authorize_url(settings, state, verifier), 303)
    _set_cookie(answer, settings, f"{cookie_name(settings)}-state", state, STATE_SECONDS)
    return answer


async def from_github(request: Request) -> Response:
    """GET /sign-in/github/callback"""
    from bot.web.auth.oauth import SignInFailed, identify

    settings: Settings = request.app.state.settings
    state, code = request.query_params.get("state", ""), request.query_params.get("code", "")
    own = request.cookies.get(f"{cookie_name(settings)}-state", "")
    if not own or not secrets.compare_digest(own.encode(), state.encode()):
        return _sign_in_page(request, "Sign-in was started in another browser.", 403)
    begun = await request.app.state.store.sessions.end_sign_in(state)
    if begun is None or not code:
        return _sign_in_page(request, "Sign-in timed out or was refused.", 403)
    verifier, review_id = begun
    try:
        identity = await identify(settings, code, verifier)
    except SignInFailed as exc:
        return _sign_in_page(request, str(exc), 502)
    session = Session(new_session_id(), identity.login, repositories=identity.repositories)
    return await _signed_in(request, session, review_id)


async def _signed_in(request: Request, session: Session, review_id: str) -> Response:
    """A new session, never one that somebody could have known before, in place of the one that the
    browser had; and on to the review that the person came for."""
    state = request.app.state
    before = request.cookies.get(cookie_name(state.settings), "")
    if (old := session_id_in(state.keys, before)) is not None:
        await state.store.sessions.end(old)
    await _record(state.store, Action.SIGNED_IN, session.login)  # no session without its line
    await state.store.sessions.begin(session, SESSION_SECONDS)
    answer = RedirectResponse(f"/reviews/{review_id}" if review_id else "/", 303)
    value = session_cookie(state.keys[0], session.id)
    _set_cookie(answer, state.settings, cookie_name(state.settings), value, SESSION_SECONDS)
    return answer


async def _record(store: Store, action: Action, who: str, detail: str = "") -> None:
    await store.audit.record(AuditEntry(action=action, way=Way.PAGE, who=who, detail=detail))


def _set_cookie(answer: Response, settings: Settings, name: str, value: str, age: int) -> None:
    # Lax, as the way back from GitHub is a navigation from another site.
    secure = settings.public_url.startswith("https:")
    answer.set_cookie(name, value, max_age=age, httponly=True, samesite="lax", secure=secure)


async def sign_out(request: Request) -> Response:
    """POST /sign-out"""
    user = await viewer(request)
    if user is not None and user.session is not None:
        if not await verified_form(request, user):
            return form_rejected()
        await request.app.state.store.sessions.end(user.session.id)
    answer = RedirectResponse("/sign-in", 303)
    # With all that it was set with, or browsers keep a cookie whose name begins with `__Host-`.
    settings: Settings = request.app.state.settings
    _set_cookie(answer, settings, cookie_name(settings), "", 0)
    return answer
