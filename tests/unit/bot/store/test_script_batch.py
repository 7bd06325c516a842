"""Calls that share round trips: each gets its own answer, and none is left waiting."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from redis.commands.core import AsyncScript

from bot.store.script_batch import MAX_BATCH, MAX_IN_FLIGHT, ScriptBatcher


class Doubling:
    """A script that answers each number with its double, when it is let."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.groups: list[Sequence[int]] = []

    async def __call__(self, args: Sequence[int]) -> list[int]:
        self.groups.append(args[1:])
        await self.may.wait()
        if 13 in args[1:]:
            raise ConnectionError
        return [2 * arg for arg in args[1:]]


def batcher(script: Doubling) -> ScriptBatcher:
    return ScriptBatcher(cast(AsyncScript, script), ["shared"])


async def test_calls_that_come_while_others_are_under_way_go_together() -> None:
    script = Doubling()
    shared = batcher(script)
    calls = []
    for number in range(MAX_IN_FLIGHT):
        calls.append(asyncio.create_task(shared.call([number])))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    calls += [
        asyncio.create_task(shared.call([number])) for number in range(20, 20 + MAX_BATCH + 5)
    ]
    await asyncio.sleep(0)
    script.may.set()
    assert [await call for call in calls] == [
        *(2 * n for n in range(MAX_IN_FLIGHT)),
        *(2 * n for n in range(20, 20 + MAX_BATCH + 5)),
    ]
    assert [len(group) for group in script.groups] == [1] * MAX_IN_FLIGHT + [MAX_BATCH, 5]


async def test_a_call_made_as_all_senders_end_is_sent() -> None:
    script = Doubling()
    shared = batcher(script)

    async def twice(number: int) -> Any:
        return await shared.call([await shared.call([number])])

    first = asyncio.create_task(twice(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = []
    for number in range(2, MAX_IN_FLIGHT + 1):
        others.append(asyncio.create_task(shared.call([number])))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    script.may.set()
    async with asyncio.timeout(10):
        assert await first == 4
        await asyncio.gather(*others)


async def test_all_that_went_together_fail_together_and_the_next_does_not() -> None:
    script = Doubling()
    shared = batcher(script)
    script.may.set()
    results = await asyncio.gather(*(shared.call([n]) for n in (12, 13)), return_exceptions=True)
    assert all(isinstance(result, ConnectionError) for result in results)
    with pytest.raises(ConnectionError):
        await shared.call([13])
    assert await shared.call([14]) == 28
