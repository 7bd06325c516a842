"""Dramatiq's broker on Redis."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed
from redis.exceptions import RedisError

from bot.store.connection import connect_sync
from bot.store.messages import LOST_SECONDS, NAMESPACE
from workers.queue.wakeups import QueueNotifier

#: Between two tries to put a message while Redis is away.
ENQUEUE_RETRY_SECONDS = 1

#: How many commands out of a million look for dead workers' messages. Each idle worker
#: sends several commands a second, so that a look happens every few seconds.
MAINTENANCE_CHANCE = 50_000

#: Between two looks into a queue of which nothing is heard: while messages of it are held, which
#: may become due or make room for others, or while nobody would tell of new ones, and else.
BUSY_SECONDS = 0.1
IDLE_SECONDS = 1.0


@contextmanager
def _as_connection_closed() -> Iterator[None]:
    """Dramatiq waits only for a Redis whose connection is closed. One that is late, full, or just
    becoming a replica takes the command later as well."""
    try:
        yield
    except RedisError as exc:
        raise ConnectionClosed(exc) from None  # type: ignore[no-untyped-call]


class _Consumer(_RedisConsumer):
    """Takes a message once it is put, where Dramatiq's consumer sleeps between two looks."""

    def __init__(self, broker: "_Broker", queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue_name, prefetch, timeout=0)  # type: ignore[no-untyped-call]
        self._notifier = broker.notifier
        self._wake_event = broker.notifier.event_for(queue_name)
        # Each look is a sign of life as well.
        self._idle_seconds = min(IDLE_SECONDS, broker.heartbeat_timeout / 5000)

    def __next__(self) -> Any:
        self._wake_event.clear()  # before the look: what is put after it is heard of
        with _as_connection_closed():
            message = super().__next__()  # type: ignore[no-untyped-call]
        if message is None:
            busy = self.outstanding_message_count or not self._notifier.connected
            self._wake_event.wait(BUSY_SECONDS if busy else self._idle_seconds)
        return message

    def ack(self, message: Any) -> None:
        full = self.outstanding_message_count >= self.prefetch
        with _as_connection_closed():
            super().ack(message)  # type: ignore[no-untyped-call]
        if full:
            self._wake_event.set()

    def nack(self, message: Any) -> None:
        with _as_connection_closed():
            super().nack(message)  # type: ignore[no-untyped-call]

    def requeue(self, messages: Any) -> None:
        with _as_connection_closed():
            super().requeue(messages)  # type: ignore[no-untyped-call]


class _Broker(RedisBroker):
    """Puts a message even if Redis does not take it just then: Dramatiq would drop a retry, and
    then acknowledge the message that it was to follow. Closes its connections, which Dramatiq
    leaves to the garbage collector."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self.notifier = QueueNotifier(self.client)
        self.add_middleware(self.notifier)

    @property
    def consumer_class(self) -> type[_Consumer]:
        return _Consumer

    def do_enqueue(self, queue: str, *args: object) -> None:
        while True:
            try:
                self._dispatch("enqueue")(queue, *args)  # type: ignore[no-untyped-call]
                self.notifier.publish(queue)
                return
            except RedisError as exc:
                why = str(exc) or type(exc).__name__
                self.logger.warning("Redis takes no message now (%s); it is put again.", why)
                time.sleep(ENQUEUE_RETRY_SECONDS)

    def close(self) -> None:
        super().close()
        self.notifier.close()
        self.client.close()


def make_broker(
    redis_url: str, middleware: list[dramatiq.Middleware], *, lost_seconds: int = LOST_SECONDS
) -> RedisBroker:
    """A broker whose dead workers are missed after `lost_seconds`."""
    return _Broker(
        client=connect_sync(redis_url),
        namespace=NAMESPACE,
        middleware=middleware,
        heartbeat_timeout=lost_seconds * 1000,
        maintenance_chance=MAINTENANCE_CHANCE,
    )
