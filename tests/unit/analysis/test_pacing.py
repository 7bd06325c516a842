"""Concurrency, gap and slowing down: over all workers that share a Redis, and in one process."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from time import monotonic

import pytest
from redis.asyncio import Redis

from bot.tasks import stop
from workers.analysis.pacing import RECOVERY, LocalPacing, Pacing, RedisPacing

Workers = Callable[..., list[Pacing]]


@pytest.fixture(params=["redis", "local"])
def workers(request: pytest.FixtureRequest, redis: "Redis") -> Workers:
    """Two workers: two clients of one Redis, or two users of one process's pacing."""

    def make(concurrency: int = 2, gap_ms: int = 0) -> list[Pacing]:
        if request.param == "local":
            return [LocalPacing(concurrency=concurrency, gap_ms=gap_ms)] * 2
        return [shared(redis, concurrency=concurrency, gap_ms=gap_ms) for _ in range(2)]

    return make


def shared(
    redis: "Redis", concurrency: int = 2, gap_ms: int = 0, lease_seconds: float = 60
) -> RedisPacing:
    return RedisPacing(
        redis, "endpoint", concurrency=concurrency, gap_ms=gap_ms, lease_seconds=lease_seconds
    )


class Calls:
    """Calls that take a little while, and what was seen of them."""

    def __init__(self) -> None:
        self.active = self.most = 0
        self.started: list[float] = []

    async def call(self, pacing: Pacing) -> None:
        async with pacing.slot():
            self.started.append(monotonic())
            self.active += 1
            self.most = max(self.most, self.active)
            await asyncio.sleep(0.01)
            self.active -= 1


async def test_no_more_calls_than_allowed_are_in_flight_over_all_workers(workers: Workers) -> None:
    calls = Calls()
    async with asyncio.timeout(20):
        await asyncio.gather(*(calls.call(each) for each in workers(concurrency=2) * 5))

    assert len(calls.started) == 10
    assert calls.most == 2


async def test_calls_keep_their_distance_over_all_workers(workers: Workers) -> None:
    calls = Calls()
    async with asyncio.timeout(20):
        await asyncio.gather(*(calls.call(each) for each in workers(4, gap_ms=50) * 2))

    assert all(later - earlier >= 0.045 for earlier, later in pairwise(calls.started))


async def test_after_a_429_nobody_calls_for_as_long_as_was_asked(workers: Workers) -> None:
    one, other = workers()
    calls = Calls()
    before = monotonic()
    await one.throttled(0.2)
    async with asyncio.timeout(20):
        await calls.call(other)

    assert calls.started[0] - before >= 0.19


async def test_a_burst_of_429_halves_the_limit_once(workers: Workers) -> None:
    pair = workers(concurrency=4)
    await asyncio.gather(*(each.throttled(0) for each in pair * 3))
    calls = Calls()
    async with asyncio.timeout(20):
        await asyncio.gather(*(calls.call(each) for each in pair * 4))

    assert calls.most == 2


async def test_a_turn_is_given_back_by_a_call_that_fails_or_is_cancelled(workers: Workers) -> None:
    one, other = workers(concurrency=1)
    with pytest.raises(ZeroDivisionError):
        async with one.slot():
            raise ZeroDivisionError
    async with one.slot():
        waiting = asyncio.create_task(Calls().call(other))
        await asyncio.sleep(0)
        await stop(waiting)
        assert waiting.cancelled()
    async with asyncio.timeout(20), other.slot():
        pass


async def test_the_turn_of_a_crashed_worker_comes_back_when_its_lease_ends(redis: "Redis") -> None:
    crashed = shared(redis, concurrency=1, lease_seconds=0.2)
    # A crash gives nothing back: the turn is taken and never left.
    await crashed.slot().__aenter__()

    async with asyncio.timeout(20), shared(redis, concurrency=1).slot():
        pass


async def test_who_came_first_is_served_first(workers: Workers) -> None:
    pair = workers(concurrency=1)
    served: list[int] = []

    async def call(number: int) -> None:
        async with pair[number % 2].slot():
            served.append(number)

    async with asyncio.timeout(20), asyncio.TaskGroup() as group, pair[0].slot():
        for number in range(5):
            group.create_task(call(number))
            await asyncio.sleep(0.02)

    assert served == [0, 1, 2, 3, 4]


async def test_a_halved_limit_heals_with_time() -> None:
    now = 100.0
    pacing = LocalPacing(concurrency=8, gap_ms=0, clock=lambda: now)
    await pacing.throttled(0)
    limits = [pacing.limit()]
    for _ in range(5):
        now += RECOVERY
        limits.append(pacing.limit())

    assert limits == [4, 5, 6, 7, 8, 8]
