"""Processes end, in order or not, while reviews run; all reviews are done once."""

import asyncio
import random
import signal
import sys
import time
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.domain.model import State
from bot.store import ReviewSummary, connect
from tests.chaos.stage import ACCOUNTS, POLL_SECONDS, PROCESSES, ChaosStage, running
from tests.support.llm_server import Hang, Reply, Request, looking, review

FILES = {"a.go": "package a\n\nvar x = 1\n"}
SLOW_GIT = "GET /octo/repo.git/info/refs"
WORKERS = ("worker-1", "worker-2")


async def current(chaos: ChaosStage, number: int) -> ReviewSummary | None:
    """The newest review of a pull request of octo's; None before there is one."""
    pull = await chaos.store.pulls.get(chaos.repo("octo").id, number)
    return await chaos.store.reviews.summary(pull.current)


async def state(chaos: ChaosStage, number: int) -> State | None:
    review = await current(chaos, number)
    return review.state if review is not None else None


async def until_struck(chaos: ChaosStage, match: str, seconds: float) -> None:
    """Wait until a planned fault has struck."""
    async with asyncio.timeout(seconds):
        while not any(f.match == match and f.triggered for f in chaos.sandbox.faults.planned):
            await asyncio.sleep(POLL_SECONDS)


@pytest.mark.slow
async def test_a_stopping_worker_requeues_its_work_at_once(tmp_path: Path) -> None:
    """A dead worker would be missed after an hour only."""
    async with running(tmp_path, WORKER_LOST_SECONDS="3600", SHUTDOWN_SECONDS="3") as chaos:
        chaos.sandbox.faults.add(SLOW_GIT, "slow", delay=3600)
        number = await chaos.open_pull("octo", FILES)
        await until_struck(chaos, SLOW_GIT, 20)
        began = time.monotonic()
        for name in WORKERS:
            chaos.kill(name, signal.SIGTERM)
        await chaos.settle(60)
        assert await state(chaos, number) is State.COMPLETED
        assert chaos.wrong() == []
        assert time.monotonic() - began < 30


@pytest.mark.slow
async def test_a_review_whose_worker_was_killed_is_done_within_a_minute(tmp_path: Path) -> None:
    """With the settings that everybody has."""
    defaults = {"WORKER_LOST_SECONDS": "30", "SWEEP_SECONDS": "20", "REDELIVERY_SECONDS": "60"}
    async with running(tmp_path, **defaults) as chaos:
        chaos.sandbox.faults.add(SLOW_GIT, "slow", delay=3600)
        await chaos.open_pull("octo", FILES)
        await until_struck(chaos, SLOW_GIT, 20)
        began = time.monotonic()
        for name in WORKERS:
            chaos.kill(name)
        await chaos.settle(120)
        took = time.monotonic() - began
        print(f"taken up and done {took:.1f} s after its worker was killed")
        assert chaos.wrong() == []
        assert took < 60


@pytest.mark.slow
async def test_a_worker_that_is_killed_between_rounds_costs_no_answer_twice(tmp_path: Path) -> None:
    """The look-ups are done again, for they cost nothing; what was answered is kept in Redis."""
    read = {"operation": "read", "path": ".github/glossator.yml", "start": 1, "end": 9}
    async with running(tmp_path) as chaos:
        killed = asyncio.Event()

        def answer(request: Request) -> Reply:
            if "=== BEGIN looked up 1 ===" not in request.user:
                return looking(read)
            return review() if killed.is_set() else Hang()

        def asked() -> list[bool]:
            """Whether each reading that was asked for is the one after the look-up."""
            return ["=== BEGIN looked up 1 ===" in each.user for each in chaos.llm.requests]

        chaos.llm.default = answer
        number = await chaos.open_pull("octo", FILES)
        async with asyncio.timeout(30):
            while asked() != [False, True]:
                await asyncio.sleep(POLL_SECONDS)
        killed.set()
        for name in WORKERS:
            chaos.kill(name)
        await chaos.settle(60)
        assert asked() == [False, True, True]
        assert await state(chaos, number) is State.COMPLETED
        assert chaos.wrong() == []


@pytest.mark.slow
async def test_a_review_that_kills_every_worker_is_given_up(tmp_path: Path) -> None:
    async with running(tmp_path, WORKER_LOST_SECONDS="2") as chaos:
        for _ in range(20):
            chaos.sandbox.faults.add(SLOW_GIT, "slow", delay=3600)
        number = await chaos.open_pull("octo", FILES)
        deaths, triggered = 0, 0
        async with asyncio.timeout(240):
            while await state(chaos, number) is not State.FAILED:
                hanging = sum(fault.triggered for fault in chaos.sandbox.faults.planned)
                if hanging > triggered:
                    deaths, triggered = deaths + 1, hanging
                    for name in WORKERS:
                        chaos.kill(name)
                await asyncio.sleep(POLL_SECONDS)
        await chaos.settle(60)
        assert deaths == 4
        failed = await current(chaos, number)
        assert failed is not None
        assert failed.error.startswith("The worker crashed 4 times")
        [check_run] = chaos.repo("octo").check_runs.values()
        assert (check_run.status, check_run.conclusion) == ("completed", "neutral")


@pytest.mark.slow
async def test_a_rolling_restart_during_fifty_reviews_loses_and_repeats_nothing(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, WORKER_LOST_SECONDS="3600") as chaos:
        dice = random.Random(1)

        async def people() -> None:
            for number in range(50):
                name = f"f{number}.go"
                await chaos.open_pull(
                    dice.choice(ACCOUNTS), {name: f"package a\n\nvar x = {number}\n"}
                )
                await asyncio.sleep(0.2)

        async def restarts() -> int:
            done = 0
            while not opening.done():
                name = list(PROCESSES)[done % len(PROCESSES)]
                before = chaos.children[name].pid
                chaos.kill(name, signal.SIGTERM)
                async with asyncio.timeout(30):
                    while chaos.children[name].pid == before:
                        await asyncio.sleep(POLL_SECONDS)
                done += 1
            return done

        opening = asyncio.create_task(people())
        number = await restarts()
        await opening
        await chaos.settle(120)
        assert number >= len(PROCESSES), "each process was restarted at least once"
        assert chaos.wrong() == []
        assert await chaos.leftover_keys() == []
        print(f"50 reviews during {number} restarts in order: 0 lost, 0 doubled")


async def test_an_embedded_redis_ends_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    """Another on the same directory would write into the same file."""
    program = (
        "import asyncio, sys, pathlib\n"
        "from bot.cli.embedded_redis import embedded_redis\n"
        "async def main():\n"
        "    async with embedded_redis(pathlib.Path(sys.argv[1])) as url:\n"
        "        print(url, flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    url = (await parent.stdout.readline()).decode().strip()
    redis: Redis = connect(url)
    assert await redis.ping()
    parent.kill()
    await parent.wait()
    try:
        async with asyncio.timeout(10):
            while True:
                await redis.ping()
                await asyncio.sleep(POLL_SECONDS)
    except RedisError:
        pass  # as it should be
    finally:
        await redis.aclose()
