"""What the store keeps, for tests that know that it is there."""

import json

from bot.store import ReviewState, Store, keys


async def state_of(store: Store, review_id: str) -> ReviewState:
    state = await store.reviews.get(review_id)
    assert state is not None
    return state


async def queued(store: Store, queue: str) -> list[str]:
    """The actors of the messages that wait in a queue, in order."""
    ids = await store.redis.lrange(keys.queue(queue), 0, -1)
    bodies = [await store.redis.hget(keys.queue_messages(queue), name) for name in ids]
    return [json.loads(body)["actor_name"] for body in bodies if body is not None]
