"""A look at one category waits for the review that runs: neither is lost, and people are told."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from redis.asyncio import Redis

from bot.security.tls import trusted
from tests.flows.conversation import AFTER, BEFORE, bot_comments, fed, pushed, reactions
from tests.flows.environment import REPO, World, running
from tests.support.llm_server import LLMServer
from workers.events.commands.review import REVIEW_QUEUED


@pytest.fixture
async def world(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> AsyncIterator[World]:
    async with running(redis_url, redis, tmp_path, api_tokens="letmein", **llm.settings) as world:
        yield world


async def being_read(world: World, llm: LLMServer) -> int:
    """The number of a pull request whose review waits for an answer of the LLM."""
    llm.answering.clear()
    number = await world.open_pull(BEFORE, AFTER)
    await llm.until(lambda: llm.active == 1)
    return number


async def wait_until_queued(world: World) -> None:
    async def is_answered() -> bool:
        return bot_comments(world) == [REVIEW_QUEUED]

    await world.until_true(is_answered)


async def test_a_focus_waits_for_the_full_review_and_both_are_posted(
    world: World, llm: LLMServer
) -> None:
    number = await being_read(world, llm)
    comment = await world.sandbox.comment(REPO, number, "/review performance")
    await wait_until_queued(world)
    assert reactions(world, comment.id) == ["eyes"]
    llm.answering.set()
    await world.settle()
    assert [run.conclusion for run in world.check_runs] == ["neutral", "success"]
    assert len(world.reviews) == 2
    assert len(world.inline_comments) == 1, "the full review's"
    assert reactions(world, comment.id) == ["eyes", "rocket"]
    assert bot_comments(world) == [REVIEW_QUEUED]


@pytest.mark.slow
async def test_each_of_several_that_wait_has_its_turn(world: World, llm: LLMServer) -> None:
    number = await being_read(world, llm)
    await world.sandbox.comment(REPO, number, "/review performance\n/review security")
    await wait_until_queued(world)
    async with httpx2.AsyncClient(verify=trusted()) as client:
        answer = await client.post(
            f"{world.url}/api/reviews",
            json={"repository": REPO, "number": number, "focus": "quality"},
            headers={"Authorization": "Bearer letmein"},
        )
    assert answer.status_code == 202
    llm.answering.set()
    await world.settle()
    assert [run.status for run in world.check_runs] == ["completed"] * 4
    assert "cancelled" not in {run.conclusion for run in world.check_runs}
    assert len(world.reviews) == 4
    assert len({run.external_id for run in world.check_runs}) == 4


@pytest.mark.slow
async def test_queued_requests_stay_queued_when_a_push_supersedes(
    world: World, llm: LLMServer
) -> None:
    number = await being_read(world, llm)
    first = world.repository.pulls[number].head_sha
    await world.sandbox.comment(REPO, number, "/review performance")
    await wait_until_queued(world)
    head = await pushed(world, number, {"other.py": "x = 1\n"})
    await llm.until(lambda: any("other.py" in request.user for request in llm.requests))
    llm.answering.set()
    await world.settle()
    assert [run.head_sha for run in world.check_runs] == [first, head, head]
    assert [run.conclusion for run in world.check_runs] == ["cancelled", "neutral", "success"]
    assert [review.commit_id for review in world.reviews] == [head, head]


async def test_cancelling_stops_what_waits_as_well(world: World, llm: LLMServer) -> None:
    number = await being_read(world, llm)
    await world.sandbox.comment(REPO, number, "/review performance")
    await wait_until_queued(world)
    await world.sandbox.comment(REPO, number, "/review cancel")
    await world.settle()
    assert [run.conclusion for run in world.check_runs] == ["cancelled"]
    assert world.reviews == []


async def test_closing_ends_a_queued_request(world: World, llm: LLMServer) -> None:
    number = await being_read(world, llm)
    async with httpx2.AsyncClient(
        verify=trusted(), headers={"Authorization": "Bearer letmein"}
    ) as client:
        request_body = {"repository": REPO, "number": number, "focus": "quality"}
        started = (await client.post(f"{world.url}/api/reviews", json=request_body)).json()

        async def waits() -> bool:
            current = (await world.store.pulls.get(world.repository.id, number)).current
            return await world.store.reviews.waiting_for(current) == [started["id"]]

        await world.until_true(waits)
        await world.sandbox.close(REPO, number)
        await world.settle()
        answer = (await client.get(f"{world.url}/api/reviews/{started['id']}")).json()
    assert answer["status"] == "failed"
    assert answer["error"].startswith("The pull request was closed.")
    assert (await fed(started["page"]))[-1]["error"] == answer["error"]


@pytest.mark.slow
async def test_a_queued_request_states_why_it_cannot_start(world: World, llm: LLMServer) -> None:
    number = await being_read(world, llm)
    comment = await world.sandbox.comment(REPO, number, "/review performance")
    await wait_until_queued(world)
    world.repository.pulls[number].state = "closed"  # and its delivery is late
    llm.answering.set()
    await world.settle()
    assert bot_comments(world) == [REVIEW_QUEUED, "The pull request is closed."]
    assert reactions(world, comment.id) == ["eyes", "confused"]
    assert len(world.reviews) == 1


@pytest.mark.parametrize(
    ("settings", "expected_title"),
    [
        ({"installation_reviews": 1}, "Queued behind 1 review"),
        ({"settle_seconds": 600}, "Waiting 600 s for more commits"),
    ],
)
async def test_a_queued_user_sees_what_is_awaited(
    redis_url: str,
    redis: "Redis",
    tmp_path: Path,
    llm: LLMServer,
    settings: dict[str, int],
    expected_title: str,
) -> None:
    async with running(redis_url, redis, tmp_path, **llm.settings, **settings) as world:
        number = await being_read(world, llm)
        if "settle_seconds" in settings:
            await pushed(world, number, {"app.py": "x = 2\n"})
        else:
            await world.open_pull(BEFORE, AFTER)

        async def shown() -> bool:
            return any(run.output.get("title") == expected_title for run in world.check_runs)

        await world.until_true(shown)
        llm.answering.set()
        await world.sandbox.close(REPO, number)
