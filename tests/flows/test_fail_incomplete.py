"""A required check of a repository that wants no merge unread: what was not finished fails it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.flows.environment import REPO, World, running
from tests.support.llm_server import LLMServer, Status, agreeable

CLOSED = {".github/glossator.yml": "fail_incomplete: true\n"}
GATE = '{"checks": [{"name": "Safe", "instruction": "No defect.", "mode": "fail"}]}'
GATED = {".github/glossator.yml": GATE}
OPEN = {".github/glossator.yml": "fail_incomplete: false\n"}
BEFORE = {"shop.py": "x = 1\n"}
AFTER = {"shop.py": "x = 2\n"}


@pytest.fixture
async def world(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> AsyncIterator[World]:
    settings = {"openai_base_url": llm.url, "llm_model": "small", "llm_backoff_ms": 10}
    async with running(redis_url, redis, tmp_path, max_retries=0, **settings) as world:
        yield world


async def concluded(world: World) -> tuple[str | None, str | None]:
    await world.settle()
    run = world.check_runs[-1]
    return run.conclusion, run.output["title"]


async def test_a_file_that_the_model_did_not_read_fails_it_until_it_was(
    world: World, llm: LLMServer
) -> None:
    llm.default = Status(401)
    number = await world.open_pull({**BEFORE, **CLOSED}, AFTER)
    assert await concluded(world) == (
        "failure",
        "Partly reviewed · no problems found",
    )
    llm.default = agreeable
    await world.sandbox.comment(REPO, number, "/review")
    assert await concluded(world) == ("success", "No problems found")


async def test_files_excluded_by_choice_fail_nothing(world: World) -> None:
    await world.open_pull({**BEFORE, **CLOSED}, {**AFTER, "poetry.lock": "# a lock\n"})
    assert await concluded(world) == (
        "success",
        "No problems found in the reviewed files",
    )


@pytest.mark.parametrize(
    ("server", "repository", "expected"),
    [
        (False, CLOSED, "failure"),
        (True, {}, "failure"),
        (False, GATED, "failure"),
        (True, OPEN, "neutral"),
    ],
)
async def test_a_review_that_failed_fails_it(
    redis_url: str,
    redis: "Redis",
    tmp_path: Path,
    server: bool,
    repository: dict[str, str],
    expected: str,
) -> None:
    settings = {"step_seconds": 1, "fail_incomplete": server}
    async with running(redis_url, redis, tmp_path, **settings) as world:
        world.sandbox.faults.add("GET /octo/hello.git/info/refs", "timeout", times=9)
        await world.open_pull({**BEFORE, **repository}, AFTER)
        assert await concluded(world) == (expected, "The review took too long")
