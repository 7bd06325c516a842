"""Queue names, and messages by actor name: `bot` never imports an actor, nor Dramatiq.

A message is written to Redis by our own scripts (`bot.store.scripts`), in the same
atomic step as the state it goes with. That needs the layout that Dramatiq's Redis broker keeps,
see `bot.store.keys`.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import uuid4

from bot.telemetry import tracing

#: Each actor and the queue that it reads.
QUEUE_OF = {
    "handle_delivery": "events",
    "start_review": "events",
    "start_queued_review": "events",
    "scan_review": "scan",
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
        queue, options["eta"] = f"{queue}.DQ", int((time.time() + delay) * 1000)
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
