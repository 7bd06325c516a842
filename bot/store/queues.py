"""The queues, as Dramatiq's Redis broker keeps them: messages put, waiting, dead and lost.

`bot` never imports an actor, nor Dramatiq: messages go by the actor's name. They are put by our own
scripts, in the same atomic step as the state they go with. Dramatiq keeps the body of a message
until it is acknowledged, and puts a retry before it acknowledges. So one look at everything tells
exactly what nothing will go on with: no message in any queue, waiting, delayed or taken by a
worker, speaks of it. Times in messages are milliseconds.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from bot.domain.audit import AuditEntry
from bot.store import keys
from bot.store.database import DELIVERY_SECONDS, Database, as_audit_line
from bot.store.lua.scripts import Script
from bot.telemetry import tracing

#: Each actor and the queue that it reads.
QUEUE_OF = {
    "handle_delivery": "events",
    "start_review": "events",
    "start_queued_review": "events",
    "dismiss_finding": "events",
    "scan_review": "scan",
    "analyze_batch": "analysis",
    "answer_question": "analysis",
    "propose_preference": "analysis",
    "publish_review": "reports",
    "conclude_review": "reports",
    "render_report": "reports",
    "notify": "reports",
}
QUEUES = tuple(dict.fromkeys(QUEUE_OF.values()))

#: Every list of Dramatiq's that a message can be in, delayed ones included.
ALL_QUEUES = tuple(f"{queue}{kind}" for queue in QUEUES for kind in ("", ".DQ"))

#: A worker process not heard of for so long is dead, and its messages go to others.
LOST_SECONDS = 30
HEARTBEAT_TIMEOUT_MS = LOST_SECONDS * 1000

#: Dead letters shown at once.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Message:
    """A message ready to be put: queue, its id in Redis, its encoded body."""

    queue: str
    id: str
    body: str


def as_arguments(messages: Iterable[Message]) -> list[list[str]]:
    """Messages as scripts take them."""
    return [[message.queue, message.id, message.body] for message in messages]


def message(actor: str, *args: object, delay: float = 0) -> Message:
    """A message for that actor, to be worked on `delay` seconds from now. `args` are small
    and JSON: ids, not objects."""
    queue, redis_id = QUEUE_OF[actor], str(uuid4())
    options: dict[str, object] = {"redis_message_id": redis_id, **tracing.message_options()}
    if delay > 0:
        # Negative until it is put: from then on (`lua/prelude.lua`) it is a time of Redis.
        queue, options["eta"] = f"{queue}.DQ", -int(delay * 1000)
    # What dramatiq.Message(...).encode() gives.
    body = {
        "queue_name": queue,
        "actor_name": actor,
        "args": args,
        "kwargs": {},
        "options": options,
        "message_id": redis_id,
        "message_timestamp": int(time.time() * 1000),
    }
    return Message(queue, redis_id, json.dumps(body, separators=(",", ":")))


@dataclass(frozen=True, slots=True)
class Queue:
    """`age` is how long the oldest waiting message waits, in seconds; `delayed` messages
    wait for their time, for a retry above all; `unacked` are with a worker."""

    name: str
    waiting: int
    delayed: int
    dead: int
    age: float
    unacked: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that failed for good; `error` is the last line of its traceback."""

    queue: str
    id: str
    actor: str
    args: str
    died_at: float
    error: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment: unfinished reviews, those whose check runs are still to be completed, and
    what the messages speak of: each a set of actor and arguments."""

    active: tuple[str, ...]
    ending: tuple[str, ...]
    messages: frozenset[tuple[str, tuple[str, ...]]]

    def has_message(self, review_id: str) -> bool:
        """Whether any message speaks of the review; to tell others of it moves it nowhere."""
        return any(review_id in args for actor, args in self.messages if actor != "notify")

    def has_scan_message(self, review_id: str) -> bool:
        """Whether a message has it scanned: if it is further by now, that was since."""
        return ("scan_review", (review_id,)) in self.messages

    def batches(self, review_id: str) -> frozenset[int]:
        """The batches of the review that messages are to analyse."""
        return frozenset(
            int(args[1])
            for actor, args in self.messages
            if actor == "analyze_batch" and args[0] == review_id
        )


class Queues:
    """All methods raise RedisError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._redis = database.redis

    async def put(self, *messages: Message) -> None:
        await self._database.scripts.run(Script.PUT_MESSAGES, messages=as_arguments(messages))

    async def all(self) -> list[Queue]:
        return [await self._queue(name) for name in QUEUES]

    async def _queue(self, name: str) -> Queue:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.llen(keys.queue(name))
            pipe.hlen(keys.queue_messages(f"{name}.DQ"))
            pipe.zcard(keys.dead_letters(name))
            pipe.lindex(keys.queue(name), 0)
            pipe.hlen(keys.queue_messages(name))
            waiting, delayed, dead, oldest, known = await pipe.execute()
        age = 0.0
        messages = keys.queue_messages(name)
        if oldest is not None and (body := await self._redis.hget(messages, oldest)):
            age = max(0.0, self._database.now() - json.loads(body)["message_timestamp"] / 1000)
        return Queue(name, waiting, delayed, dead, age, max(0, known - waiting))

    async def live_workers(self) -> int:
        """Worker processes (a process counts once for each queue consumer that it shares)."""
        since = await self._database.time() * 1000 - HEARTBEAT_TIMEOUT_MS
        return int(await self._redis.zcount(keys.HEARTBEATS, since, "+inf"))

    async def dead_letters(self) -> list[DeadLetter]:
        """The newest of each queue, newest first."""
        found: list[DeadLetter] = []
        for queue in QUEUES:
            bodies = keys.dead_letter_messages(queue)
            entries: Any = await self._redis.zrevrange(
                keys.dead_letters(queue), 0, SHOWN - 1, withscores=True
            )
            for message_id, died in entries:
                if body := await self._redis.hget(bodies, message_id):
                    found.append(_letter(queue, message_id.decode(), died, json.loads(body)))
        return sorted(found, key=lambda letter: -letter.died_at)[:SHOWN]

    async def was_sent(self, notification: str) -> bool:
        """Whether `mark_sent` was called for it in the last days."""
        return bool(await self._redis.exists(keys.notification_sent(notification)))

    async def mark_sent(self, notification: str) -> None:
        await self._redis.set(keys.notification_sent(notification), "1", ex=DELIVERY_SECONDS)

    async def retry(self, queue: str, message_id: str, *, audit: AuditEntry) -> bool:
        """Put a dead letter back with all its retries, and a line into the audit log. False if
        there is no such letter."""
        if queue not in QUEUES:
            return False
        raw = await self._redis.hget(keys.dead_letter_messages(queue), message_id)
        if raw is None:
            return False
        body = json.loads(raw)
        for option in ("retries", "traceback", "requeue_timestamp", "eta"):
            body["options"].pop(option, None)
        body["queue_name"] = queue
        retried = await self._database.scripts.run(
            Script.RETRY_DEAD_LETTER,
            queue=queue,
            id=message_id,
            body=json.dumps(body),
            audit=as_audit_line(audit),
        )
        return bool(retried)

    async def requeue_lost(self, lost_seconds: float) -> int:
        """Give the messages of workers that gave no sign for so long back to their queues."""
        requeued = await self._database.scripts.run(
            Script.REQUEUE_LOST_MESSAGES,
            lost=int(lost_seconds * 1000),
            queues=ALL_QUEUES,
        )
        return int(requeued)

    async def snapshot(self) -> Snapshot:
        """Reviews and messages as they are at one moment."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.zrange(keys.ACTIVE, 0, -1)
            pipe.zrange(keys.ENDING, 0, -1)
            for queue in ALL_QUEUES:
                pipe.hvals(keys.queue_messages(queue))
            active, ending, *bodies = await pipe.execute()
        return Snapshot(
            active=tuple(name.decode() for name in active),
            ending=tuple(name.decode() for name in ending),
            messages=frozenset(_parse_message(body) for found in bodies for body in found),
        )


def _letter(queue: str, message_id: str, died: float, body: dict[str, Any]) -> DeadLetter:
    lines = str(body["options"].get("traceback", "")).strip().splitlines()
    args = ", ".join(map(str, body["args"]))
    return DeadLetter(
        queue, message_id, body["actor_name"], args[:120], died / 1000, (lines or [""])[-1][:300]
    )


def _parse_message(body: bytes) -> tuple[str, tuple[str, ...]]:
    message = json.loads(body)
    args = tuple(str(arg) for arg in message["args"] if isinstance(arg, str | int))
    return message["actor_name"], args
