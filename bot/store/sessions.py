"""What the web process keeps: sessions and sign-ins, and reviews that were asked for."""

from dataclasses import dataclass, replace
from typing import Any

from bot.domain.model import State, Trigger, decode, encode
from bot.domain.progress import Progress
from bot.store import keys
from bot.store.database import Database, pack, to_bytes, unpack
from bot.store.lua.scripts import Script


@dataclass(frozen=True, slots=True)
class RepositoryAccess:
    """A repository that a person may read by an installation, and whether they may write to it."""

    id: int
    full_name: str
    write: bool
    installation_id: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """`admin` is the digest of the admin token it began with, or "" for a person known by
    GitHub, who sees `repositories` and no others."""

    id: str
    login: str
    admin: str = ""
    repositories: tuple[RepositoryAccess, ...] = ()


class Sessions:
    """People who signed in, or are about to. All methods raise RedisError."""

    def __init__(self, database: Database) -> None:
        self._redis = database.redis

    async def begin(self, session: Session, seconds: int) -> None:
        await self._redis.set(keys.session(session.id), encode(session), ex=seconds)

    async def find(self, session_id: str) -> Session | None:
        data = await self._redis.get(keys.session(session_id))
        return decode(Session, data) if data else None

    async def end(self, session_id: str) -> None:
        await self._redis.delete(keys.session(session_id))

    async def begin_sign_in(
        self, state: str, verifier: str, seconds: int, *, review_id: str = ""
    ) -> None:
        """Remember the verifier of a sign-in at GitHub while the person is there, and the review
        that they came for."""
        await self._redis.set(keys.sign_in(state), f"{verifier} {review_id}", ex=seconds)

    async def end_sign_in(self, state: str) -> tuple[str, str] | None:
        """Its verifier and review, "" for none, once."""
        kept = await self._redis.getdel(keys.sign_in(state))
        if kept is None:
            return None
        verifier, _, review_id = to_bytes(kept).decode().partition(" ")
        return verifier, review_id

    async def count_attempt(self, network: str, seconds: int) -> int:
        """Count an attempt to sign in; returns how many there were from that network, in a span
        that begins with the first of them."""
        key = keys.sign_in_attempts(network)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(key, 0, nx=True, ex=seconds)
            pipe.incr(key)
            _, attempts = await pipe.execute()
        return int(attempts)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingRequest:
    """`error` says why nothing comes of it, "" while something may. `repository_id` and `head_sha`
    are known (else 0 and "") where the pull request was looked at. Times in seconds since the
    epoch."""

    repository: str
    number: int
    trigger: Trigger
    requested_by: str
    requested_at: float
    repository_id: int = 0
    head_sha: str = ""
    ended_at: float | None = None
    error: str = ""


class Requests:
    """What has an id and is no review: one that was asked for over the API and has not begun, and a
    pull request that was skipped. Pages, API and feed know both all the same. All methods raise
    RedisError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._redis = database.redis

    async def add(self, review_id: str, pending: PendingRequest) -> None:
        """Know it from now on, unless it is known."""
        await self._redis.set(
            keys.pending(review_id), pack(pending), ex=self._database.keep_seconds, nx=True
        )

    async def end(self, review_id: str, pending: PendingRequest, reason: str) -> None:
        """Nothing comes of it, which those who watch are told once, and not if it has begun."""
        ended = replace(pending, ended_at=self._database.now(), error=reason)
        event = encode(Progress(state=State.FAILED, error=reason))
        is_head_known = bool(ended.head_sha)
        await self._database.scripts.run(
            Script.END_PENDING,
            pack(ended),
            id=review_id,
            event=event.decode(),
            keep=self._database.keep_seconds,
            head_pulls=keys.head(ended.repository_id, ended.head_sha) if is_head_known else None,
            number=ended.number,
        )

    async def reject(self, review_id: str, reason: str) -> None:
        """Nothing comes of what `add` was told of, if that was not said before."""
        found = await self.find(review_id)
        if found is not None and not found.error:
            await self.end(review_id, found, reason)

    async def find(self, review_id: str) -> PendingRequest | None:
        """It is also found once it has begun: look for the review first."""
        data = await self._redis.get(keys.pending(review_id))
        return unpack(PendingRequest, data) if data else None

    async def skipped_pull_number(self, review_id: str, repository_id: int) -> int | None:
        """The number of the pull request of that repository that has this instead of a review."""
        found = await self.find(review_id)
        return found.number if found and found.repository_id == repository_id else None

    async def claim_key(
        self, digest: str, review_id: str, request: str, seconds: int
    ) -> tuple[str, str]:
        """The review's id and the digest of the request with which this idempotency key was sent
        first, which are these for whoever is first."""
        key = keys.idempotency(digest)
        await self._redis.set(key, f"{review_id} {request}", nx=True, ex=seconds)
        stored: Any = await self._redis.get(key)
        first, _, first_request = stored.decode().partition(" ")
        return first, first_request
