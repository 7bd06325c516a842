"""Store: what the rest of the App says to Redis, one method a sentence."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import zstandard
from redis.asyncio import Redis

from bot.domain.model import (
    Batch,
    BatchResult,
    Progress,
    Report,
    Review,
    Scan,
    State,
    decode,
    encode,
)
from bot.store import delivery_scripts, keys, scripts
from bot.store.messages import NAMESPACE, Message
from bot.store.metrics import MetricsStore
from bot.store.script_batch import ScriptBatcher

T = TypeVar("T")

#: Deliveries are remembered longer than GitHub keeps them for redelivery (3 days).
DELIVERY_SECONDS = 4 * 86_400

#: What steps note of a review is kept for longer than any review runs.
RUNNING_SECONDS = 86_400

#: Deliveries of one installation that are handled at once; one takes a fraction of a second.
MAX_CONCURRENT_DELIVERIES = 4

_FIELDS = ("percent", "files_total", "files_done", "findings")


def pack(value: object) -> bytes:
    return zstandard.compress(encode(value))


def unpack(kind: type[T], data: bytes | str) -> T:
    return decode(kind, zstandard.decompress(_bytes(data)))


def _bytes(value: bytes | str) -> bytes:
    """redis-py's types allow str, which a client without `decode_responses` never gives."""
    return value if isinstance(value, bytes) else value.encode()


def _text(raw: Mapping[bytes | str, bytes | str]) -> dict[str, str]:
    return {_bytes(name).decode(): _bytes(value).decode() for name, value in raw.items()}


@dataclass(frozen=True, slots=True)
class OpenResult:
    """`outcome`: `opened`, `known` (this very review was opened before), `repeated` (an
    automatic trigger for a head and base that have their review), or `waits` (for the end of
    another). `other` is the id of the review that it superseded, that stands, or that it waits
    for; "" for none."""

    outcome: str
    other: str


