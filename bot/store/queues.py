"""The queues as Dramatiq keeps them in Redis: depth, age, workers, dead letters.

Times there are milliseconds.
"""

import json
from dataclasses import dataclass
from typing import Any

from bot.store import keys
from bot.store.messages import HEARTBEAT_TIMEOUT_MS, QUEUES
from bot.store.scripts import Script
from bot.store.store import Store

#: Dead letters shown at once.
SHOWN = 20


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


async def queues(store: Store) -> list[Queue]:
    return [await _queue(store, name) for name in QUEUES]


async def _queue(store: Store, name: str) -> Queue:
    async with store.redis.pipeline(transaction=True) as pipe:
        pipe.llen(keys.queue(name))
        pipe.hlen(keys.queue_messages(f"{name}.DQ"))
        pipe.zcard(keys.dead_letters(name))
        pipe.lindex(keys.queue(name), 0)
        pipe.hlen(keys.queue_messages(name))
        waiting, delayed, dead, oldest, known = await pipe.execute()
    age = 0.0
    messages = keys.queue_messages(name)
    if oldest is not None and (body := await store.redis.hget(messages, oldest)):
        age = max(0.0, store.now() - json.loads(body)["message_timestamp"] / 1000)
    return Queue(name, waiting, delayed, dead, age, max(0, known - waiting))


async def live_workers(store: Store) -> int:
    """Worker processes (a process counts once for each queue consumer that it shares)."""
    since = store.now() * 1000 - HEARTBEAT_TIMEOUT_MS
    return int(await store.redis.zcount(keys.HEARTBEATS, since, "+inf"))


async def dead_letters(store: Store) -> list[DeadLetter]:
    """The newest of each queue, newest first."""
    found: list[DeadLetter] = []
    for queue in QUEUES:
        bodies = keys.dead_letter_messages(queue)
        entries: Any = await store.redis.zrevrange(
            keys.dead_letters(queue), 0, SHOWN - 1, withscores=True
        )
        for message_id, died in entries:
            if body := await store.redis.hget(bodies, message_id):
                found.append(_letter(queue, message_id.decode(), died, json.loads(body)))
    return sorted(found, key=lambda letter: -letter.died_at)[:SHOWN]


def _letter(queue: str, message_id: str, died: float, body: dict[str, Any]) -> DeadLetter:
    lines = str(body["options"].get("traceback", "")).strip().splitlines()
    args = ", ".join(map(str, body["args"]))
    return DeadLetter(
        queue, message_id, body["actor_name"], args[:120], died / 1000, (lines or [""])[-1][:300]
    )


async def retry(store: Store, queue: str, message_id: str) -> bool:
    """Put a dead letter back with all its retries. False if there is no such letter."""
    if queue not in QUEUES:
        return False
    raw = await store.redis.hget(keys.dead_letter_messages(queue), message_id)
    if raw is None:
        return False
    body = json.loads(raw)
    for option in ("retries", "traceback", "requeue_timestamp", "eta"):
        body["options"].pop(option, None)
    body["queue_name"] = queue
    retried = await store.scripts.run(
        Script.RETRY_DEAD_LETTER, queue=queue, id=message_id, body=json.dumps(body)
    )
    return bool(retried)
