"""The connection to Redis, and what every part of the store works with: client, scripts, clock."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import redis as sync_redis
import zstandard
from redis import DriverInfo
from redis import sentinel as sync_sentinel
from redis.asyncio import BlockingConnectionPool, Redis, sentinel
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.config.settings import SettingsError
from bot.config.urls import sentinel_config
from bot.domain.audit import AuditEntry
from bot.domain.model import decode, encode
from bot.store import keys
from bot.store.lua.scripts import Script, Scripts
from bot.telemetry import log

T = TypeVar("T")

_log = log.get(__name__)

#: The format of all that is kept and of messages. A version reads the format before its own and the
#: one after it, so that both may run at once and an upgrade can be undone. It grows with a version
#: that writes what the version before can read only because it was prepared for it:
#: docs/upgrading.md has the rules. What each format left is in tests/data/saved-state.
FORMAT = 1

#: Deliveries, and what they made us do, are remembered longer than GitHub keeps deliveries for
#: redelivery (3 days).
DELIVERY_SECONDS = 4 * 86_400

#: Characters that are kept of what somebody wrote, in a line of the audit log.
_MAX_DETAIL = 200

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


async def is_ready(url: str) -> bool:
    """Whether a Redis there takes commands at this moment."""
    client = Redis.from_url(url)
    try:
        await client.ping()
    except RedisError:  # it is not listening yet, or still loading its data
        return False
    finally:
        await client.aclose()
    return True


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


@dataclass(frozen=True, slots=True)
class RedisWarning:
    """Why work may be lost, and what to do; together, as `problem: remedy`, a sentence."""

    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.problem}: {self.remedy}"


def as_audit_line(entry: AuditEntry | None, *, once: str = "") -> dict[str, object] | None:
    """A line of the audit log as scripts take it, which add it with what they do; None for none.
    `once` names what it tells, which is told once in four days."""
    if entry is None:
        return None
    values = {**asdict(entry), "detail": entry.detail[:_MAX_DETAIL]}
    fields = [part for name, value in values.items() for part in (name, str(value))]
    named: dict[str, object] = {"once": once, "seconds": DELIVERY_SECONDS} if once else {}
    return {"fields": fields, **named}


class Database:
    """`keep_seconds` is how long a finished review and its report are kept."""

    def __init__(
        self, redis: "Redis", *, keep_seconds: int, now: Callable[[], float] = time.time
    ) -> None:
        self.redis = redis
        self.scripts = Scripts(redis)
        self.keep_seconds = keep_seconds
        self.now = now

    async def aclose(self) -> None:
        await self.redis.aclose()

    async def redis_version(self) -> str:
        """Such as "7.2.4"; "0" where it does not tell."""
        info: Mapping[str, Any] = await self.redis.info("server")
        return str(info.get("redis_version", "0"))

    async def claim_format(self) -> None:
        """Have it noted that FORMAT is written here. While Redis is down nothing is noted. Raises
        SettingsError for what this version cannot read, or would leave unreadable to others."""
        try:
            written = int(await self.scripts.run(Script.CLAIM_FORMAT, format=FORMAT))
        except RedisError as exc:
            _log.warning("format_not_checked", why=type(exc).__name__)
            return
        if abs(written - FORMAT) > 1:
            raise SettingsError(
                f"This version writes format {FORMAT}, and Redis has format {written}. A version "
                "reads only the formats adjacent to its own: install one of those in between first "
                "(docs/upgrading.md)."
            )

    async def time(self) -> float:
        """Seconds since the epoch by the clock of Redis, for what machines compare with each
        other: their own clocks may be hours apart. Raises RedisError."""
        seconds, microseconds = await self.redis.time()
        return float(seconds) + float(microseconds) / 1_000_000

    async def is_replicated(self, milliseconds: int) -> bool:
        """Whether a replica has all that was written until now, and so has the server that would
        take over; waited for so long. True where there is no replica. Raises RedisError."""
        info: Mapping[str, Any] = await self.redis.info("replication")
        if not int(info.get("connected_slaves", 0)):
            return True
        async with self.redis.pipeline(transaction=False) as pipe:
            # WAIT speaks of the writes of its own connection, and of all before them.
            pipe.set(keys.once("replicated"), "1", px=1000)
            pipe.wait(1, milliseconds)
            _, replicas = await pipe.execute()
        return int(replicas) > 0

    async def ping(self) -> None:
        """Raises RedisError if Redis takes no commands."""
        await self.redis.ping()

    async def warnings(self) -> tuple[RedisWarning, ...]:
        """Why work may be lost in this Redis as it is set up; what a hosted Redis does not tell
        is not complained of."""
        try:
            policy = _texts(await self.redis.config_get("maxmemory-policy"))
            persistence: Mapping[str, Any] = await self.redis.info("persistence")
        except ResponseError:
            return ()
        found = []
        if policy.get("maxmemory-policy", "noeviction") != "noeviction":
            found.append(
                RedisWarning(
                    f"Redis evicts keys when memory is short ({policy['maxmemory-policy']})",
                    "set maxmemory-policy to noeviction, or reviews may be lost.",
                )
            )
        if not int(persistence.get("aof_enabled", 1)):
            found.append(
                RedisWarning(
                    "Redis has no append-only file",
                    "set appendonly to yes, or accepted deliveries are lost when it restarts.",
                )
            )
        return tuple(found)


def _texts(raw: Mapping[Any, Any]) -> dict[str, str]:
    def plain(value: Any) -> str:
        return value.decode() if isinstance(value, bytes) else str(value)

    return {plain(name): plain(value) for name, value in raw.items()}


def pack(value: object) -> bytes:
    return zstandard.compress(encode(value))


def unpack(kind: type[T], data: bytes | str) -> T:
    """Raises pydantic.ValidationError."""
    return decode(kind, zstandard.decompress(to_bytes(data)))


def to_bytes(value: bytes | str) -> bytes:
    """redis-py's types allow str, which a client without `decode_responses` never gives."""
    return value if isinstance(value, bytes) else value.encode()


def day_of(seconds: float) -> str:
    """The day (UTC) of a Unix time, as ISO 8601 writes it."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
