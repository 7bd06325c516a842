"""How many reviews an installation has started on a day (UTC), where there is a quota."""

from typing import Any

from bot.store import keys
from bot.store.dates import day_of
from bot.store.scripts import Script
from bot.store.store import Store

#: A day's reviews are remembered until the day is over everywhere.
_SECONDS = 2 * 86_400


async def consume(store: Store, installation_id: int, review_id: str, quota: int) -> bool:
    """Whether the review is one of the day's first `quota`; counted once, however often asked."""
    consumed = await store.scripts.run(
        Script.CONSUME_QUOTA,
        key=_key(store, installation_id),
        review=review_id,
        quota=quota,
        seconds=_SECONDS,
    )
    return bool(consumed)


async def refund(store: Store, installation_id: int, review_id: str) -> None:
    """There was no review after all."""
    await store.redis.srem(_key(store, installation_id), review_id)


async def waiting(store: Store, review_id: str) -> list[str]:
    """The ids of what is to start once that review has ended."""
    names: Any = await store.redis.hkeys(keys.after(review_id))
    return [name.decode() for name in names]


async def clear_waiting(store: Store, installation_id: int, review_id: str) -> None:
    """Start nothing after that review; what waited for its end gives its place back."""
    await store.scripts.run(Script.CLEAR_WAITING, id=review_id, quota=_key(store, installation_id))


def _key(store: Store, installation_id: int) -> str:
    return keys.quota(installation_id, day_of(store.now()))
