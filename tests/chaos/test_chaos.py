"""While everything breaks: no review is lost, none is posted twice, none is stuck."""

import asyncio
import os
import random
from pathlib import Path

import pytest

from tests.chaos.fault_injection import Plan, harm, people
from tests.chaos.stage import ChaosStage, running

SEED = int(os.environ.get("SEED", "1"))


async def survive(chaos: ChaosStage, plan: Plan, seed: int, seconds: float) -> None:
    dice = random.Random(seed)
    over = asyncio.Event()
    harming = asyncio.create_task(harm(chaos, plan, random.Random(dice.random()), over))
    await people(chaos, plan, random.Random(dice.random()))
    over.set()
    await harming
    await chaos.settle(seconds)
    assert chaos.wrong() == []
    assert await chaos.dead_letters() == []
    assert await chaos.leftover_keys() == []
    assert chaos.kills >= plan.kills
    assert chaos.redis_restarts >= plan.redis_restarts


async def test_nothing_is_lost_or_doubled_in_a_short_chaos(tmp_path: Path) -> None:
    async with running(tmp_path) as chaos:
        plan = Plan(reviews=8, kills=2, redis_restarts=1, gap_seconds=0.5)
        await survive(chaos, plan, SEED, seconds=120)


@pytest.mark.slow
async def test_nothing_is_lost_or_doubled_in_a_long_chaos(tmp_path: Path) -> None:
    async with running(tmp_path) as chaos:
        plan = Plan(reviews=200, kills=20, redis_restarts=3, gap_seconds=1.0)
        await survive(chaos, plan, SEED, seconds=600)
        number = sum(len(chaos.repo(name).pulls) for name in ("octo", "ada", "grace", "linus"))
        print(
            f"seed {SEED}: {plan.reviews} reviews asked for on {number} pull requests, "
            f"{chaos.kills} kills, {chaos.redis_restarts} Redis restarts, "
            f"{sum(f.triggered for f in chaos.sandbox.faults.planned)} faults: "
            "0 lost, 0 doubled, 0 stuck"
        )
