"""A suppression covers the one finding that people dismissed, shows who made it, and ends."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.flows.conversation import bot_comments
from tests.flows.environment import REPO, World, running
from tests.support.secret_shapes import aws_key_id

BEFORE = {"conf.py": "region = 'eu'\n"}
FIRST, OTHER = aws_key_id("first"), aws_key_id("other")


@pytest.fixture
async def world(redis_url: str, redis: "Redis", tmp_path: Path) -> AsyncIterator[World]:
    """The App with the analyzer of secrets, and a check that fails from high on."""
    async with running(
        redis_url, redis, tmp_path, analyzers_disabled=("data",), fail_on="high"
    ) as world:
        yield world


async def opened(world: World, text: str) -> tuple[int, str | None]:
    """A pull request that adds the text to conf.py, and the conclusion of its check run."""
    number = await world.open_pull(BEFORE, {"conf.py": BEFORE["conf.py"] + text})
    await world.settle()
    return number, world.check_runs[-1].conclusion


async def test_a_dismissed_secret_hides_no_other_in_its_place(world: World) -> None:
    number, conclusion = await opened(world, f'aws_key = "{FIRST}"\n')
    assert conclusion == "failure"
    [comment] = world.inline_comments
    await world.sandbox.reply_in_thread(REPO, comment.id, "/review dismiss the test account's")
    await world.settle()

    # That secret is dismissed, in the whole repository; the report says by whom.
    _, conclusion = await opened(world, f'aws_key = "{FIRST}"\n')
    assert conclusion == "success"
    report = await world.store.stage_data.report(world.check_runs[-1].external_id)
    assert report is not None
    assert "by octocat on 2" in report.rejected[0].detail
    assert "the test account's" in report.rejected[0].detail

    # Another one is not, whether alone or among other lines.
    for text in (f'aws_key = "{OTHER}"\n', f'import os\n\naws_key = "{OTHER}"\nlimit = 3\n'):
        _, conclusion = await opened(world, text)
        assert conclusion == "failure"
    await world.sandbox.comment(REPO, number, "/review help")
    await world.settle()
    listed = bot_comments(world)[-1]
    assert "the test account's" in listed
    assert "this secret only" in listed


async def test_a_suppression_without_use_ends(world: World) -> None:
    await opened(world, f'aws_key = "{FIRST}"\n')
    [comment] = world.inline_comments
    await world.sandbox.reply_in_thread(REPO, comment.id, "/review dismiss the test account's")
    await world.settle()
    where = world.store.suppressions
    [made] = await where.all(world.repository.id, 180)
    assert (made.suppressed_by, made.used_at) == ("octocat", 0.0)
    assert abs(made.suppressed_at - world.store.now()) < 120

    long_ago = replace(made, suppressed_at=made.suppressed_at - 179 * 86_400)
    await where.suppress(world.repository.id, long_ago)
    _, conclusion = await opened(world, f'aws_key = "{FIRST}"\n')
    assert conclusion == "success"
    [used] = await where.all(world.repository.id, 180)
    assert used.used_at > made.suppressed_at

    unused = replace(made, suppressed_at=made.suppressed_at - 181 * 86_400)
    await where.suppress(world.repository.id, unused)
    _, conclusion = await opened(world, f'aws_key = "{FIRST}"\n')
    assert conclusion == "failure"
    assert await where.all(world.repository.id, 180) == ()
