"""Deliveries: each queued once, and so many of one installation handled at a time."""

from collections.abc import Sequence
from typing import Any

import redis as sync_redis

from bot.domain.audit import AuditEntry
from bot.store import keys
from bot.store.database import DELIVERY_SECONDS, Database, as_audit_line, to_bytes
from bot.store.lua.scripts import Script, encode_arguments, source
from bot.store.queues import Message, as_arguments

#: Deliveries of one installation that are handled at once; one takes a fraction of a second.
MAX_CONCURRENT_DELIVERIES = 4


class Deliveries:
    """All methods raise RedisError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._redis = database.redis

    async def accept(
        self,
        guid: str,
        message: Message,
        *,
        installation_id: int = 0,
        content: str | None = None,
        by_person: bool = False,
        audit: AuditEntry | None = None,
    ) -> bool:
        """Queue what a delivery asks for, unless that delivery was queued before, or another with
        the same `content`, which is remembered longer if a person asks for something in it. Of one
        installation so many are handled at once; others wait in a line of their own, so that
        nobody else waits behind them. 0 is for deliveries of no installation. `audit` is added to
        the audit log with what is queued."""
        accepted = await self._database.scripts.run(
            Script.ACCEPT_DELIVERY,
            guid=guid,
            messages=as_arguments([message]),
            seconds=DELIVERY_SECONDS,
            content=content,
            content_seconds=max(DELIVERY_SECONDS, self._database.keep_seconds)
            if by_person
            else DELIVERY_SECONDS,
            installation=str(installation_id) if installation_id else None,
            max_concurrent=MAX_CONCURRENT_DELIVERIES,
            audit=as_audit_line(audit),
        )
        return bool(accepted)

    async def start_queued(self) -> None:
        """Give free turns to deliveries that wait, should a worker have died before it did so."""
        waiting: Any = await self._redis.smembers(keys.QUEUED_DELIVERIES)
        if waiting:
            await self._database.scripts.run(
                Script.START_DELIVERIES,
                installations=[name.decode() for name in waiting],
                max_concurrent=MAX_CONCURRENT_DELIVERIES,
            )

    # What GitHub was asked to deliver again

    async def checked_until(self) -> float | None:
        """Up to when failed deliveries were looked for (Unix time)."""
        mark = await self._redis.get(keys.REDELIVERY_CHECKED_UNTIL)
        return float(mark) if mark is not None else None

    async def mark_checked(self, until: float) -> None:
        await self._redis.set(keys.REDELIVERY_CHECKED_UNTIL, until)

    async def redis_run_id(self) -> str:
        """Which run of which server answers; empty where a hosted Redis does not tell."""
        info: Any = await self._redis.info("server")
        return str(info.get("run_id", ""))

    async def redis_changed(self, run_id: str) -> bool:
        """Whether this is another Redis than the one of `note_redis`, or the same after a restart:
        its last writes may be lost, deliveries that were accepted among them."""
        noted = await self._redis.get(keys.REDIS_RUN_ID)
        return noted is not None and to_bytes(noted).decode() != run_id

    async def note_redis(self, run_id: str) -> None:
        await self._redis.set(keys.REDIS_RUN_ID, run_id)

    async def unknown(self, guids: Sequence[str]) -> frozenset[str]:
        """Those of the deliveries that were not queued, as far as we know."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for guid in guids:
                pipe.exists(keys.delivery(guid))
            found = await pipe.execute()
        return frozenset(guid for guid, known in zip(guids, found, strict=True) if not known)

    async def was_redelivered(self, attempt_id: int) -> bool:
        """Whether that attempt was asked for again."""
        return bool(await self._redis.exists(keys.redelivered(attempt_id)))

    async def redelivery_count(self, guid: str) -> int:
        """How often that delivery was asked for again."""
        return int(await self._redis.get(keys.redelivery_count(guid)) or 0)

    async def plan_redelivery(
        self, attempt_id: int, guid: str, at: float, *, again: bool = False
    ) -> None:
        """Note that the attempt is to be asked for then; one that is planned keeps its time, unless
        it is `again`."""
        member = f"{attempt_id}:{guid}"
        await self._redis.zadd(keys.REDELIVERIES, {member: at}, nx=not again)

    async def due_redeliveries(self) -> list[tuple[int, str]]:
        """The attempts that are due, and the GUIDs of their deliveries, longest due first."""
        now = await self._database.time()
        due: Any = await self._redis.zrangebyscore(keys.REDELIVERIES, "-inf", now)
        found = (member.decode().partition(":") for member in due)
        return [(int(attempt_id), guid) for attempt_id, _, guid in found]

    async def mark_redelivered(self, attempt_id: int, guid: str) -> None:
        count = keys.redelivery_count(guid)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.zrem(keys.REDELIVERIES, f"{attempt_id}:{guid}")
            pipe.set(keys.redelivered(attempt_id), 1, ex=DELIVERY_SECONDS)
            pipe.incr(count)
            pipe.expire(count, DELIVERY_SECONDS)
            await pipe.execute()

    # What was done about people's comments, so that a repeated delivery does only the rest

    async def record_command(self, review_id: str, position: int, result: str) -> None:
        """Remember that the command at that position of a comment was carried out, and what there
        was to say about it. `review_id` is the one that the comment's delivery came with."""
        key = keys.executed_commands(review_id)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(key, str(position), result)
            pipe.expire(key, DELIVERY_SECONDS)
            await pipe.execute()

    async def executed_commands(self, review_id: str) -> dict[int, str]:
        """What was recorded, by position."""
        found: dict[Any, Any] = await self._redis.hgetall(keys.executed_commands(review_id))
        return {int(position): result.decode() for position, result in found.items()}

    async def claim_notice(self, what: str, comment_id: int) -> bool:
        """True for the first comment that is told a thing, however often it is asked for that
        comment; False for all later ones, so that nobody is told again and again."""
        key = keys.notified(what)
        await self._redis.set(key, comment_id, nx=True, ex=self._database.keep_seconds)
        return bool(await self._redis.get(key) == str(comment_id).encode())


def start_next_delivery(client: "sync_redis.Redis", installation_id: int) -> None:
    """Give the turn of a delivery that was handled to the next of its installation; for the
    threads of a worker. Raises RedisError."""
    arguments = encode_arguments(
        {
            "installations": [str(installation_id)],
            "max_concurrent": MAX_CONCURRENT_DELIVERIES,
        }
    )
    client.register_script(source(Script.START_DELIVERIES))(args=[arguments])
