"""What is kept of reviews, for tests that know that it is there."""

from bot.store import ReviewState, Store


async def state_of(store: Store, review_id: str) -> ReviewState:
    state = await store.reviews.get(review_id)
    assert state is not None
    return state
