"""Starts of a step that had no end: each may have taken its worker down.

They are kept as a set of names and not as a number, so that neither a start nor an end counts
twice when Redis is told of it again after an error.
"""

from bot.store import keys
from bot.store.store import RUNNING_SECONDS, Store


async def record_start(store: Store, review_id: str, step: str, start: str) -> int:
    """Note the start of a step; returns how many have had no end, this one included."""
    key = keys.stage_starts(review_id, step)
    async with store.redis.pipeline(transaction=True) as pipe:
        pipe.sadd(key, start)
        pipe.expire(key, RUNNING_SECONDS)
        pipe.scard(key)
        *_, number = await pipe.execute()
    return int(number)


async def record_end(store: Store, review_id: str, step: str, start: str) -> None:
    """Note that a start of a step has ended, however it did."""
    await store.redis.srem(keys.stage_starts(review_id, step), start)
