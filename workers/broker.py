"""Dramatiq's broker on Redis."""

import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.queue import LOST_SECONDS, NAMESPACE
from bot.redis_url import connect_sync

#: Between two tries to put a message while Redis is away.
PUT_AGAIN_SECONDS = 1

#: How many commands out of a million look for dead workers' messages. Each idle worker
#: sends several commands a second, so that a look happens every few seconds.
MAINTENANCE_CHANCE = 20_000


class _Broker(RedisBroker):
    """Puts a message even if Redis is away just then: Dramatiq would drop a retry, and then
    acknowledge the message that it was to follow. Closes its connections, which Dramatiq leaves
    to the garbage collector."""

    def do_enqueue(self, *args: object) -> None:
        while True:
            try:
                self._dispatch("enqueue")(*args)  # type: ignore[no-untyped-call]
                return
            except (RedisConnectionError, RedisTimeoutError):
                self.logger.warning("Redis is away; the message is put once it is back.")
                time.sleep(PUT_AGAIN_SECONDS)

    def close(self) -> None:
        super().close()
        self.client.close()


def make_broker(
    redis_url: str, middleware: list[dramatiq.Middleware], *, lost_seconds: int = LOST_SECONDS
) -> RedisBroker:
    """A broker whose dead workers are missed after `lost_seconds`."""
    return _Broker(  # type: ignore[no-untyped-call]
        client=connect_sync(redis_url),
        namespace=NAMESPACE,
        middleware=middleware,
        heartbeat_timeout=lost_seconds * 1000,
        maintenance_chance=MAINTENANCE_CHANCE,
    )
