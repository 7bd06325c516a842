"""Who asks, and what they may see.

Three ways in: an admin token (`Authorization: Bearer`), a session cookie, and for one
review the signed link. Nobody who is refused learns whether the review exists.

A signed cookie names a session, Redis holds what it may see: the list of repositories that a
person may read can be too long for a cookie. It is asked of GitHub at sign-in, and a session is
short, so that what is taken away from a person at GitHub is soon taken away here.
"""

import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from pydantic import SecretStr
from starlette.requests import HTTPConnection, Request

from bot.config.settings import Settings
from bot.domain.model import Review, State
from bot.security.links import Purpose, verify
from bot.security.signing import is_signed, signature
from bot.store import PendingRequest, RepositoryAccess, ReviewSummary, Session, Store
from bot.web.api.problems import Problem

#: After so long a person signs in again: without a question where GitHub knows them.
SESSION_SECONDS = 3600

#: Carries the session's form token for calls that change something.
TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody known. `repositories` None: all of them (an administrator)."""

    login: str
    repositories: tuple[RepositoryAccess, ...] | None
    session: Session | None = None  # None for a bearer token

    def may_read(self, repository_id: int) -> bool:
        return self.repositories is None or any(r.id == repository_id for r in self.repositories)

    def may_write(self, repository_id: int) -> bool:
        """May start and cancel reviews there."""
        return self.repositories is None or any(
            r.id == repository_id and r.write for r in self.repositories
        )

    def may_read_there(self, installation_id: int, repository_id: int) -> bool:
        """May read what is kept for that installation: a repository may have moved to another."""
        return self.repositories is None or any(
            (r.installation_id, r.id) == (installation_id, repository_id) for r in self.repositories
        )

    def may_read_by_name(self, full_name: str) -> bool:
        return self.repositories is None or bool(self._named_repositories(full_name))

    def may_write_by_name(self, full_name: str) -> bool:
        return self.repositories is None or any(
            r.write for r in self._named_repositories(full_name)
        )

    def may_read_pending(self, found: PendingRequest) -> bool:
        """May know of what has not begun, whose repository may not be known but by its name."""
        if found.repository_id:
            return self.may_read(found.repository_id)
        return self.may_read_by_name(found.repository)

    def _named_repositories(self, full_name: str) -> list[RepositoryAccess]:
        granted = self.repositories or ()
        return [one for one in granted if one.full_name.lower() == full_name.lower()]


@dataclass(frozen=True, slots=True)
class ReviewAccess:
    """A review that may be shown, and until when the links on its page are good (seconds
    since the epoch; None: the asker needs no link)."""

    review: Review
    link_expires: int | None


def token_digest(token: str, configured: Sequence[SecretStr]) -> str | None:
    """The SHA-256 digest (hex) of an admin token, if it is one of those configured."""
    given = sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
    return given if is_token_digest(given, configured) else None


def is_token_digest(digest: str, configured: Sequence[SecretStr]) -> bool:
    """True if one of the configured tokens has that digest; in constant time."""
    known = [_digest(secret.get_secret_value()) for secret in configured]
    matches = [hmac.compare_digest(one, digest.encode()) for one in known]
    return any(matches)


def _digest(configured: str) -> bytes:
    if configured.startswith("sha256:"):
        return configured.removeprefix("sha256:").strip().lower().encode()
    return sha256(configured.encode()).hexdigest().encode()


def cookie_name(settings: Settings) -> str:
    """`__Host-` binds the cookie to this host and HTTPS (RFC 6265bis, 4.1.3.2)."""
    return "__Host-glossator" if settings.public_url.startswith("https:") else "glossator"


async def viewer(connection: HTTPConnection) -> Viewer | None:
    """Who asks, by bearer token or session; None for a stranger."""
    settings: Settings = connection.app.state.settings
    scheme, _, token = connection.headers.get("Authorization", "").partition(" ")
    if scheme:  # whoever sends a token wants to be known by that, and not by a cookie
        known = scheme.lower() == "bearer" and token_digest(token.strip(), settings.api_tokens)
        return Viewer("admin", None) if known else None
    cookie = connection.cookies.get(cookie_name(settings), "")
    session_id = session_id_in(connection.app.state.keys, cookie)
    if session_id is None:
        return None
    session = await connection.app.state.store.sessions.find(session_id)
    return _session_viewer(session, settings)


def _session_viewer(session: Session | None, settings: Settings) -> Viewer | None:
    if session is None:
        return None
    if session.admin:  # a token that was taken out of the settings ends its sessions
        known = is_token_digest(session.admin, settings.api_tokens)
        return Viewer(session.login, None, session) if known else None
    return Viewer(session.login, session.repositories, session)


def link_expiry(connection: HTTPConnection, purpose: Purpose, review_id: str) -> int | None:
    """Until when (seconds since the epoch) the link is good by which somebody asks; None without
    one that is good, or where it is not enough."""
    if connection.app.state.settings.links_need_sign_in:
        return None
    return _signed_until(connection, purpose, review_id)


def may_sign_in_for_link(connection: HTTPConnection, purpose: Purpose, review_id: str) -> bool:
    """Whether the link is good by which somebody asks who still has to say who they are."""
    settings: Settings = connection.app.state.settings
    return settings.links_need_sign_in and (
        _signed_until(connection, purpose, review_id) is not None
    )


def _signed_until(connection: HTTPConnection, purpose: Purpose, review_id: str) -> int | None:
    state = connection.app.state
    key = connection.query_params.get("key", "")
    return verify(state.keys, purpose, review_id, key, state.store.now())


async def find_review_access(
    connection: HTTPConnection, purpose: Purpose, review_id: str
) -> ReviewAccess | None:
    """The review, if it exists and the asker may see it for that purpose: by the link's
    `?key=`, or as somebody who may read its repository."""
    store: Store = connection.app.state.store
    expires = link_expiry(connection, purpose, review_id)
    review = await store.reviews.review(review_id)
    if review is None:
        return None
    if expires is not None:
        return ReviewAccess(review, expires)
    user = await viewer(connection)
    return ReviewAccess(review, None) if user and user.may_read(review.repository.id) else None


async def find_pending_access(
    connection: HTTPConnection, purpose: Purpose, review_id: str
) -> PendingRequest | None:
    """What has that id where `find_review_access` finds no review, for whom a review would be
    shown to."""
    store: Store = connection.app.state.store
    found = await store.requests.find(review_id)
    if found is None or link_expiry(connection, purpose, review_id) is not None:
        return found
    user = await viewer(connection)
    return found if user and user.may_read_pending(found) else None


def review_filter(
    user: Viewer, *, repository: str = "", number: int = 0, state: State | None = None
) -> Callable[[ReviewSummary], bool]:
    """A filter for what the viewer may see and asked for."""

    def matches(summary: ReviewSummary) -> bool:
        review = summary.review
        return (
            user.may_read(review.repository.id)
            and (not repository or review.repository.full_name.lower() == repository.lower())
            and (not number or review.number == number)
            and (state is None or summary.state is state)
        )

    return matches


async def caller(request: Request) -> Viewer:
    """Raises Problem: 401 for strangers, 403 for a session's changing call that another site
    may have sent."""
    user = await viewer(request)
    if user is None:
        raise Problem(
            401,
            "Send an admin token as `Authorization: Bearer …`, or sign in at the dashboard.",
            WWW_Authenticate='Bearer realm="glossator"',
        )
    if user.session is not None and request.method not in ("GET", "HEAD"):
        token = request.headers.get(TOKEN_HEADER, "")
        is_valid = is_form_token(request.app.state.keys, user.session.id, token)
        if not is_valid or not same_origin(request):
            raise Problem(403, f"Send the page's CSRF token in {TOKEN_HEADER}.")
    return user


def same_origin(connection: HTTPConnection) -> bool:
    """True if a browser says that the request comes from a page of this server; false if it
    says nothing. Behind a proxy the host is the public one, or the one we were asked by."""
    origin = connection.headers.get("Origin", "")
    public = urlsplit(connection.app.state.settings.public_url)
    hosts = {public.netloc, connection.headers.get("Host", "")}
    return bool(origin) and urlsplit(origin).netloc in hosts


def new_session_id() -> str:
    return secrets.token_urlsafe(32)


def session_cookie(key: bytes, session_id: str) -> str:
    return f"{session_id}.{signature(key, 'session', session_id)}"


def session_id_in(keys: Sequence[bytes], cookie: str) -> str | None:
    """The id that the cookie carries, if it is one that we signed."""
    session_id, _, given = cookie.partition(".")
    return session_id if is_signed(keys, given, "session", session_id) else None


def form_token(key: bytes, session_id: str) -> str:
    """What a form of this session carries, so that no other site can send it (CSRF)."""
    return signature(key, "form", session_id)


def is_form_token(keys: Sequence[bytes], session_id: str, given: str) -> bool:
    return is_signed(keys, given, "form", session_id)
