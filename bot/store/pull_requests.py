"""What is kept of a pull request from one review to the next: the findings that stand on its
lines, the review that speaks of it, and what the LLM said of its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.model import Reading
from bot.store.store import PREFIX, Store, pack, unpack


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """The review of ours that speaks of the whole pull request: GitHub's id of it, GraphQL's, the
    fingerprints that it tells, what it says failed, and earlier ones, by GraphQL's ids, that are
    not folded yet."""

    id: int
    node_id: str
    told: frozenset[str]
    failed: frozenset[str] = frozenset()
    earlier: tuple[str, ...] = ()


async def spoken(store: Store, repository_id: int, number: int) -> Spoken | None:
    data = await store.redis.get(_spoken(repository_id, number))
    return unpack(Spoken, data) if data else None


async def remember_spoken(store: Store, repository_id: int, number: int, what: Spoken) -> None:
    await store.redis.set(_spoken(repository_id, number), pack(what), ex=store.keep_seconds)


async def add_posted(
    store: Store, repository_id: int, number: int, fingerprints: Sequence[str]
) -> None:
    """Remember findings that stand on lines of the pull request."""
    key = _posted(repository_id, number)
    async with store.redis.pipeline() as pipe:
        if fingerprints:
            pipe.sadd(key, *fingerprints)
        pipe.expire(key, store.keep_seconds)
        await pipe.execute()


async def forget_posted(
    store: Store, repository_id: int, number: int, fingerprints: Sequence[str]
) -> None:
    """Forget findings whose threads are resolved: what comes back is said again."""
    if fingerprints:
        await store.redis.srem(_posted(repository_id, number), *fingerprints)


async def posted(store: Store, repository_id: int, number: int) -> frozenset[str]:
    """The fingerprints of findings that stand on lines of the pull request."""
    names: Any = await store.redis.smembers(_posted(repository_id, number))
    return frozenset(name.decode() for name in names)


async def remember_readings(
    store: Store, repository_id: int, number: int, readings: Mapping[str, Reading]
) -> None:
    """Keep what the LLM said of files, by the keys of those readings."""
    key = _readings(repository_id, number)
    async with store.redis.pipeline() as pipe:
        for name, reading in readings.items():
            pipe.hset(key, name, pack(reading))
        pipe.expire(key, store.keep_seconds)
        await pipe.execute()


async def reading_keys(store: Store, repository_id: int, number: int) -> frozenset[str]:
    names: Any = await store.redis.hkeys(_readings(repository_id, number))
    return frozenset(name.decode() for name in names)


async def readings(
    store: Store, repository_id: int, number: int, names: Sequence[str]
) -> tuple[Reading, ...]:
    """The readings of these keys that are still kept."""
    if not names:
        return ()
    key = _readings(repository_id, number)
    return tuple(unpack(Reading, data) for data in await store.redis.hmget(key, names) if data)


async def forget_readings(
    store: Store, repository_id: int, number: int, but: Sequence[str]
) -> None:
    """Drop the readings of code that is no longer in the pull request."""
    old = await reading_keys(store, repository_id, number) - set(but)
    if old:
        await store.redis.hdel(_readings(repository_id, number), *old)


def _spoken(repository_id: int, number: int) -> str:
    return f"{PREFIX}spoken:{repository_id}:{number}"


def _posted(repository_id: int, number: int) -> str:
    return f"{PREFIX}posted:{repository_id}:{number}"


def _readings(repository_id: int, number: int) -> str:
    return f"{PREFIX}readings:{repository_id}:{number}"
