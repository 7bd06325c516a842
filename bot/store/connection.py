"""Clients for the Redis that REDIS_URL names."""

from collections.abc import Sequence
from typing import Any

import redis as sync_redis
from redis import DriverInfo
from redis import sentinel as sync_sentinel
from redis.asyncio import BlockingConnectionPool, Redis, sentinel
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.config.redis_url import sentinel_config

#: How redis-py names itself to Redis: made for each connection, it would read the package's
#: metadata each time, which takes as long as ten commands.
_DRIVER = DriverInfo()


class _Client(Redis):
    """A client that closes its connections to Sentinels with its own."""

    sentinels: Sequence["Redis"] = ()

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await super().aclose(close_connection_pool)
        for one in self.sentinels:
            await one.aclose()


def connect(url: str, *, connections: int = 100) -> "Redis":
    """A client that heals short absences of Redis by itself. It holds so many connections at
    most; who comes when all are taken waits for one. (With Sentinels there is no such bound.)"""
    healing: dict[str, Any] = {
        "driver_info": _DRIVER,
        "health_check_interval": 30,
        "socket_connect_timeout": 5,
        "retry": Retry(ExponentialBackoff(cap=1, base=0.05), retries=3),
        "retry_on_error": [RedisConnectionError, RedisTimeoutError],
    }
    if found := sentinel_config(url):
        manager = sentinel.Sentinel(  # type: ignore[no-untyped-call]
            found.sentinels,
            sentinel_kwargs={"socket_connect_timeout": 5, **found.sentinel_options},
            **healing,
        )
        client: _Client = manager.master_for(
            found.service, redis_class=_Client, **found.redis_options
        )
        client.sentinels = manager.sentinels
        return client
    return Redis.from_pool(
        BlockingConnectionPool.from_url(url, max_connections=connections, timeout=5, **healing)
    )


def connect_sync(url: str) -> "sync_redis.Redis":
    """A client for threads, which is what Dramatiq's broker works with."""
    if found := sentinel_config(url):
        manager = sync_sentinel.Sentinel(  # type: ignore[no-untyped-call]
            found.sentinels,
            sentinel_kwargs={"socket_connect_timeout": 5, **found.sentinel_options},
            socket_connect_timeout=5,
            driver_info=_DRIVER,
        )
        client: sync_redis.Redis = manager.master_for(  # type: ignore[no-untyped-call]
            found.service, **found.redis_options
        )
        return client
    return sync_redis.Redis.from_url(url, driver_info=_DRIVER)
