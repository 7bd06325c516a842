"""While everything breaks: no review is lost, none is posted twice, none is stuck."""

import asyncio
import os
import random
from pathlib import Path

import pytest

from tests.chaos.arena import Arena, running
from tests.chaos.harm import Plan, harm, people

SEED = int(os.environ.get("SEED", "1"))


async def survive(arena: Arena, plan: Plan, seed: int, seconds: float) -> None:
    dice = random.Random(seed)
    over = asyncio.Event()
    harming = asyncio.create_task(harm(arena, plan, random.Random(dice.random()), over))
    await people(arena, plan, random.Random(dice.random()))
    over.set()
    await harming
    await arena.settle(seconds)
    assert arena.wrong() == []
    assert await arena.dead_letters() == []
    assert await arena.leftover_keys() == []
    assert arena.kills >= plan.kills
    assert arena.redis_restarts >= plan.redis_restarts


async def test_nothing_is_lost_or_doubled_in_a_short_chaos(tmp_path: Path) -> None:
    async with running(tmp_path) as arena:
        plan = Plan(reviews=8, kills=2, redis_restarts=1, gap_seconds=0.5)
        await survive(arena, plan, SEED, seconds=120)


@pytest.mark.slow
async def test_nothing_is_lost_or_doubled_in_a_long_chaos(tmp_path: Path) -> None:
    async with running(tmp_path) as arena:
        plan = Plan(reviews=200, kills=20, redis_restarts=3, gap_seconds=1.0)
        await survive(arena, plan, SEED, seconds=600)
        number = sum(len(arena.repo(name).pulls) for name in ("octo", "ada", "grace", "linus"))
        print(
            f"seed {SEED}: {plan.reviews} reviews asked for on {number} pull requests, "
            f"{arena.kills} kills, {arena.redis_restarts} Redis restarts, "
            f"{sum(f.struck for f in arena.sandbox.faults.planned)} faults: "
            "0 lost, 0 doubled, 0 stuck"
        )
