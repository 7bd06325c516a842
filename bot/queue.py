"""Queue names, messages by actor name, and the broker: `bot` never imports an actor.

A message is written to Redis by our own scripts (`bot.store.scripts`), in the same
atomic step as the state it goes with. That needs the layout that Dramatiq's
RedisBroker keeps: a list `<namespace>:<queue>` of message ids, and a hash
`<namespace>:<queue>.msgs` of their bodies (dramatiq/brokers/redis/dispatch.lua).
"""

import json
import time
from dataclasses import dataclass
from uuid import uuid4

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.common import dq_name
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot import trace
from bot.redis_url import connect_sync

#: Prefix of Dramatiq's keys in Redis.
NAMESPACE = "dramatiq"

#: Each actor and the queue that it reads.
QUEUE_OF = {
    "handle_delivery": "events",
    "start_review": "events",
    "start_waiting": "events",
    "scan_pull_request": "scan",
    "analyze_batch": "analysis",
    "answer_question": "analysis",
    "publish_review": "reports",
    "conclude_review": "reports",
    "render_report": "reports",
}
QUEUES = tuple(dict.fromkeys(QUEUE_OF.values()))

#: A worker process not heard of for so long is dead, and its messages go to others.
LOST_SECONDS = 30
HEARTBEAT_TIMEOUT_MS = LOST_SECONDS * 1000

#: Between two tries to put a message while Redis is away.
PUT_AGAIN_SECONDS = 1

#: How many commands out of a million look for dead workers' messages. Each idle worker
#: sends several commands a second, so that a look happens every few seconds.
MAINTENANCE_CHANCE = 20_000


#: `json.dumps` with separators makes an encoder each time.
_to_json = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Message:
    """A message ready to be put: queue, its id in Redis, its encoded body."""

    queue: str
    id: str
    body: str


def message(actor: str, *args: object, delay: float = 0) -> Message:
    """A message for that actor, to be worked on `delay` seconds from now. `args` are small
    and JSON: ids, not objects."""
    queue, redis_id = QUEUE_OF[actor], str(uuid4())
    options: dict[str, object] = {"redis_message_id": redis_id, **trace.carried()}
    if delay > 0:
        queue, options["eta"] = dq_name(queue), int((time.time() + delay) * 1000)
    # What dramatiq.Message(...).encode() gives, in a third of the time.
    body = {
        "queue_name": queue,
        "actor_name": actor,
        "args": args,
        "kwargs": {},
        "options": options,
        "message_id": redis_id,
        "message_timestamp": int(time.time() * 1000),
    }
    return Message(queue, redis_id, _to_json(body))


class _Broker(RedisBroker):
    """Puts a message even if Redis is away just then: Dramatiq would drop a retry, and then
    acknowledge the message that it was to follow."""

    def do_enqueue(self, *args: object) -> None:
        while True:
            try:
                self._dispatch("enqueue")(*args)  # type: ignore[no-untyped-call]
                return
            except (RedisConnectionError, RedisTimeoutError):
                self.logger.warning("Redis is away; the message is put once it is back.")
                time.sleep(PUT_AGAIN_SECONDS)


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
