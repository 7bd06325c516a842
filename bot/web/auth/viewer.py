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
from bot.store.pending import Unbegun
from bot.web.auth import sessions
from bot.web.auth.sessions import Granted, Session


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody known. `repositories` None: all of them (an administrator)."""

    login: str
    repositories: tuple[Granted, ...] | None
    session: Session | None = None  # None for a bearer token

    def may_read(self, repository_id: int) -> bool:
        return self.repositories is None or any(r.id == repository_id for r in self.repositories)

    def may_write(self, repository_id: int) -> bool:
        """May start and cancel reviews there."""
        return self.repositories is None or any(
            r.id == repository_id and r.write for r in self.repositories
        )

    def may_read_named(self, full_name: str) -> bool:
        return self.repositories is None or bool(self._named(full_name))

    def may_write_named(self, full_name: str) -> bool:
        return self.repositories is None or any(r.write for r in self._named(full_name))

    def may_know(self, found: Unbegun) -> bool:
        """May know of what has not begun, whose repository may not be known but by its name."""
        if found.repository_id:
            return self.may_read(found.repository_id)
        return self.may_read_named(found.repository)

    def _named(self, full_name: str) -> list[Granted]:
        granted = self.repositories or ()
        return [one for one in granted if one.full_name.lower() == full_name.lower()]


@dataclass(frozen=True, slots=True)
class Seen:
    """A review that may be shown, and until when the links on its page are good (seconds
    since the epoch; None: the asker needs no link)."""

    review: Review
    link_expires: int | None


def token_digest(token: str, configured: Sequence[SecretStr]) -> str | None:
    """The SHA-256 digest (hex) of an admin token, if it is one of those configured."""
    given = sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
    return given if is_known(given, configured) else None


def is_known(digest: str, configured: Sequence[SecretStr]) -> bool:
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
    return _of_session(session, settings)


def _of_session(session: Session | None, settings: Settings) -> Viewer | None:
    if session is None:
        return None
    if session.admin:  # a token that was taken out of the settings ends its sessions
        known = is_known(session.admin, settings.api_tokens)
        return Viewer(session.login, None, session) if known else None
    return Viewer(session.login, session.repositories, session)


def by_link(connection: HTTPConnection, purpose: Purpose, review_id: str) -> int | None:
    """Until when (seconds since the epoch) the link is good by which somebody asks; None without
    one that is good."""
    state = connection.app.state
    key = connection.query_params.get("key", "")
    return verify(state.keys, purpose, review_id, key, state.store.now())


async def see(connection: HTTPConnection, purpose: Purpose, review_id: str) -> Seen | None:
    """The review, if it exists and the asker may see it for that purpose: by the link's
    `?key=`, or as somebody who may read its repository."""
    store: Store = connection.app.state.store
    expires = by_link(connection, purpose, review_id)
    review = await store.review(review_id)
    if review is None:
        return None
    if expires is not None:
        return Seen(review, expires)
    who = await viewer(connection)
    return Seen(review, None) if who and who.may_read(review.repository.id) else None


async def see_unbegun(
    connection: HTTPConnection, purpose: Purpose, review_id: str
) -> Unbegun | None:
    """What has that id where `see` finds no review, for whom a review would be shown to."""
    found = await pending.find(connection.app.state.store, review_id)
    if found is None or by_link(connection, purpose, review_id) is not None:
        return found
    who = await viewer(connection)
    return found if who and who.may_know(found) else None
