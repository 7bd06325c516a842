"""An installation's reviews of a day: who comes too late is told so, and when to come back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.domain.model import State
from bot.store import keys
from tests.flows.conversation import bot_comments, pushed
from tests.flows.environment import REPO, World, running
from tests.support.llm_server import LLMServer
from workers.events.commands.review import REVIEW_QUEUED

BEFORE = {"app.py": "x = 1\n"}
AFTER = {"app.py": "import subprocess\nsubprocess.call(input(), shell=True)\n"}
SPENT = (
    "Daily limit of 2 reviews reached (INSTALLATION_DAILY_REVIEWS). "
    "After 00:00 UTC, press **Review again** or comment `/review`."
)


@pytest.fixture
async def world(redis_url: str, redis: "Redis", tmp_path: Path) -> AsyncIterator[World]:
    """The App with two reviews a day."""
    async with running(redis_url, redis, tmp_path, installation_daily_reviews=2) as world:
        yield world


async def test_exceeding_the_quota_is_reported_on_the_check_run(world: World) -> None:
    for _ in range(3):
        await world.open_pull(BEFORE, AFTER)
        await world.settle()
    assert len(world.reviews) == 2
    ends = [(run.status, run.conclusion) for run in world.check_runs]
    assert ends[2] == ("completed", "skipped")
    assert (world.check_runs[2].output["summary"] or "").strip() == SPENT
    assert world.conversation == []


@pytest.mark.slow
async def test_no_command_gets_more_than_the_quota_and_a_new_day_does(world: World) -> None:
    for _ in range(2):
        await world.open_pull(BEFORE, AFTER)
    await world.settle()
    await world.sandbox.comment(REPO, 1, "/review")
    await world.settle()
    [answer] = world.conversation[1:]
    assert SPENT in answer.body
    assert len(world.reviews) == 2

    await pushed(world, 1, {"app.py": "import os\n"})
    await world.settle()
    skipped = world.check_runs[-1]
    assert skipped.conclusion == "skipped"
    await world.store.redis.delete(*await world.store.redis.keys(f"{keys.PREFIX}quota:*"))
    await world.sandbox.rerun(skipped.id)
    await world.settle()
    assert (await world.progress(1)).state is State.COMPLETED
    assert len(world.reviews) == 3


@pytest.mark.slow
async def test_a_delivery_that_comes_again_costs_nothing_and_refuses_nothing(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER)
    await world.settle()
    await world.sandbox.label(REPO, number, "no-review")
    await world.sandbox.unlabel(REPO, number, "no-review")  # asks for the same head again
    await world.settle()
    await world.open_pull(BEFORE, AFTER)
    await world.settle()
    await world.sandbox.label(REPO, number, "no-review")
    await world.sandbox.unlabel(REPO, number, "no-review")
    await world.settle()
    assert len(world.reviews) == 2
    assert [run.conclusion for run in world.check_runs].count("skipped") == 0


async def test_a_request_that_waited_in_vain_returns_its_quota(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> None:
    more = {"installation_daily_reviews": 2, **llm.settings}
    async with running(redis_url, redis, tmp_path, **more) as world:
        llm.answering.clear()
        number = await world.open_pull(BEFORE, AFTER)
        await llm.until(lambda: llm.active == 1)
        await world.sandbox.comment(REPO, number, "/review performance")

        async def is_answered() -> bool:
            return bot_comments(world) == [REVIEW_QUEUED]

        await world.until_true(is_answered)
        world.repository.pulls[number].state = "closed"  # and its delivery is late
        llm.answering.set()
        await world.settle()
        assert bot_comments(world) == [REVIEW_QUEUED, "The pull request is closed."]
        await world.open_pull(BEFORE, AFTER)
        await world.settle()
        assert len(world.reviews) == 2


@pytest.mark.slow
async def test_each_installation_has_its_own(world: World) -> None:
    granted = [await world.store.reviews.consume_quota(1, f"r{n}", 2) for n in (1, 2, 1, 3)]
    assert granted == [True, True, True, False]
    assert await world.store.reviews.consume_quota(2, "r3", 2)
    await world.store.reviews.refund_quota(1, "r1")
    assert await world.store.reviews.consume_quota(1, "r3", 2)
