"""Many deliveries at once: each counts once, and nobody has to wait for somebody else's storm."""

import asyncio
import os
import random
import time
from pathlib import Path

import pytest

from tests.chaos.stage import ChaosStage, running


def files(number: int) -> dict[str, str]:
    return {f"file_{number}.go": f"package a\n\nvar x = {number}\n"}


async def repeated(chaos: ChaosStage, deliveries: int, repeats: int) -> None:
    """Deliver each so many times, in random order and many at once, and count the reviews."""
    url, chaos.sandbox.webhook_url = chaos.sandbox.webhook_url, ""
    for number in range(deliveries):
        await chaos.open_pull("octo", files(number))
    chaos.sandbox.webhook_url = url
    attempts = [attempt.id for attempt in chaos.sandbox.state.deliveries] * repeats
    random.Random(1).shuffle(attempts)
    slots = asyncio.Semaphore(20)

    async def deliver(attempt: int) -> int:
        async with slots:
            return (await chaos.sandbox.redeliver(attempt)).status_code

    codes = await asyncio.gather(*map(deliver, attempts))
    assert sorted(set(codes)) == [200, 202]
    assert codes.count(202) == deliveries
    await chaos.settle(60 + 4 * deliveries)
    assert chaos.wrong() == []
    assert len(chaos.repo("octo").reviews) == deliveries


@pytest.mark.slow
async def test_a_thousand_redeliveries_of_a_hundred_deliveries_are_a_hundred_reviews(
    tmp_path: Path,
) -> None:
    # GitHub is not asked for failed deliveries meanwhile: it would count as one more repeat.
    async with running(tmp_path, REDELIVERY_SECONDS="3600") as chaos:
        await repeated(chaos, 100, 10)
        print("1,000 redeliveries of 100 deliveries: 100 reviews")


async def five(chaos: ChaosStage, account: str) -> float:
    """Seconds that five pull requests take from the first delivery to the last review."""
    began = time.monotonic()
    expected_reviews = len(chaos.repo(account).reviews) + 5
    for number in range(5):
        await chaos.open_pull(account, files(number))
    async with asyncio.timeout(300):
        while len(chaos.repo(account).reviews) < expected_reviews:
            await asyncio.sleep(0.05)
    return time.monotonic() - began


@pytest.mark.slow
async def test_a_storm_of_one_installation_does_not_hold_up_another(tmp_path: Path) -> None:
    storm = int(os.environ.get("STORM", "300"))
    async with running(tmp_path, REDELIVERY_SECONDS="3600") as chaos:
        await five(chaos, "ada")  # everything is warm now
        idle = await five(chaos, "ada")
        url, chaos.sandbox.webhook_url = chaos.sandbox.webhook_url, ""
        before = len(chaos.sandbox.state.deliveries)
        for number in range(storm):
            await chaos.open_pull("octo", files(number))
        chaos.sandbox.webhook_url = url
        burst = [attempt.id for attempt in chaos.sandbox.state.deliveries[before:]]
        began = time.monotonic()
        await asyncio.gather(*map(chaos.sandbox.redeliver, burst))
        accepted = time.monotonic() - began
        done = len(chaos.repo("octo").reviews)
        busy = await five(chaos, "ada")
        waiting = storm - len(chaos.repo("octo").reviews)
        print(
            f"five reviews: {idle:.1f} s idle, {busy:.1f} s in a storm of {storm} (accepted in "
            f"{accepted:.1f} s) "
            f"({done} of them done before, {waiting} still waiting after): {busy / idle:.2f} times"
        )
        assert waiting > 0, "the storm was over too early to tell"
        assert busy < 2 * idle
        await chaos.settle(60 + 3 * storm)
        assert chaos.wrong() == []
