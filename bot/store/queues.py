"""The queues as Dramatiq keeps them in Redis: depth, age, workers, dead letters.

Key layout: dramatiq/brokers/redis/dispatch.lua. Times there are milliseconds.
"""

import json
from dataclasses import dataclass
from typing import Any

from bot.store.messages import HEARTBEAT_TIMEOUT_MS, NAMESPACE, QUEUES
from bot.store.store import Store

#: Dead letters shown at once.
SHOWN = 20

#: KEYS: dead letters, their bodies, queue, its bodies. ARGV: id, new body.
#: Returns 1 when the message was put back, once.
_RETRY = """
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[4], ARGV[1], ARGV[2])
redis.call('RPUSH', KEYS[3], ARGV[1])
return 1
"""


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
    key = f"{NAMESPACE}:{name}"
    async with store.redis.pipeline(transaction=True) as pipe:
        pipe.llen(key)
        pipe.hlen(f"{key}.DQ.msgs")
        pipe.zcard(f"{key}.XQ")
        pipe.lindex(key, 0)
        pipe.hlen(f"{key}.msgs")
        waiting, delayed, dead, oldest, known = await pipe.execute()
    age = 0.0
    if oldest is not None and (body := await store.redis.hget(f"{key}.msgs", oldest)):
        age = max(0.0, store.now() - json.loads(body)["message_timestamp"] / 1000)
    return Queue(name, waiting, delayed, dead, age, max(0, known - waiting))


async def live_workers(store: Store) -> int:
    """Worker processes (a process counts once for each queue consumer that it shares)."""
    since = store.now() * 1000 - HEARTBEAT_TIMEOUT_MS
    return int(await store.redis.zcount(f"{NAMESPACE}:__heartbeats__", since, "+inf"))


async def dead_letters(store: Store) -> list[DeadLetter]:
    """The newest of each queue, newest first."""
    found: list[DeadLetter] = []
    for queue in QUEUES:
        key = f"{NAMESPACE}:{queue}.XQ"
        entries: Any = await store.redis.zrevrange(key, 0, SHOWN - 1, withscores=True)
        for message_id, died in entries:
            if body := await store.redis.hget(f"{key}.msgs", message_id):
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
    key = f"{NAMESPACE}:{queue}"
    raw = await store.redis.hget(f"{key}.XQ.msgs", message_id)
    if raw is None:
        return False
    body = json.loads(raw)
    for option in ("retries", "traceback", "requeue_timestamp", "eta"):
        body["options"].pop(option, None)
    body["queue_name"] = queue
    script = store.redis.register_script(_RETRY)
    keys = [f"{key}.XQ", f"{key}.XQ.msgs", key, f"{key}.msgs"]
    return bool(await script(keys=keys, args=[message_id, json.dumps(body)]))
