"""What people without write access may have reviewed, and what that leaves to others."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.domain.model import State
from tests.flows.conversation import pushed
from tests.flows.environment import REPO, World, running
from tests.support.llm_server import LLMServer

BEFORE = {"app.py": "x = 1\n"}
AFTER = {"app.py": "import subprocess\nsubprocess.call(input(), shell=True)\n"}


@pytest.fixture
async def llm() -> AsyncIterator[LLMServer]:
    async with LLMServer() as server:
        yield server


@pytest.fixture
async def world(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> AsyncIterator[World]:
    """The App with two reviews an hour for a stranger, and tokens for no question."""
    async with running(
        redis_url,
        redis,
        tmp_path,
        outsider_hourly_reviews=2,
        llm_outsider_budget=5_000,
        **llm.settings,
    ) as world:
        world.sandbox.set_permission(REPO, "eve", "read")
        yield world


async def test_a_stranger_who_pushes_again_and_again_is_reviewed_so_often_an_hour(
    world: World,
) -> None:
    number = await world.open_pull(BEFORE, AFTER, from_fork=True, author="eve")
    await world.settle()
    for value in range(4):
        await pushed(world, number, {"app.py": f"x = {value + 2}\n"})
        await world.settle()
    ended = [run.conclusion for run in world.check_runs]
    assert ended.count("skipped") == 3
    assert "OUTSIDER_HOURLY_REVIEWS" in (world.check_runs[-1].output["summary"] or "")

    # Whoever may write has it reviewed all the same, and their own pull requests are.
    await world.sandbox.comment(REPO, number, "/review")
    await world.settle()
    assert (await world.progress(number)).state is State.COMPLETED
    own = await world.open_pull(BEFORE, AFTER)
    await world.settle()
    assert (await world.progress(own)).state is State.COMPLETED


async def test_strangers_use_up_their_own_share_of_the_budget_alone(
    world: World, llm: LLMServer
) -> None:
    await world.open_pull(BEFORE, {"app.py": "x = 7\n"}, from_fork=True, author="eve")
    await world.settle()
    report = await world.store.stage_data.report(world.check_runs[-1].external_id)
    assert report is not None
    assert any("LLM_OUTSIDER_BUDGET" in skipped.detail for skipped in report.skipped)
    asked = len(llm.requests)
    await world.open_pull(BEFORE, {"app.py": "y = 5\n"})
    await world.settle()
    report = await world.store.stage_data.report(world.check_runs[-1].external_id)
    assert report is not None
    assert report.skipped == ()
    assert len(llm.requests) > asked


async def test_a_writer_who_works_in_a_fork_is_no_stranger(world: World) -> None:
    world.sandbox.set_permission(REPO, "ada", "write")
    for value in range(3):
        await world.open_pull(BEFORE, {"app.py": f"z = {value}\n"}, from_fork=True, author="ada")
        await world.settle()
    assert "skipped" not in [run.conclusion for run in world.check_runs]
