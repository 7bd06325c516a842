"""One reader of a review's event stream for all who watch it in this process.

Each watcher has a bounded queue. One that does not keep up is told so, never waited for:
it comes back with the last event's id, and the stream in Redis has what it missed.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from bot.runtime.tasks import stop
from bot.store import Events, RedisError, StreamEvent
from bot.telemetry import log

#: Events that may wait for one watcher.
QUEUE_EVENTS = 256
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

    def __init__(self, events: Events, review_id: str) -> None:
        self._events, self._review_id = events, review_id
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

        Raises SlowConsumer, and RedisError while the past is read.
        """
        last = after
        # Live events wait in the queue meanwhile; those that the past had too are skipped.
        while page := await self._events.page(self._review_id, last):
            for event in page:
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

    def __init__(self, events: Events, review_id: str, position: str) -> None:
        self.watchers: set[Watcher] = set()
        self._events, self._review_id, self._position = events, review_id, position
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            try:
                events = await self._events.wait(self._review_id, self._position, BLOCK_MS)
            except RedisError as exc:
                _log.warning("feed_waiting_for_redis", error=type(exc).__name__)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            for event in events:
                self._position = event.id
                for watcher in self.watchers:
                    watcher.offer(event)


class Fanout:
    """All channels of this process. `events` need a connection for each watched review."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._channels: dict[str, _Channel] = {}

    @asynccontextmanager
    async def watch(self, review_id: str) -> AsyncIterator[Watcher]:
        """A watcher of that review's events. Raises RedisError."""
        if review_id not in self._channels:
            # Read before the watcher stands: what is later than this comes through its
            # queue, and what is not later is in the past that it reads itself.
            position = await self._events.newest_id(review_id)
            if review_id not in self._channels:
                self._channels[review_id] = _Channel(self._events, review_id, position)
        channel, watcher = self._channels[review_id], Watcher(self._events, review_id)
        channel.watchers.add(watcher)
        try:
            yield watcher
        finally:
            channel.watchers.discard(watcher)
            if not channel.watchers and self._channels.get(review_id) is channel:
                del self._channels[review_id]
                await stop(channel.task)

    @property
    def channels(self) -> int:
        """How many streams are read now."""
        return len(self._channels)
