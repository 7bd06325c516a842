"""What is kept of a pull request from one review to the next: the findings that stand on its
lines, the review that speaks of it, and what the LLM said of its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.model import FileResult
from bot.store import keys
from bot.store.database import pack, unpack
from bot.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedSummary:
    """The review of ours that speaks of the whole pull request: GitHub's id of it, GraphQL's, the
    fingerprints that it reports, what it says failed, and earlier ones, by GraphQL's ids, that are
    not folded yet. `reviews` counts our reviews of the pull request up to `last_review`, by id."""

    id: int
    node_id: str
    fingerprints: frozenset[str]
    failed_sources: frozenset[str] = frozenset()
    outdated_ids: tuple[str, ...] = ()
    reviews: int = 0
    last_review: str = ""

    def reviews_before(self, review_id: str) -> int:
        """How many came before that one, which may have been counted already."""
        return self.reviews - (self.last_review == review_id)


async def posted_summary(store: Store, repository_id: int, number: int) -> PostedSummary | None:
    data = await store.redis.get(keys.posted_summary(repository_id, number))
    return unpack(PostedSummary, data) if data else None


async def save_posted_summary(
    store: Store, repository_id: int, number: int, summary: PostedSummary
) -> None:
    await store.redis.set(
        keys.posted_summary(repository_id, number), pack(summary), ex=store.keep_seconds
    )


async def add_posted(
    store: Store, repository_id: int, number: int, fingerprints: Sequence[str]
) -> None:
    """Remember findings that stand on lines of the pull request."""
    key = keys.posted(repository_id, number)
    async with store.redis.pipeline() as pipe:
        if fingerprints:
            pipe.sadd(key, *fingerprints)
        pipe.expire(key, store.keep_seconds)
        await pipe.execute()


async def remove_posted(
    store: Store, repository_id: int, number: int, fingerprints: Sequence[str]
) -> None:
    """Forget findings whose threads are resolved: what comes back is said again."""
    if fingerprints:
        await store.redis.srem(keys.posted(repository_id, number), *fingerprints)


async def posted(store: Store, repository_id: int, number: int) -> frozenset[str]:
    """The fingerprints of findings that stand on lines of the pull request."""
    names: Any = await store.redis.smembers(keys.posted(repository_id, number))
    return frozenset(name.decode() for name in names)


async def save_file_results(
    store: Store, repository_id: int, number: int, file_results: Mapping[str, FileResult]
) -> None:
    """Keep what the LLM said of files, by the keys of those readings."""
    key = keys.file_results(repository_id, number)
    async with store.redis.pipeline() as pipe:
        for name, file_result in file_results.items():
            pipe.hset(key, name, pack(file_result))
        pipe.expire(key, store.keep_seconds)
        await pipe.execute()


async def file_result_keys(store: Store, repository_id: int, number: int) -> frozenset[str]:
    names: Any = await store.redis.hkeys(keys.file_results(repository_id, number))
    return frozenset(name.decode() for name in names)


async def file_results(
    store: Store, repository_id: int, number: int, names: Sequence[str]
) -> tuple[FileResult, ...]:
    """The readings of these keys that are still kept."""
    if not names:
        return ()
    key = keys.file_results(repository_id, number)
    return tuple(unpack(FileResult, data) for data in await store.redis.hmget(key, names) if data)


async def delete_file_results(
    store: Store, repository_id: int, number: int, but: Sequence[str]
) -> None:
    """Drop the readings of code that is no longer in the pull request."""
    old = await file_result_keys(store, repository_id, number) - set(but)
    if old:
        await store.redis.hdel(keys.file_results(repository_id, number), *old)