class Store:
    """`keep_seconds` is how long a finished review and its report are kept."""

    def __init__(
        self, redis: "Redis", *, keep_seconds: int, now: Callable[[], float] = time.time
    ) -> None:
        self.redis = redis
        self.keep_seconds = keep_seconds
        self.now = now
        self.metrics = MetricsStore(redis)
        self._scripts = {
            name: redis.register_script(getattr(file, name))
            for file, names in (
                (delivery_scripts, ("ACCEPT", "NEXT_DELIVERIES")),
                (scripts, ("PUT", "OPEN", "ADMIT", "MOVE", "PROGRESS", "FINISH_BATCH")),
                (scripts, ("SAVE_SCAN", "REQUEUE_LOST")),
            )
            for name in names
        }
        self._accept_batcher = ScriptBatcher(
            self._scripts["ACCEPT"],
            [keys.PREFIX, NAMESPACE, DELIVERY_SECONDS, MAX_CONCURRENT_DELIVERIES],
        )

    async def run_script(self, name: str, *args: str | bytes | int | float) -> Any:
        return await self._scripts[name](args=[keys.PREFIX, NAMESPACE, *args])

    # Deliveries and messages

    async def accept_delivery(
        self, guid: str, message: Message, *, installation_id: int = 0
    ) -> bool:
        """Queue what a delivery asks for, unless that delivery was queued before. Of one
        installation so many are handled at once; others wait in a line of their own, so that
        nobody else waits behind them. 0 is for deliveries of no installation."""
        return bool(await self._accept_batcher.call([guid, _messages([message]), installation_id]))

    async def put(self, *messages: Message) -> None:
        await self.run_script("PUT", _messages(messages))

    # The life of a review

    async def open_review(
        self, review: Review, *, base: str = "", follow_up: Message | None = None
    ) -> OpenResult:
        """Open it, superseding the unfinished review of its pull request, if any; or, with
        `follow_up`, leave that alone and put `follow_up` as soon as it has ended, and so have
        whatever superseded it meanwhile. `base` is the branch that the pull request goes to."""
        outcome, other = await self.run_script(
            "OPEN",
            review.id,
            keys.pull(review.repository.id, review.number),
            review.head_sha,
            encode(review),
            self.now(),
            int(review.trigger.automatic),
            self.keep_seconds,
            keys.head(review.repository.id, review.head_sha),
            review.number,
            base,
            int(review.focus is None),
            _messages([follow_up]) if follow_up is not None else "",
        )
        return OpenResult(outcome.decode(), other.decode())

    async def review(self, review_id: str) -> Review | None:
        doc = await self.redis.hget(keys.review(review_id), "doc")
        return decode(Review, doc) if doc else None

    async def progress(self, review_id: str) -> Progress | None:
        fields = await self.fields(review_id)
        if "state" not in fields:
            return None
        counts = {name: int(fields.get(name, 0)) for name in _FIELDS}
        return Progress(
            state=State(fields["state"]),
            status_text=fields.get("status_text", ""),
            error=fields.get("error", ""),
            **counts,
        )

    async def state(self, review_id: str) -> State | None:
        state = await self.redis.hget(keys.review(review_id), "state")
        return State(_bytes(state).decode()) if state else None

    async def fields(self, review_id: str) -> dict[str, str]:
        """All that is kept of a review, as text; {} if it is not known."""
        return _text(await self.redis.hgetall(keys.review(review_id)))

    async def set_fields(self, review_id: str, **fields: str | int | float) -> None:
        """Keep facts about a review, such as the id of its check run."""
        await self.redis.hset(keys.review(review_id), mapping=dict[Any, Any](fields))

    async def move(
        self,
        review_id: str,
        to: State,
        *,
        from_states: Iterable[State],
        messages: Sequence[Message] = (),
        batches: Sequence[Batch] = (),
        **fields: str | int | float,
    ) -> bool:
        """Move a review on, if it is in one of the states `from_states`; with it go the fields, the
        event and the messages. False, and nothing done, if it is in another state."""
        packed: list[str | bytes | int] = []
        for batch in batches:
            packed += [batch.number, pack(batch)]
        moved, _ = await self.run_script(
            "MOVE",
            review_id,
            json.dumps(list(from_states)),
            to,
            json.dumps(fields),
            _messages(messages),
            self.keep_seconds,
            *packed,
        )
        return bool(moved)

    async def admit(
        self,
        review_id: str,
        installation_id: int,
        *,
        max_concurrent: int,
        messages: Sequence[Message],
    ) -> bool:
        """Put the messages of a queued review now if fewer than `max_concurrent` reviews of its
        installation run, else as soon as one of them is finished. False if that was done
        before, or the review is no longer queued."""
        admitted = await self.run_script(
            "ADMIT", review_id, installation_id, max_concurrent, _messages(messages)
        )
        return bool(admitted)

    async def mark_concluded(self, review_id: str) -> None:
        """Note that nothing is left to do for a review that ended without a report."""
        if await self.redis.exists(keys.review(review_id)):
            await self.set_fields(review_id, concluded=1)
        await self.redis.zrem(keys.ENDING, review_id)

    async def update_progress(self, review_id: str, percent: int, **fields: str | int) -> bool:
        """Progress for those who watch. False if the review is finished or unknown."""
        return bool(await self.run_script("PROGRESS", review_id, percent, json.dumps(fields)))

    # What the steps hand on

    async def save_scan(self, review_id: str, scan: Scan) -> None:
        """Keep what the scan found, unless the review was finished meanwhile."""
        await self.run_script("SAVE_SCAN", review_id, pack(scan), self.keep_seconds)

    async def scan(self, review_id: str) -> Scan | None:
        data = await self.redis.get(keys.scan(review_id))
        return unpack(Scan, data) if data else None

    async def batch(self, review_id: str, number: int) -> Batch | None:
        data = await self.redis.hget(keys.batches(review_id), str(number))
        return unpack(Batch, data) if data else None

    async def has_result(self, review_id: str, number: int) -> bool:
        return bool(await self.redis.hexists(keys.results(review_id), str(number)))

    async def finish_batch(
        self, review_id: str, number: int, result: BatchResult, *, files: int, publish: Message
    ) -> int:
        """Keep a batch's result, once; the last one in sends `publish`. Returns how many
        are in, or -1 when the review no longer waits for it."""
        done = await self.run_script(
            "FINISH_BATCH",
            review_id,
            number,
            pack(result),
            files,
            len(result.findings),
            _messages([publish]),
        )
        return int(done)

    async def results(self, review_id: str) -> tuple[BatchResult, ...]:
        raw = await self.redis.hgetall(keys.results(review_id))
        return tuple(unpack(BatchResult, raw[name]) for name in sorted(raw, key=int))

    # Reports

    async def save_report(self, report: Report) -> None:
        """Keep it, and what lists and charts tell of it with the review's other fields."""
        usage, key = report.usage, keys.review(report.review.id)
        summary: dict[Any, Any] = {"title": report.pull.title}
        if not report.nothing_reviewed:
            summary["score"] = report.score
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.set(keys.report(report.review.id), pack(report), ex=self.keep_seconds)
            pipe.hset(key, mapping=summary)
            # What was counted call by call has tries in it that the report does not know of.
            pipe.hsetnx(key, "tokens", str(usage.prompt_tokens + usage.completion_tokens))
            if usage.cost is not None:
                pipe.hsetnx(key, "cost", str(usage.cost))
            await pipe.execute()

    async def report(self, review_id: str) -> Report | None:
        data = await self.redis.get(keys.report(review_id))
        return unpack(Report, data) if data else None

    async def save_rendering(self, review_id: str, form: str, data: bytes) -> None:
        """Keep the report in one format (as its file is called: json, md, html, pdf, sarif)."""
        await self.redis.set(keys.rendering(review_id, form), data, ex=self.keep_seconds)

    async def rendering(self, review_id: str, form: str) -> bytes | None:
        data = await self.redis.get(keys.rendering(review_id, form))
        return _bytes(data) if data is not None else None

    # Pull requests

    async def pull_fields(self, repository_id: int, number: int) -> dict[str, str]:
        """`current` (id of the newest review), `paused`, ...; {} for a pull request never seen,
        or not asked for since as long as reviews are kept."""
        key = keys.pull(repository_id, number)
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(key)
            pipe.expire(key, self.keep_seconds)
            fields, _ = await pipe.execute()
        return _text(fields)

    async def pulls_at(self, repository_id: int, sha: str) -> list[int]:
        """Numbers of the pull requests that were reviewed, or skipped, at a head commit: the
        events of check suites do not name those of forks."""
        return sorted(map(int, await self.redis.smembers(keys.head(repository_id, sha))))


def _messages(messages: Iterable[Message]) -> str:
    return json.dumps([[message.queue, message.id, message.body] for message in messages])
