"""What was done about people's comments, so that a repeated delivery does only the rest."""

from typing import Any

from bot.store import keys
from bot.store.deliveries import DELIVERY_SECONDS
from bot.store.store import Store


async def record(store: Store, review_id: str, position: int, result: str) -> None:
    """Remember that the command at that position of a comment was carried out, and what there
    was to say about it. `review_id` is the one that the comment's delivery came with."""
    key = keys.executed_commands(review_id)
    async with store.redis.pipeline(transaction=True) as pipe:
        pipe.hset(key, str(position), result)
        pipe.expire(key, DELIVERY_SECONDS)
        await pipe.execute()


async def executed(store: Store, review_id: str) -> dict[int, str]:
    """What `record` was told, by position."""
    found: dict[Any, Any] = await store.redis.hgetall(keys.executed_commands(review_id))
    return {int(position): result.decode() for position, result in found.items()}


async def claim_notice(store: Store, what: str, comment_id: int) -> bool:
    """True for the first comment that is told a thing, however often it is asked for that
    comment; False for all later ones, so that nobody is told again and again."""
    key = keys.notified(what)
    await store.redis.set(key, comment_id, nx=True, ex=store.keep_seconds)
    return bool(await store.redis.get(key) == str(comment_id).encode())
