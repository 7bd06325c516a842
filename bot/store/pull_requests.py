"""What is kept of a pull request from one review to the next: which review is the newest, whether
people paused it, the findings that are inline comments or open, the review that speaks of all, and
what the LLM said of its files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from bot.domain.model import FileResult, Finding
from bot.store import keys
from bot.store.database import Database, pack, unpack

#: After so long GitHub is asked again for an organization's defaults; there may be some by then.
DEFAULTS_SECONDS = 600
#: So long what a ticket says may be out of date.
TICKET_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class PullState:
    """`current` is the id of the newest review, `unfocused` that of the newest one that looks for
    all categories, of `head` against `base`; `paused` is who left its new commits alone, `resumed`
    how many reviews it had when somebody resumed it last, `needs_label` is set where it was left
    alone for want of a label. Each is "" where there is none."""

    current: str = ""
    unfocused: str = ""
    head: str = ""
    base: str = ""
    paused: str = ""
    resumed: str = ""
    needs_label: str = ""

    def reviews_since(self, reviews: int) -> int:
        """How many of so many reviews it had since somebody resumed it."""
        return max(0, reviews - int(self.resumed or 0))


_FIELDS = tuple(field.name for field in fields(PullState))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedSummary:
    """The review of ours that speaks of the whole pull request: GitHub's id of it, GraphQL's, the
    fingerprints that it reports, what it says failed, and earlier ones, by GraphQL's ids, that are
    not folded yet. `reviews` counts our reviews of the pull request up to `last_review`, by id;
    `open_checks` are the names of the team's checks that did not pass."""

    id: int
    node_id: str
    fingerprints: frozenset[str]
    failed_sources: frozenset[str] = frozenset()
    outdated_ids: tuple[str, ...] = ()
    reviews: int = 0
    last_review: str = ""
    open_checks: frozenset[str] = frozenset()

    def reviews_before(self, review_id: str) -> int:
        """How many came before that one, which may have been counted already."""
        return self.reviews - (self.last_review == review_id)


