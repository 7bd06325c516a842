"""One reader of a review's event stream for all who watch it in this process.

Each watcher has a bounded queue. One that does not keep up is told so, never waited for:
it comes back with the last event's id, and the stream in Redis has what it missed.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.runtime.tasks import stop
from bot.store.events import StreamEvent, parse_event
from bot.telemetry import log

#: Events that may wait for one watcher.
QUEUE_EVENTS = 256
#: Events read of the past at once.
PAGE_EVENTS = 100
#: One blocking read; shorter than redis-py's socket timeout (5 s).
BLOCK_MS = 2000
#: Wait before a reader asks Redis again that was away.
RETRY_SECONDS = 0.5

_log = log.get(__name__)


class SlowConsumer(Exception):
    """Raised when a watcher left more than QUEUE_EVENTS events waiting."""


def stream_order(event_id: str) -> tuple[int, int]:
    """Ids of a Redis stream by their order: `<milliseconds>-<number>`."""
    milliseconds, _, number = event_id.partition("-")
    return int(milliseconds), int(number or 0)


class Watcher:
    """One client's view of a stream, past and present, each event once."""

    def __init__(self, redis: "Redis", key: str) -> None:
        self._redis, self._key = redis, key
        self._queue: asyncio.Queue[StreamEvent] = asyncio.Queue(QUEUE_EVENTS)
        self._overflowed = False

    def offer(self, event: StreamEvent) -> None:
        """Take an event without waiting."""
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._overflowed = True

    async def events(self, after: str) -> AsyncGenerator[StreamEvent, None]:
        """All events with an id greater than `after`, in order, without end.

        Raises TooSlow, and RedisError while the past is read.
        """
        last = after
        # Live events wait in the queue meanwhile; those that the past had too are skipped.
        while page := await self._redis.xrange(self._key, min=f"({last}", count=PAGE_EVENTS):
            for entry in page:
                event = parse_event(entry)
                last = event.id
                yield event
        while True:
            event = await self._queue.get()
            if self._overflowed:
                raise SlowConsumer
            if stream_order(event.id) > stream_order(last):
                last = event.id
                yield event


class _Channel:
    """The watchers of one review and the task that reads for them."""

    def __init__(self, redis: "Redis", key: str, position: str) -> None:
        self.watchers: set[Watcher] = set()
        self._redis, self._key, self._position = redis, key, position
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            try:
                answer = await self._redis.xread({self._key: self._position}, block=BLOCK_MS)
            except RedisError as exc:
                _log.warning("feed_waiting_for_redis", error=type(exc).__name__)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            for event in _events_in(answer):
                self._position = event.id
                for watcher in self.watchers:
                    watcher.offer(event)


class Fanout:
    """All channels of this process. `redis` needs a connection for each watched review."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._channels: dict[str, _Channel] = {}

    @asynccontextmanager
    async def watch(self, key: str) -> AsyncIterator[Watcher]:
        """A watcher of the stream under that key. Raises RedisError."""
        if key not in self._channels:
            # Read before the watcher stands: what is later than this comes through its
            # queue, and what is not later is in the past that it reads itself.
            position = await self._position(key)
            if key not in self._channels:
                self._channels[key] = _Channel(self._redis, key, position)
        channel, watcher = self._channels[key], Watcher(self._redis, key)
        channel.watchers.add(watcher)
        try:
            yield watcher
        finally:
            channel.watchers.discard(watcher)
            if not channel.watchers and self._channels.get(key) is channel:
                del self._channels[key]
                await stop(channel.task)

    @property
    def channels(self) -> int:
        """How many streams are read now."""
        return len(self._channels)

    async def _position(self, key: str) -> str:
        newest = await self._redis.xrevrange(key, count=1)
        return parse_event(newest[0]).id if newest else "0-0"


def _events_in(answer: Any) -> list[StreamEvent]:
    """XREAD's answer is a list of (key, entries) or, in RESP3, a mapping of them."""
    streams = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer]
    found = []
    for entries in streams:
        for entry in entries:
            # RESP3 wraps the entries once more.
            found += (
                [parse_event(entry)]
                if isinstance(entry, tuple)
                else [parse_event(e) for e in entry]
            )
    return found
