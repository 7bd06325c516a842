"""Who asks, and what they may see.

Three ways in: an admin token (`Authorization: Bearer`), a session cookie, and for one
review the signed link. Nobody who is refused learns whether the review exists.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from pydantic import SecretStr
from starlette.requests import HTTPConnection

from bot.config.settings import Settings
from bot.domain.model import Review
from bot.security.links import Purpose, verify
from bot.store import Store, pending
from bot.store.pending import PendingRequest
from bot.web.auth import sessions
from bot.web.auth.sessions import RepositoryAccess, Session


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
    session_id = sessions.session_id_in(connection.app.state.keys, cookie)
    if session_id is None:
        return None
    session = await sessions.find(connection.app.state.store.redis, session_id)
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
    one that is good."""
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
    found = await pending.find(connection.app.state.store, review_id)
    if found is None or link_expiry(connection, purpose, review_id) is not None:
        return found
    user = await viewer(connection)
    return found if user and user.may_read_pending(found) else None
