"""Dramatiq's broker on Redis."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import CurrentMessage

from bot.store import LOST_SECONDS, RedisError, connect_sync, keys
from bot.telemetry import log
from workers.queue.actor import RetryLater

#: Between two tries to put a message while Redis is away.
ENQUEUE_RETRY_SECONDS = 1

#: How many commands out of a million look for dead workers' messages. An idle worker of
#: four queues sends some sixty commands a second, so that it looks every few seconds.
MAINTENANCE_CHANCE = 5_000

#: The longest wait between two looks for delayed messages, in milliseconds; they are seconds late
#: on purpose, and each look costs Redis a script call.
DELAYED_POLL_MS = 500


_log = log.get(__name__)


@contextmanager
def _as_connection_closed() -> Iterator[None]:
    """Dramatiq waits only for a Redis whose connection is closed. One that is late, full, or just
    becoming a replica takes the command later as well."""
    try:
        yield
    except RedisError as exc:
        raise ConnectionClosed(exc) from None  # type: ignore[no-untyped-call]


class _Consumer(_RedisConsumer):
    """Dramatiq's consumer, which waits for any Redis that takes no command, and holds the time of a
    delayed message, which is one of Redis, against the clock of Redis: Dramatiq compares it with
    that of this machine."""

    def __next__(self) -> Any:
        with _as_connection_closed():
            message = super().__next__()  # type: ignore[no-untyped-call]
        if message is not None and isinstance(message.options.get("eta"), int):
            message.options["eta"] += self.broker.milliseconds_ahead()
        return message

    def ack(self, message: Any) -> None:
        with _as_connection_closed():
            super().ack(message)  # type: ignore[no-untyped-call]

    def nack(self, message: Any) -> None:
        with _as_connection_closed():
            super().nack(message)  # type: ignore[no-untyped-call]

    def requeue(self, messages: Any) -> None:
        with _as_connection_closed():
            super().requeue(messages)  # type: ignore[no-untyped-call]


#: Where Dramatiq's script takes the time of the worker that calls it, and what tells it instead.
_WORKER_TIME = b"local timestamp = ARGV[2]"
_REDIS_TIME = (
    b"local time = redis.call('TIME')\n"
    b"local timestamp = time[1] * 1000 + math.floor(time[2] / 1000)"
)


class _Broker(RedisBroker):
    """Puts a message even if Redis does not take it just then: Dramatiq would drop a retry, and
    then acknowledge the message that it was to follow. Closes its connections, which Dramatiq
    leaves to the garbage collector. Its signs of life have the time of Redis: by that of a machine
    whose clock is ahead, the workers of all others would be dead. So have delays. A message to an
    actor that only a later version has waits for a worker of that version: Dramatiq would make it
    a dead letter."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._ahead = 0
        self._declaring = threading.Lock()
        script = self.scripts["dispatch"].script
        if not isinstance(script, bytes) or _WORKER_TIME not in script:
            raise RuntimeError("Dramatiq's script has changed: find again where it takes the time.")
        self.scripts["dispatch"] = self.client.register_script(
            script.replace(_WORKER_TIME, _REDIS_TIME)
        )

    @property
    def consumer_class(self) -> type[_Consumer]:
        return _Consumer

    def get_actor(self, actor_name: str) -> Any:
        with self._declaring:
            if actor_name not in self.actors:
                _declare_unknown(self, actor_name)
        return super().get_actor(actor_name)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Any:
        if queue_name.endswith(".DQ"):
            timeout = max(timeout, DELAYED_POLL_MS)
        return super().consume(queue_name, prefetch, timeout)

    def milliseconds_ahead(self) -> int:
        """How far the clock of this machine is ahead of that of Redis, or was when Redis last
        answered; negative: behind."""
        try:
            seconds, microseconds = self.client.time()
        except RedisError:
            return self._ahead
        self._ahead = round(time.time() * 1000) - (seconds * 1000 + microseconds // 1000)
        return self._ahead

    def do_enqueue(self, queue: str, message_id: str, body: bytes) -> None:
        if queue.endswith(".DQ"):  # Dramatiq has added the delay to the time of this machine
            message = json.loads(body)
            message["options"]["eta"] -= self.milliseconds_ahead()
            body = json.dumps(message, separators=(",", ":")).encode()
        while True:
            try:
                self._dispatch("enqueue")(queue, message_id, body)  # type: ignore[no-untyped-call]
                return
            except RedisError as exc:
                why = str(exc) or type(exc).__name__
                self.logger.warning("Redis did not accept a message (%s); retrying.", why)
                time.sleep(ENQUEUE_RETRY_SECONDS)

    def close(self) -> None:
        super().close()
        self.client.close()


def _declare_unknown(broker: RedisBroker, name: str) -> None:
    """Have messages to an actor that we do not have wait, and be dead letters after a day."""

    def run(*args: Any, **kwargs: Any) -> None:
        message = CurrentMessage.get_current_message()
        if message is None or not message.options.get("waits"):
            _log.warning("unknown_actor", actor=name)
        raise RetryLater(f"No actor {name} in this version; a later one may have it.")

    queue = next(iter(broker.queues))  # one that it has: the message stays in its own
    dramatiq.actor(actor_name=name, queue_name=queue, broker=broker, max_retries=0)(run)


def make_broker(
    redis_url: str, middleware: list[dramatiq.Middleware], *, lost_seconds: int = LOST_SECONDS
) -> RedisBroker:
    """A broker whose dead workers are missed after `lost_seconds`."""
    return _Broker(
        client=connect_sync(redis_url),
        namespace=keys.NAMESPACE,
        middleware=middleware,
        heartbeat_timeout=lost_seconds * 1000,
        maintenance_chance=MAINTENANCE_CHANCE,
    )
