"""How many reviews an installation has started on a day (UTC), where there is a quota."""

from typing import Any

from bot.store import keys
from bot.store.dates import day_of
from bot.store.store import Store

#: A day's reviews are remembered until the day is over everywhere.
_SECONDS = 2 * 86_400

#: KEYS: the day's reviews. ARGV: review, quota, seconds to keep them. Returns 1 if it is one.
_CONSUME = """
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 1 then return 1 end
if redis.call('SCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""

#: KEYS: what waits for a review's end, by id; the day's reviews.
_CLEAR_WAITING = """
for _, id in ipairs(redis.call('HKEYS', KEYS[1])) do redis.call('SREM', KEYS[2], id) end
redis.call('DEL', KEYS[1])
"""


async def consume(store: Store, installation_id: int, review_id: str, quota: int) -> bool:
    """Whether the review is one of the day's first `quota`; counted once, however often asked."""
    script = store.redis.register_script(_CONSUME)
    key = _key(store, installation_id)
    return bool(await script(keys=[key], args=[review_id, quota, _SECONDS]))


async def refund(store: Store, installation_id: int, review_id: str) -> None:
    """There was no review after all."""
    await store.redis.srem(_key(store, installation_id), review_id)


async def waiting(store: Store, review_id: str) -> list[str]:
    """The ids of what is to start once that review has ended."""
    names: Any = await store.redis.hkeys(keys.after(review_id))
    return [name.decode() for name in names]


async def clear_waiting(store: Store, installation_id: int, review_id: str) -> None:
    """Start nothing after that review; what waited for its end gives its place back."""
    script = store.redis.register_script(_CLEAR_WAITING)
    await script(keys=[keys.after(review_id), _key(store, installation_id)])


def _key(store: Store, installation_id: int) -> str:
    return keys.quota(installation_id, day_of(store.now()))
