"""What tries of a batch have cost that gave no result: it belongs to the review all the same."""

from typing import Any

from bot.domain.model import Usage, decode, encode
from bot.store import keys
from bot.store.store import RUNNING_SECONDS, Store


async def add_attempt_usage(store: Store, review_id: str, number: int, usage: Usage) -> None:
    """Note the cost of one try of a batch."""
    key = keys.attempt_usage(review_id, number)
    async with store.redis.pipeline(transaction=True) as pipe:
        pipe.rpush(key, encode(usage))
        pipe.expire(key, RUNNING_SECONDS)
        await pipe.execute()


async def attempt_usage(store: Store, review_id: str, number: int) -> Usage:
    """The cost of all tries of a batch that were noted."""
    attempts: Any = await store.redis.lrange(keys.attempt_usage(review_id, number), 0, -1)
    return sum((decode(Usage, data) for data in attempts), Usage())
