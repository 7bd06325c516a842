"""What was left lying: reviews without a message, messages of dead workers, expired entries.

A review is orphaned when nothing will go on with it: no message in any queue, waiting,
delayed or taken by a worker, speaks of it. Dramatiq keeps the body of a message until it is
acknowledged and puts a retry before it acknowledges, and our scripts put messages in the
same step as the state that they go with; so one look at everything is exact.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis.exceptions import ResponseError

from bot.store import keys
from bot.store.messages import QUEUES
from bot.store.scripts import Script
from bot.store.store import Store

#: Every list of Dramatiq's that a message can be in, delayed ones included.
ALL_QUEUES = tuple(f"{queue}{kind}" for queue in QUEUES for kind in ("", ".DQ"))

#: The seconds that a review's keys may outlive its place in the lists.
_SLACK_SECONDS = 3600

_SCAN_COUNT = 500


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment: unfinished reviews, those whose check runs are still to be completed, and
    what the messages speak of: each a set of actor and arguments."""

    active: tuple[str, ...]
    ending: tuple[str, ...]
    messages: frozenset[tuple[str, tuple[str, ...]]]

    def has_message(self, review_id: str) -> bool:
        """Whether any message speaks of the review."""
        return any(review_id in args for _, args in self.messages)

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


async def unfinished(store: Store) -> tuple[str, ...]:
    """The reviews that are not finished."""
    names: Any = await store.redis.zrange(keys.ACTIVE, 0, -1)
    return tuple(name.decode() for name in names)


async def snapshot(store: Store) -> Snapshot:
    """Reviews and messages as they are at one moment."""
    async with store.redis.pipeline(transaction=True) as pipe:
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


def _parse_message(body: bytes) -> tuple[str, tuple[str, ...]]:
    message = json.loads(body)
    args = tuple(str(arg) for arg in message["args"] if isinstance(arg, str | int))
    return message["actor_name"], args


async def requeue_lost(store: Store, lost_seconds: float) -> int:
    """Give the messages of workers that gave no sign for so long back to their queues."""
    requeued = await store.scripts.run(
        Script.REQUEUE_LOST_MESSAGES,
        now=int(store.now() * 1000),
        lost=int(lost_seconds * 1000),
        queues=ALL_QUEUES,
    )
    return int(requeued)


async def drop_expired(store: Store, keep_seconds: float) -> int:
    """Take reviews that are no longer kept out of the lists; returns how many."""
    before = store.now() - keep_seconds - _SLACK_SECONDS
    old: Any = await store.redis.zrangebyscore(keys.REVIEWS, "-inf", before)
    expired = [name for name in old if not await store.redis.exists(keys.review(name.decode()))]
    if expired:
        await store.redis.zrem(keys.REVIEWS, *expired)
    return len(expired)


async def drop_leftovers(store: Store) -> int:
    """Delete what steps handed on for reviews that are finished or gone; returns how many."""
    dropped = 0
    for key_of in (keys.scan, keys.batches, keys.results):
        async for key in store.redis.scan_iter(match=key_of("*"), count=_SCAN_COUNT):
            name = key.decode().rpartition(":")[2]
            state = await store.reviews.state(name)
            if state is None or state.finished:
                dropped += await store.redis.delete(key)
    return dropped


async def warnings(store: Store) -> tuple[str, ...]:
    """Why work may be lost in this Redis as it is set up, a sentence each; what a hosted
    Redis does not tell is not complained of."""
    try:
        policy = _text(await store.redis.config_get("maxmemory-policy"))
        persistence: Mapping[str, Any] = await store.redis.info("persistence")
    except ResponseError:
        return ()
    found = []
    if policy.get("maxmemory-policy", "noeviction") != "noeviction":
        found.append(
            f"Redis evicts keys when memory is short ({policy['maxmemory-policy']}): set "
            "maxmemory-policy to noeviction, or reviews may vanish."
        )
    if not int(persistence.get("aof_enabled", 1)):
        found.append(
            "Redis has no append-only file: set appendonly to yes, or what was accepted since "
            "its last save is lost when it restarts."
        )
    return tuple(found)


def _text(raw: Mapping[Any, Any]) -> dict[str, str]:
    def plain(value: Any) -> str:
        return value.decode() if isinstance(value, bytes) else str(value)

    return {plain(name): plain(value) for name, value in raw.items()}
