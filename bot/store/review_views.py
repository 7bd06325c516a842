"""Reviews as people see them: lists, newest first, a page at a time; and events as they happen."""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from bot.domain.progress import Progress
from bot.store import keys
from bot.store.database import Database
from bot.store.review_state import ReviewResult, ReviewSummary, field_names, from_hash

#: When a page's last review was opened, and its id.
CURSOR = r"^[0-9]{1,15}(\.[0-9]{1,9})?:[0-9A-Za-z]{1,64}$"

#: Reviews looked at in one round trip.
_CHUNK = 100

#: The seconds that a review's keys may outlive its place in the list.
_SLACK_SECONDS = 3600

#: Events read of the past at once.
_PAGE_EVENTS = 100


class BadCursor(ValueError):
    """Raised for a cursor that no page gave."""


class ReviewList:
    """All methods raise RedisError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._redis = database.redis

    async def newest_first(self, cursor: str = "") -> AsyncIterator[tuple[str, ReviewSummary]]:
        """Every review that is still kept, with the cursor that goes on after it.

        Raises BadCursor. Ids of reviews that expired are skipped.
        """
        score, review_id = _position(cursor)
        while True:
            entries = await self._ids(score, review_id)
            if not entries:
                return
            async with self._redis.pipeline(transaction=False) as pipe:
                for name, _ in entries:
                    pipe.hmget(keys.review(name), list(field_names(ReviewSummary)))
                rows = await pipe.execute()
            for (name, opened), row in zip(entries, rows, strict=True):
                score, review_id = opened, name
                if (summary := from_hash(ReviewSummary, row)) is not None:
                    yield f"{opened!r}:{name}", summary

    async def page(
        self, matches: Callable[[ReviewSummary], bool], *, limit: int, cursor: str = ""
    ) -> tuple[list[ReviewSummary], str]:
        """Up to `limit` reviews and the cursor of the next page ("" at the end)."""
        found: list[ReviewSummary] = []
        last = ""
        async for after, summary in self.newest_first(cursor):
            if not matches(summary):
                continue
            if len(found) == limit:
                return found, last
            found.append(summary)
            last = after
        return found, ""

    async def _ids(self, score: float, review_id: str) -> list[tuple[str, float]]:
        """The next ids and when they were opened. Reviews of the same moment are ordered by id,
        so that a page neither skips nor repeats one."""
        entries: Any = await self._redis.zrange(
            keys.REVIEWS,
            f"{score!r}",
            "-inf",
            desc=True,
            byscore=True,
            offset=0,
            num=_CHUNK,
            withscores=True,
        )
        found = [(name.decode(), float(opened)) for name, opened in entries]
        return [e for e in found if not review_id or (e[1], e[0]) < (score, review_id)]

    async def drop_expired(self) -> int:
        """Take reviews that are no longer kept out of the list; returns how many."""
        before = await self._database.time() - self._database.keep_seconds - _SLACK_SECONDS
        old: Any = await self._redis.zrangebyscore(keys.REVIEWS, "-inf", before)
        expired = [name for name in old if not await self._redis.exists(keys.review(name.decode()))]
        if expired:
            await self._redis.zrem(keys.REVIEWS, *expired)
        return len(expired)


def _position(cursor: str) -> tuple[float, str]:
    """When and which review the last page ended with."""
    if not cursor:
        return float("inf"), ""
    if not re.fullmatch(CURSOR, cursor, re.ASCII):
        raise BadCursor("Invalid cursor.")
    opened, _, review_id = cursor.partition(":")
    return float(opened), review_id


@dataclass(frozen=True, slots=True, kw_only=True)
class EventData(Progress):
    """`result` is told when a review completes."""

    result: ReviewResult | None = None


_adapter = TypeAdapter(EventData)


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of the stream; `kind` is `progress`, `completed`, `failed` or `cancelled`."""

    id: str
    kind: str
    data: EventData

    @property
    def is_final(self) -> bool:
        """Nothing comes after it."""
        return self.kind != "progress"


class Events:
    """The stream of a review's events. All methods raise RedisError."""

    def __init__(self, database: Database) -> None:
        self._redis = database.redis

    async def newest_id(self, review_id: str) -> str:
        """The id of the newest event; "0-0" before there is one."""
        newest: Any = await self._redis.xrevrange(keys.events(review_id), count=1)
        return newest[0][0].decode() if newest else "0-0"

    async def page(self, review_id: str, after: str) -> list[StreamEvent]:
        """Some of the events after that one, oldest first; [] if there is none."""
        found: Any = await self._redis.xrange(
            keys.events(review_id), min=f"({after}", count=_PAGE_EVENTS
        )
        return [_event(entry) for entry in found]

    async def wait(self, review_id: str, after: str, milliseconds: int) -> list[StreamEvent]:
        """The events after that one, for which it waits so long if there is none yet. It takes a
        connection of its own meanwhile."""
        found: Any = await self._redis.xread({keys.events(review_id): after}, block=milliseconds)
        return _events_in(found)


def _events_in(answer: Any) -> list[StreamEvent]:
    """XREAD's answer is a list of (key, entries) or, in RESP3, a mapping of them."""
    streams = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer]
    found = []
    for entries in streams:
        for entry in entries:
            # RESP3 wraps the entries once more.
            found += [_event(entry)] if isinstance(entry, tuple) else [_event(e) for e in entry]
    return found


def _event(entry: Any) -> StreamEvent:
    """The event of an entry as redis-py gives it."""
    event_id, fields = entry
    data = _adapter.validate_json(fields[b"data"])
    return StreamEvent(event_id.decode(), fields[b"type"].decode(), data)
