"""What Redis counts of an endpoint: who asked first gets a turn first, and nobody holds two; what
is set aside of budgets, and what was used."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.model import Usage
from bot.store import Store, UsageTotal, keys
from tests.support.reviews import state_of
from tests.support.web_server import open_review

#: One call at a time, held for a minute; a halved limit gains a call in half a minute, and who has
#: not asked for five seconds is forgotten.
LIMITS = {"limit": 1, "gap": 0, "lease": 60_000, "recovery": 30_000, "expiry": 5_000}
STATE = keys.llm_limit("endpoint")


async def ask(store: Store, who: str, **limits: int) -> int:
    """The milliseconds to wait, 0 for a turn."""
    return await store.llm.acquire_slot("endpoint", who, **LIMITS | limits)


async def give_back(store: Store, *names: str) -> None:
    for who in names:
        await store.llm.release_slot("endpoint", who)


async def turns(store: Store, limit: int) -> int:
    """How many calls may be in flight."""
    asked = [f"c{n}" for n in range(limit)]
    granted = [await ask(store, who, limit=limit) == 0 for who in asked]
    await give_back(store, *asked)
    return sum(granted)


async def throttle(store: Store, *, limit: int = 8, pause: int = 0) -> None:
    await store.llm.throttle("endpoint", limit=limit, recovery=LIMITS["recovery"], pause=pause)


async def pass_time(store: Store, milliseconds: int) -> None:
    """As if so much had passed since the limit was halved."""
    await store.redis.hincrby(STATE, "since", -milliseconds)


async def left(store: Store) -> list[Any]:
    """Who holds a turn, waits for one, or has asked for one."""
    names = [key("endpoint") for key in (keys.llm_leases, keys.llm_waiters, keys.llm_polls)]
    return [who for name in names for who in await store.redis.zrange(name, 0, -1)]


async def test_a_turn_that_is_given_back_goes_to_who_waits_longest(store: Store) -> None:
    assert await ask(store, "a") == 0
    assert [await ask(store, who) for who in "cbc"] == [100] * 3
    await give_back(store, "a")
    assert await ask(store, "b") == 100, "c asked first"
    assert await ask(store, "c") == 0
    await give_back(store, "c")
    assert await ask(store, "b") == 0
    await give_back(store, "b")
    assert await left(store) == []


async def test_who_waits_no_longer_is_in_nobodys_way(store: Store) -> None:
    assert await ask(store, "a") == 0
    assert [await ask(store, who) for who in "bc"] == [100] * 2
    await give_back(store, "b")
    assert b"b" not in await left(store)
    await give_back(store, "a")
    assert await ask(store, "c") == 0


async def test_who_has_a_turn_waits_for_none(store: Store) -> None:
    assert [await ask(store, who, limit=2) for who in "ab"] == [0, 0]
    assert await left(store) == [b"a", b"b"], "two leases, and nobody who waits"


async def test_who_does_not_ask_any_more_is_forgotten(store: Store) -> None:
    assert await ask(store, "a") == 0
    assert [await ask(store, who) for who in "bc"] == [100] * 2
    await give_back(store, "a")
    polls = keys.llm_polls("endpoint")
    asked = await store.redis.zscore(polls, "b")
    assert abs(float(asked or 0) / 1000 - await store.time()) < 60, "by the clock of Redis"
    await store.redis.zincrby(polls, -4_000, "b")
    assert await ask(store, "c") == 100, "b may ask again"
    await store.redis.zincrby(polls, -2_000, "b")
    assert await ask(store, "c") == 0
    assert b"b" not in await left(store)


async def test_a_turn_ends_with_its_lease(store: Store) -> None:
    before = await store.time() * 1000
    assert await ask(store, "a") == 0
    leases = keys.llm_leases("endpoint")
    until = float(await store.redis.zscore(leases, "a") or 0)
    assert before - 1 <= until - 60_000 <= await store.time() * 1000
    await store.redis.zincrby(leases, -30_000, "a")
    assert await ask(store, "b") == 100
    await store.redis.zincrby(leases, -31_000, "a")
    assert await ask(store, "b") == 0


async def test_calls_are_a_gap_apart(store: Store) -> None:
    far = {"limit": 3, "gap": 500_000}
    assert await ask(store, "a", **far) == 0
    assert 490_000 < await ask(store, "b", **far) <= 500_000
    assert 490_000 < await ask(store, "c", **far) <= 500_000
    await store.redis.hincrby(STATE, "next", -500_000)
    assert await ask(store, "c", **far) == 500_000, "b comes first, and then there is a gap"
    assert await ask(store, "b", **far) == 0
    assert 490_000 < await ask(store, "c", **far) <= 500_000


async def test_without_a_gap_nobody_waits_for_who_asked_before(store: Store) -> None:
    assert await ask(store, "a") == 0
    assert [await ask(store, who) for who in "bc"] == [100] * 2
    assert await ask(store, "c", limit=3) == 0
    assert await store.redis.zrange(keys.llm_leases("endpoint"), 0, -1) == [b"a", b"c"]
    await give_back(store, "a", "c")
    near = {"limit": 3, "gap": 1}
    assert await ask(store, "d", **near) == 1, "b asked first, and is a millisecond ahead"


async def test_a_refusal_halves_the_calls_and_time_gives_them_back(store: Store) -> None:
    assert await turns(store, 8) == 8
    await throttle(store)
    assert await turns(store, 8) == 4
    await throttle(store)
    assert await turns(store, 8) == 4, "one burst of refusals counts once"
    await pass_time(store, 29_000)
    assert await turns(store, 8) == 4
    await pass_time(store, 2_000)
    assert await turns(store, 8) == 5
    await throttle(store)
    assert await turns(store, 8) == 2, "half of what it had come to"
    await pass_time(store, 900_000)
    assert await turns(store, 8) == 8, "no more than the settings have"
    await throttle(store)
    assert await turns(store, 8) == 4


async def test_refusals_a_second_apart_halve_the_calls_down_to_one(store: Store) -> None:
    await throttle(store)
    since = float(await store.redis.hget(STATE, "since") or 0)
    assert abs(since / 1000 - await store.time()) < 60
    for calls in (2, 1, 1):
        await pass_time(store, 1_000)
        await throttle(store)
        assert await turns(store, 8) == calls


async def test_after_a_refusal_all_wait_for_as_long_as_was_asked(store: Store) -> None:
    await throttle(store, pause=400_000)
    await throttle(store, pause=100)  # a shorter one does not end the longer one
    assert 390_000 < await ask(store, "a") <= 400_000
    await store.redis.hincrby(STATE, "pause", -401_000)
    assert await ask(store, "a") == 0


async def test_what_nobody_asks_for_any_more_ends(store: Store) -> None:
    day, lifetime = 86_400, store.redis.ttl
    await throttle(store)
    assert day - 600 < await lifetime(STATE) <= day
    await store.redis.persist(STATE)
    assert await ask(store, "a") == 0
    assert await ask(store, "b") == 100
    for key in (keys.llm_limit, keys.llm_waiters, keys.llm_polls):
        assert day - 600 < await lifetime(key("endpoint")) <= day
    assert 110 < await lifetime(keys.llm_leases("endpoint")) <= 120


async def spent(store: Store, scope: str) -> int:
    return int(await store.redis.get(keys.llm_spent(scope)) or 0)


async def test_tokens_are_set_aside_of_all_budgets_or_of_none(store: Store) -> None:
    limits = [("review", 100), ("day", 250)]
    assert await store.usage.reserve(limits, 100) is None
    assert await store.usage.reserve(limits, 1) == 0, "the first that forbids it is named"
    assert await store.usage.reserve([("other", 200), ("day", 250)], 151) == 1
    assert await store.usage.reserve([("other", 200), ("day", 250)], 150) is None
    assert [await spent(store, name) for name in ("review", "other", "day")] == [100, 150, 250]
    lifetime = await store.redis.ttl(keys.llm_spent("day"))
    assert 2 * 86_400 - 600 < lifetime <= 2 * 86_400


@pytest.mark.parametrize("cost", [0.5, None])
async def test_what_was_used_counts_for_its_day_and_its_review(
    store: Store, cost: float | None
) -> None:
    review = await open_review(store)
    usage = Usage(calls=1, prompt_tokens=90, completion_tokens=10, cost=cost)
    for each in (usage, replace(usage, calls=2)):
        await store.usage.add(each, installation_id=7, review_id=review.id, now=0)
    await store.usage.add(usage, installation_id=7, review_id="gone", now=0)
    day = UsageTotal(300, 3 * (cost or 0))
    assert await store.usage.by_day(["1970-01-01"]) == {"1970-01-01": {7: day}}
    assert 3000 < await store.redis.ttl(keys.usage("1970-01-01")) <= 3600
    state = await state_of(store, review.id)
    assert (state.calls, state.tokens, state.cost) == (3, 200, cost and 2 * cost)
    assert not await store.redis.exists(keys.review("gone"))