class PullRequests:
    """All methods raise RedisError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._redis = database.redis

    async def get(self, repository_id: int, number: int) -> PullState:
        """What is known of it; nothing for a pull request never seen, or not asked for since as
        long as reviews are kept."""
        key = keys.pull(repository_id, number)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(key)
            pipe.expire(key, self._database.keep_seconds)
            kept, _ = await pipe.execute()
        # A later version may write more.
        known = {name: kept[name.encode()].decode() for name in _FIELDS if name.encode() in kept}
        return PullState(**known)

    async def at_head(self, repository_id: int, sha: str) -> list[int]:
        """Numbers of the pull requests that were reviewed, or skipped, at a head commit: the
        events of check suites do not name those of forks."""
        return sorted(map(int, await self._redis.smembers(keys.head(repository_id, sha))))

    async def pause(self, repository_id: int, number: int, by: str) -> None:
        """Leave new commits of a pull request alone."""
        key = keys.pull(repository_id, number)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(key, "paused", by)
            pipe.expire(key, self._database.keep_seconds)
            await pipe.execute()

    async def resume(self, repository_id: int, number: int) -> None:
        """Review new commits again, though there were many reviews already."""
        key = keys.pull(repository_id, number)
        summary = await self.posted_summary(repository_id, number)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hdel(key, "paused")
            if summary is not None:
                pipe.hset(key, "resumed", summary.reviews)
                pipe.expire(key, self._database.keep_seconds)
            await pipe.execute()

    async def mark_label_needed(self, repository_id: int, number: int) -> None:
        """Note that it is left alone until it has a certain label."""
        key = keys.pull(repository_id, number)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(key, "needs_label", 1)
            pipe.expire(key, self._database.keep_seconds)
            await pipe.execute()

    async def posted_summary(self, repository_id: int, number: int) -> PostedSummary | None:
        data = await self._redis.get(keys.posted_summary(repository_id, number))
        return unpack(PostedSummary, data) if data else None

    async def save_posted_summary(
        self, repository_id: int, number: int, summary: PostedSummary
    ) -> None:
        await self._redis.set(
            keys.posted_summary(repository_id, number),
            pack(summary),
            ex=self._database.keep_seconds,
        )

    async def add_posted(
        self, repository_id: int, number: int, fingerprints: Sequence[str]
    ) -> None:
        """Remember findings that stand on lines of the pull request."""
        key = keys.posted(repository_id, number)
        async with self._redis.pipeline() as pipe:
            if fingerprints:
                pipe.sadd(key, *fingerprints)
            pipe.expire(key, self._database.keep_seconds)
            await pipe.execute()

    async def remove_posted(
        self, repository_id: int, number: int, fingerprints: Sequence[str]
    ) -> None:
        """Forget findings whose threads are resolved: what comes back is said again."""
        if fingerprints:
            await self._redis.srem(keys.posted(repository_id, number), *fingerprints)

    async def posted(self, repository_id: int, number: int) -> frozenset[str]:
        """The fingerprints of findings that stand on lines of the pull request."""
        names: Any = await self._redis.smembers(keys.posted(repository_id, number))
        return frozenset(name.decode() for name in names)

    async def save_file_results(
        self, repository_id: int, number: int, file_results: Mapping[str, FileResult]
    ) -> None:
        """Keep what the LLM said of files, by the keys of those readings."""
        key = keys.file_results(repository_id, number)
        async with self._redis.pipeline() as pipe:
            for name, file_result in file_results.items():
                pipe.hset(key, name, pack(file_result))
            pipe.expire(key, self._database.keep_seconds)
            await pipe.execute()

    async def file_result_keys(self, repository_id: int, number: int) -> frozenset[str]:
        names: Any = await self._redis.hkeys(keys.file_results(repository_id, number))
        return frozenset(name.decode() for name in names)

    async def file_results(
        self, repository_id: int, number: int, names: Sequence[str]
    ) -> tuple[FileResult, ...]:
        """The readings of these keys that are still kept."""
        if not names:
            return ()
        key = keys.file_results(repository_id, number)
        return tuple(
            unpack(FileResult, data) for data in await self._redis.hmget(key, names) if data
        )

    async def delete_file_results(
        self, repository_id: int, number: int, but: Sequence[str]
    ) -> None:
        """Drop the readings of code that is no longer in the pull request."""
        old = await self.file_result_keys(repository_id, number) - set(but)
        if old:
            await self._redis.hdel(keys.file_results(repository_id, number), *old)

    async def save_open_findings(
        self, repository_id: int, number: int, findings: Sequence[Finding]
    ) -> None:
        """Keep what the model found and we reported, in place of what was kept before."""
        key = keys.open_findings(repository_id, number)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(key)
            if findings:
                pipe.rpush(key, *map(pack, findings))
            pipe.expire(key, self._database.keep_seconds)
            await pipe.execute()

    async def open_findings(self, repository_id: int, number: int) -> tuple[Finding, ...]:
        """What the model found and we reported, as of the last report."""
        kept: Any = await self._redis.lrange(keys.open_findings(repository_id, number), 0, -1)
        return tuple(unpack(Finding, data) for data in kept)

    async def mark_defaults_missing(self, installation_id: int) -> None:
        """Note that it has no organization's defaults that we may read: GitHub is asked for them
        now and then, and not for each review."""
        await self._redis.set(keys.missing_defaults(installation_id), 1, ex=DEFAULTS_SECONDS)

    async def ticket(self, digest: str) -> str | None:
        """What a ticket said within the last TICKET_SECONDS; None if that is not known."""
        kept: Any = await self._redis.get(keys.ticket(digest))
        return kept if kept is None else kept.decode()

    async def keep_ticket(self, digest: str, text: str) -> None:
        """Remember what a ticket says for TICKET_SECONDS."""
        await self._redis.set(keys.ticket(digest), text, ex=TICKET_SECONDS)

    async def mark_without_dependencies(self, repository: str, *, missing: bool) -> bool:
        """Note whether a repository, `owner/name`, lacks GitHub's dependency review; whether that
        is news."""
        key = keys.WITHOUT_DEPENDENCIES
        if not missing:
            return bool(await self._redis.srem(key, repository))
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.sadd(key, repository)
            pipe.expire(key, self._database.keep_seconds)
            added, _ = await pipe.execute()
        return bool(added)

    async def without_dependencies(self) -> list[str]:
        """The repositories that lack GitHub's dependency review, as far as was noticed."""
        names: Collection[Any] = await self._redis.smembers(keys.WITHOUT_DEPENDENCIES)
        return sorted(name.decode() for name in names)

    async def defaults_missing(self, installation_id: int) -> bool:
        """Whether there were none within the last DEFAULTS_SECONDS."""
        return bool(await self._redis.exists(keys.missing_defaults(installation_id)))
