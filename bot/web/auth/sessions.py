"""Sessions of people who signed in: a signed cookie names one, Redis holds what it may see.

The list of repositories that a person may read can be long, so that it does not travel in
the cookie; it is asked of GitHub at sign-in, and a session is short so that what is taken
away from a person at GitHub is soon taken away here.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from bot.domain.model import decode, encode
from bot.security.signing import is_signed, signature
from bot.store import keys

#: After so long a person signs in again: without a question where GitHub knows them.
SESSION_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class RepositoryAccess:
    """A repository that a person may read, and whether they may write to it."""

    id: int
    full_name: str
    write: bool


@dataclass(frozen=True, slots=True)
class Session:
    """`admin` is the digest of the admin token it began with, or "" for a person known by
    GitHub, who sees `repositories` and no others."""

    id: str
    login: str
    admin: str = ""
    repositories: tuple[RepositoryAccess, ...] = ()


def new_id() -> str:
    return secrets.token_urlsafe(32)


async def begin(redis: "Redis", session: Session) -> None:
    await redis.set(keys.session(session.id), encode(session), ex=SESSION_SECONDS)


async def find(redis: "Redis", session_id: str) -> Session | None:
    data = await redis.get(keys.session(session_id))
    return decode(Session, data) if data else None


async def end(redis: "Redis", session_id: str) -> None:
    await redis.delete(keys.session(session_id))


def cookie_value(key: bytes, session_id: str) -> str:
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
