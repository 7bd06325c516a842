"""Turns at the LLM: over all processes that share a Redis, and in one process without it."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis

from bot.config.settings import Settings
from bot.runtime.tasks import stop
from bot.store import Store, connect, keys
from tests.support.llm_server import LLMServer, Status, Text
from workers.analysis.llm import pacing as module
from workers.analysis.llm.client import LLM
from workers.analysis.llm.pacing import LocalPacing, Pacing, RedisPacing

Make = Callable[..., tuple[LLM, Settings]]


def shared(redis: "Redis", *, concurrency: int = 2, gap_ms: int = 0, lease: float = 60) -> Pacing:
    return RedisPacing(
        Store(redis, keep_seconds=60).llm,
        "endpoint",
        concurrency=concurrency,
        gap_ms=gap_ms,
        lease_seconds=lease,
    )


async def ask(llm: LLM, user: str) -> None:
    await llm.ask("You help.", user, None, purpose="test")


async def free_turns(redis: "Redis", concurrency: int) -> int:
    """How many turns can be had at once, before one has to wait."""
    waits = asyncio.Event()

    async def for_ever(seconds: float) -> None:
        waits.set()
        await asyncio.Event().wait()

    pacing = RedisPacing(
        Store(redis, keep_seconds=60).llm,
        "endpoint",
        concurrency=concurrency,
        gap_ms=0,
        lease_seconds=60,
        sleep=for_ever,
    )
    async with AsyncExitStack() as turns:
        for number in range(concurrency):
            turn = asyncio.ensure_future(turns.enter_async_context(pacing.slot()))
            waiting = asyncio.ensure_future(waits.wait())
            await asyncio.wait({turn, waiting}, return_when=asyncio.FIRST_COMPLETED)
            busy = not turn.done()
            await stop(turn, waiting)
            if busy:
                return number
            turn.result()
    return concurrency


async def test_a_turn_that_ends_wakes_who_waits_in_the_same_process(redis: "Redis") -> None:
    asleep = asyncio.Event()

    async def for_ever(seconds: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    pacing = RedisPacing(
        Store(redis, keep_seconds=60).llm,
        "endpoint",
        concurrency=1,
        gap_ms=0,
        lease_seconds=60,
        sleep=for_ever,
    )
    order: list[str] = []

    async def second() -> None:
        async with pacing.slot():
            order.append("second")

    async with pacing.slot():
        waiting = asyncio.create_task(second())
        async with asyncio.timeout(20):
            await asleep.wait()
        order.append("first")
    async with asyncio.timeout(20):  # by its sleep alone it would wait for ever
        await waiting
    assert order == ["first", "second"]


async def test_concurrency_holds_over_two_processes(
    server: LLMServer, make_llm: Make, redis: "Redis", redis_url: str
) -> None:
    other = connect(redis_url)
    llms = [make_llm(each, llm_concurrency=2)[0] for each in (redis, other)]
    server.default, server.latency = Text("yes"), 0.05

    await asyncio.gather(*(ask(llms[n % 2], f"question {n}") for n in range(10)))
    await other.aclose()

    assert server.most == 2
    assert len(server.requests) == 10


async def test_the_gap_holds_over_two_processes(
    server: LLMServer, make_llm: Make, redis: "Redis", redis_url: str
) -> None:
    other = connect(redis_url)
    llms = [make_llm(each, llm_gap_ms=100)[0] for each in (redis, other)]
    server.default = Text("yes")

    began = time.monotonic()
    await asyncio.gather(*(ask(llms[n % 2], f"question {n}") for n in range(6)))
    await other.aclose()

    assert time.monotonic() - began >= 0.5 - 0.01  # five gaps; Redis counts whole milliseconds


async def test_two_endpoints_do_not_wait_for_each_other(redis: "Redis") -> None:
    one, two = (
        RedisPacing(
            Store(redis, keep_seconds=60).llm, name, concurrency=1, gap_ms=0, lease_seconds=60
        )
        for name in "ab"
    )
    async with asyncio.timeout(20), one.slot(), two.slot():
        pass


async def test_the_turn_of_a_holder_that_crashed_ends_with_its_lease(redis: "Redis") -> None:
    crashed = shared(redis, concurrency=1, lease=30).slot()
    await crashed.__aenter__()  # and never ends
    assert await free_turns(redis, 1) == 0

    [holder] = await redis.zrange(keys.llm_leases("endpoint"), 0, -1)
    assert isinstance(holder, bytes)
    until = await redis.zscore(keys.llm_leases("endpoint"), holder)
    seconds, _ = await redis.time()
    assert until is not None
    assert 0 < float(until) / 1000 - seconds <= 31
    await redis.zincrby(keys.llm_leases("endpoint"), -30_000, holder)  # half a minute later
    assert await free_turns(redis, 1) == 1
    await crashed.__aexit__(None, None, None)


async def test_who_waits_gets_the_turn_of_one_that_crashed(redis: "Redis") -> None:
    crashed = shared(redis, concurrency=1, lease=0.3).slot()
    await crashed.__aenter__()
    async with asyncio.timeout(20), shared(redis, concurrency=1).slot():
        pass
    await crashed.__aexit__(None, None, None)


async def test_a_waiter_that_gave_up_does_not_block_others(redis: "Redis") -> None:
    pacing = shared(redis, concurrency=1)
    async with pacing.slot():
        waiting = asyncio.create_task(pacing.slot().__aenter__())
        while not await redis.zcard(keys.llm_waiters("endpoint")):
            await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await redis.zcard(keys.llm_waiters("endpoint")) == 0
    async with asyncio.timeout(20), pacing.slot():
        pass


async def test_what_is_kept_of_an_endpoint_ends_when_nobody_asks_it_any_more(
    redis: "Redis",
) -> None:
    day = 86_400
    pacing = shared(redis, concurrency=1, lease=30)
    await pacing.throttled(0)
    assert day - 600 < await redis.ttl(keys.llm_limit("endpoint")) <= day
    await redis.persist(keys.llm_limit("endpoint"))
    async with pacing.slot():
        waiting = asyncio.create_task(pacing.slot().__aenter__())
        while not await redis.zcard(keys.llm_waiters("endpoint")):
            await asyncio.sleep(0.01)
        for key in (keys.llm_limit, keys.llm_waiters, keys.llm_polls):
            assert day - 600 < await redis.ttl(key("endpoint")) <= day
        assert 30 < await redis.ttl(keys.llm_leases("endpoint")) <= 90
        await stop(waiting)


async def test_a_crashed_waiter_is_removed(redis: "Redis", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EXPIRY", 0.3)
    await redis.zadd(keys.llm_waiters("endpoint"), {"crashed": 0})
    await redis.zadd(keys.llm_polls("endpoint"), {"crashed": time.time() * 1000})
    async with asyncio.timeout(20), shared(redis, concurrency=1).slot():
        pass
    assert await redis.zrange(keys.llm_waiters("endpoint"), 0, -1) == []


async def test_turns_come_in_the_order_in_which_they_were_asked_for(redis: "Redis") -> None:
    pacing = shared(redis, concurrency=1)
    order: list[int] = []

    async def one(number: int) -> None:
        async with pacing.slot():
            order.append(number)

    async with pacing.slot():
        waiting = []
        for number in range(5):
            waiting.append(asyncio.create_task(one(number)))
            while await redis.zcard(keys.llm_waiters("endpoint")) <= number:
                await asyncio.sleep(0.01)
    async with asyncio.timeout(20):
        await asyncio.gather(*waiting)
    assert order == [0, 1, 2, 3, 4]


async def test_429_halves_the_turns_of_all_and_time_gives_them_back(
    redis: "Redis", redis_url: str
) -> None:
    other = connect(redis_url)
    pacing = shared(redis, concurrency=8)
    assert await free_turns(other, 8) == 8

    await pacing.throttled(0)
    await pacing.throttled(0)  # of the same burst: counts once
    assert await free_turns(other, 8) == 4

    # As if one and a half times the recovery had passed.
    state = keys.llm_limit("endpoint")
    await redis.hincrby(state, "since", int(-1.5 * module.RECOVERY * 1000))
    assert await free_turns(other, 8) == 5
    await redis.hincrby(state, "since", int(-10 * module.RECOVERY * 1000))
    assert await free_turns(other, 8) == 8
    await other.aclose()


async def test_429_again_and_again_leaves_one_turn(redis: "Redis") -> None:
    pacing = shared(redis, concurrency=4)
    for _ in range(5):
        await pacing.throttled(0)
        await redis.hincrby(keys.llm_limit("endpoint"), "since", -1000)
    assert await free_turns(redis, 4) == 1


async def test_after_429_no_call_is_made_for_as_long_as_the_server_asked(redis: "Redis") -> None:
    pacing = shared(redis)
    await pacing.throttled(0.4)
    await pacing.throttled(0.1)  # a shorter one does not end the longer one
    began = time.monotonic()
    async with asyncio.timeout(20), pacing.slot():
        assert time.monotonic() - began >= 0.35


async def test_a_429_of_one_process_slows_the_other(
    server: LLMServer, make_llm: Make, redis: "Redis", redis_url: str
) -> None:
    other = connect(redis_url)
    llms = [make_llm(each, llm_concurrency=4)[0] for each in (redis, other)]
    server.default, server.latency = Text("yes"), 0.05
    server.script(Status(429, retry_after="0"))

    await ask(llms[0], "the first")
    server.most = 0
    await asyncio.gather(*(ask(llms[1], f"question {n}") for n in range(8)))
    await other.aclose()

    assert server.most == 2


class Clock:
    """A time that passes when somebody sleeps, for pacing in one process."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def local(clock: Clock, *, concurrency: int = 4, gap_ms: int = 0) -> LocalPacing:
    return LocalPacing(concurrency=concurrency, gap_ms=gap_ms, sleep=clock.sleep, clock=clock)


async def test_in_one_process_turns_and_gaps_are_kept_too() -> None:
    clock = Clock()
    pacing = local(clock, concurrency=2, gap_ms=500)
    began: list[float] = []
    active = most = 0

    async def one() -> None:
        nonlocal active, most
        async with pacing.slot():
            began.append(clock())
            active += 1
            most = max(most, active)
            for _ in range(5):
                await asyncio.sleep(0)
            active -= 1

    await asyncio.gather(*(one() for _ in range(6)))
    assert began == [100.0, 100.5, 101.0, 101.5, 102.0, 102.5]
    assert most <= 2


async def test_in_one_process_429_halves_pauses_and_heals() -> None:
    clock = Clock()
    pacing = local(clock)
    await pacing.throttled(7)
    await pacing.throttled(0)
    assert pacing.limit() == 2
    async with pacing.slot():
        assert clock() == 107
    clock.now = 100 + module.RECOVERY
    assert pacing.limit() == 3
    clock.now += 100 * module.RECOVERY
    assert pacing.limit() == 4
