"""Turns at the LLM over all processes."""

import asyncio

from redis.asyncio import Redis

from workers.analysis.pacing import RedisPacing


async def test_a_turn_that_ends_wakes_who_waits_in_the_same_process(redis: "Redis") -> None:
    asleep = asyncio.Event()

    async def for_ever(seconds: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    pacing = RedisPacing(
        redis, "endpoint", concurrency=1, gap_ms=0, lease_seconds=60, sleep=for_ever
    )
    order: list[str] = []

    async def second() -> None:
        async with pacing.slot():
            order.append("second")

    async with pacing.slot():
        waiting = asyncio.create_task(second())
        await asleep.wait()
        order.append("first")
    async with asyncio.timeout(20):  # by its sleep alone it would wait for ever
        await waiting
    assert order == ["first", "second"]
