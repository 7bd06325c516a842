"""How often GitHub is asked: the limits are GitHub's, and people wait for each answer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.bench.generated_change import after, before, finds_one, path, touched
from tests.flows.environment import REPO, World, running
from tests.support.llm_server import LLMServer
from workers.review import check_run

FILES = range(40)


@pytest.fixture
async def llm() -> AsyncIterator[LLMServer]:
    async with LLMServer(default=finds_one) as server:
        yield server


@pytest.fixture
async def world(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> AsyncIterator[World]:
    async with running(redis_url, redis, tmp_path, **llm.settings) as world:
        yield world


def github_requests(world: World, since: int = 0) -> list[str]:
    """Requests to GitHub's API; git's own are counted by git."""
    requests = [r for r in world.sandbox.requests[since:] if r.path.startswith("/api/")]
    return [f"{request.method} {request.path}" for request in requests]


async def test_a_review_of_forty_files_and_a_second_push_ask_github_seldom(
    world: World, llm: LLMServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How often progress is shown depends on how long all takes: here never.
    monkeypatch.setattr(check_run, "MIN_GAP", 600)
    monkeypatch.setattr(check_run, "MAX_GAP", 600)
    number = await world.open_pull(before(FILES), after(FILES))
    await world.settle()
    assert len(world.inline_comments) == 1, "the stand-in finds one in each question"
    first = github_requests(world)
    # Two of them look for the check run and the review before these are made, one looks for
    # failed checks.
    assert len(first) <= 16, first

    since, read = len(world.sandbox.requests), len(llm.requests)
    parent = world.repository.pulls[number].head_sha
    pushed = await world.sandbox.commit(REPO, {path(7): touched(7)}, parent=parent)
    await world.sandbox.push(REPO, number, pushed)
    await world.settle()
    second = github_requests(world, since)
    assert len(second) <= 14, second
    assert sum(not request.asks_for_verdicts for request in llm.requests[read:]) == 1


async def test_where_few_requests_are_left_a_review_does_without_what_it_can(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_run, "MIN_GAP", 0.001)
    monkeypatch.setattr(check_run, "MAX_GAP", 0.001)
    world.sandbox.state.hourly_limit = 450
    number = await world.open_pull({}, {"a.txt": "a"})
    await world.settle()
    requests = github_requests(world)
    head = world.repository.pulls[number].head_sha
    reads = [request for request in requests if f"{head}/check-runs" in request]
    assert len(reads) == 1, "it looks for its own check run, and not for failed ones"
    assert [request.split()[0] for request in requests if "/check-runs/" in request] == ["PATCH"]
    (run,) = world.repository.check_runs.values()
    assert run.status == "completed"
    assert len(world.repository.reviews) == 1


async def labeled(world: World, number: int) -> None:
    await world.sandbox.label(REPO, number, "urgent")


async def closed(world: World, number: int) -> None:
    await world.sandbox.close(REPO, number)


async def unlabeled(world: World, number: int) -> None:
    await world.sandbox.unlabel(REPO, number, "urgent")


async def retitled(world: World, number: int) -> None:
    await world.sandbox.edit_title(REPO, number, "Change things")


# What a bot that sorts issues does hundreds of times a day, on pull requests that nobody reads.
@pytest.mark.parametrize(
    ("act", "most"),
    [(labeled, 0), (closed, 0), (unlabeled, 3), (retitled, 3)],
)
async def test_what_starts_no_review_asks_github_for_little(
    world: World, act: Callable[[World, int], Awaitable[None]], most: int
) -> None:
    number = await world.open_pull({}, {"a.txt": "a"}, draft=True)
    await world.settle()
    if act is unlabeled:
        await labeled(world, number)
        await world.settle()
    since = len(world.sandbox.requests)
    await act(world, number)
    await world.settle()
    asked = github_requests(world, since)
    assert len(asked) <= most, asked
