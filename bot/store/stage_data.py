"""What the stages of a review hand on, and what it ends with: scan, batches, results, report."""

from typing import Any

from bot.domain.model import Batch, BatchResult, Report, Scan, State, Usage, decode, encode
from bot.domain.progress import ANALYZED_PERCENT, SCANNED_PERCENT
from bot.domain.report_format import ReportFormat
from bot.store import keys
from bot.store.database import Database, pack, to_bytes, unpack
from bot.store.lua.scripts import Script
from bot.store.queues import Message, as_arguments
from bot.store.review_state import to_hash

#: What is noted of a stage is kept for longer than any review runs.
RUNNING_SECONDS = 86_400

_SCAN_COUNT = 500


class StageData:
    """All methods raise RedisError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._redis = database.redis

    async def save_scan(self, review_id: str, scan: Scan) -> None:
        """Keep what the scan found, unless the review was finished meanwhile."""
        await self._database.scripts.run(
            Script.SAVE_SCAN, pack(scan), id=review_id, keep=self._database.keep_seconds
        )

    async def scan(self, review_id: str) -> Scan | None:
        data = await self._redis.get(keys.scan(review_id))
        return unpack(Scan, data) if data else None

    async def batch(self, review_id: str, number: int) -> Batch | None:
        data = await self._redis.hget(keys.batches(review_id), str(number))
        return unpack(Batch, data) if data else None

    async def has_result(self, review_id: str, number: int) -> bool:
        return bool(await self._redis.hexists(keys.results(review_id), str(number)))

    async def finish_batch(
        self, review_id: str, number: int, result: BatchResult, *, files: int, publish: Message
    ) -> int:
        """Keep a batch's result, once; the last one in sends `publish`. Returns how many
        are in, or -1 when the review no longer waits for it."""
        done = await self._database.scripts.run(
            Script.FINISH_BATCH,
            pack(result),
            id=review_id,
            number=number,
            files=files,
            findings=len(result.findings),
            percent_before=SCANNED_PERCENT,
            percent_after=ANALYZED_PERCENT,
            messages=as_arguments([publish]),
        )
        return int(done)

    async def results(self, review_id: str) -> tuple[BatchResult, ...]:
        raw = await self._redis.hgetall(keys.results(review_id))
        return tuple(unpack(BatchResult, raw[name]) for name in sorted(raw, key=int))

    async def missing_batches(self, review_id: str) -> frozenset[int]:
        """The numbers of its batches that have no result yet."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hkeys(keys.batches(review_id))
            pipe.hkeys(keys.results(review_id))
            batches, results = await pipe.execute()
        return frozenset(map(int, batches)) - frozenset(map(int, results))

    # Starts of a stage that had no end: each may have crashed its worker. They are kept as a set
    # of names and not as a number, so that neither a start nor an end counts twice when Redis is
    # told of it again after an error.

    async def record_start(self, review_id: str, stage: str, start: str) -> int:
        """Note the start of a stage; returns how many have had no end, this one included."""
        key = keys.stage_starts(review_id, stage)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.sadd(key, start)
            pipe.expire(key, RUNNING_SECONDS)
            pipe.scard(key)
            *_, number = await pipe.execute()
        return int(number)

    async def record_end(self, review_id: str, stage: str, start: str) -> None:
        """Note that a start of a stage has ended, however it did."""
        await self._redis.srem(keys.stage_starts(review_id, stage), start)

    # What tries of a batch have cost that gave no result: it belongs to the review all the same.

    async def add_attempt_usage(self, review_id: str, number: int, usage: Usage) -> None:
        key = keys.attempt_usage(review_id, number)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.rpush(key, encode(usage))
            pipe.expire(key, RUNNING_SECONDS)
            await pipe.execute()

    async def attempt_usage(self, review_id: str, number: int) -> Usage:
        """The cost of all tries of a batch that were noted."""
        attempts: Any = await self._redis.lrange(keys.attempt_usage(review_id, number), 0, -1)
        return sum((decode(Usage, data) for data in attempts), Usage())

    async def forget_starts(self) -> None:
        """Take no start without an end for a death any more: a Redis has forgotten the ends."""
        async for key in self._redis.scan_iter(
            match=keys.stage_starts("*", "*"), count=_SCAN_COUNT
        ):
            await self._redis.delete(key)

    # Reports

    async def save_report(self, report: Report) -> None:
        """Keep it, and what lists and charts show of it with the review's other fields."""
        usage, review_id = report.usage, report.review.id
        await self._redis.set(keys.report(review_id), pack(report), ex=self._database.keep_seconds)
        # What was counted call by call has tries in it that the report does not know of.
        counted = {"tokens": str(usage.prompt_tokens + usage.completion_tokens)}
        if usage.cost is not None:
            counted["cost"] = str(usage.cost)
        await self._database.scripts.run(
            Script.UPDATE_REVIEW,
            id=review_id,
            fields=to_hash({"title": report.pull.title}),
            defaults=counted,
        )

    async def report(self, review_id: str) -> Report | None:
        data = await self._redis.get(keys.report(review_id))
        return unpack(Report, data) if data else None

    async def save_rendering(self, review_id: str, form: ReportFormat, data: bytes) -> None:
        """Keep the report in one format."""
        key = keys.rendering(review_id, form)
        await self._redis.set(key, data, ex=self._database.keep_seconds)

    async def rendering(self, review_id: str, form: ReportFormat) -> bytes | None:
        data = await self._redis.get(keys.rendering(review_id, form))
        return to_bytes(data) if data is not None else None

    async def drop_leftovers(self) -> int:
        """Delete what stages handed on for reviews that are finished or gone; returns how many."""
        dropped = 0
        for key_of in (keys.scan, keys.batches, keys.results):
            async for key in self._redis.scan_iter(match=key_of("*"), count=_SCAN_COUNT):
                review_id = key.decode().rpartition(":")[2]
                state = await self._redis.hget(keys.review(review_id), "state")
                if not state or State(to_bytes(state).decode()).finished:
                    dropped += await self._redis.delete(key)
        return dropped
