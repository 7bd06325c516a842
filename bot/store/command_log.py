"""What was done about people's comments, so that a repeated delivery does only the rest."""

from typing import Any

from bot.store.store import DELIVERY_SECONDS, PREFIX, Store


async def note(store: Store, review_id: str, position: int, said: str) -> None:
    """Remember that the command at that position of a comment was carried out, and what there
    was to say about it. `review_id` is the one that the comment's delivery came with."""
    key = f"{PREFIX}obeyed:{review_id}"
    async with store.redis.pipeline(transaction=True) as pipe:
        pipe.hset(key, str(position), said)
        pipe.expire(key, DELIVERY_SECONDS)
        await pipe.execute()


async def done(store: Store, review_id: str) -> dict[int, str]:
    """What `note` was told, by position."""
    found: dict[Any, Any] = await store.redis.hgetall(f"{PREFIX}obeyed:{review_id}")
    return {int(position): said.decode() for position, said in found.items()}


async def first_told(store: Store, what: str, comment_id: int) -> bool:
    """True for the first comment that is told a thing, however often it is asked for that
    comment; False for all later ones, so that nobody is told again and again."""
    key = f"{PREFIX}told:{what}"
    await store.redis.set(key, comment_id, nx=True, ex=store.keep_seconds)
    return bool(await store.redis.get(key) == str(comment_id).encode())
