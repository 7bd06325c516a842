"""The App is taken from an account, or from a repository: what it reviews there ends at once."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx2
import pytest
from redis.asyncio import Redis

from bot.domain.model import State
from bot.security.tls import trusted
from tests.flows.conversation import AFTER, BEFORE, bot_comments, fed, forget_delivery, handled
from tests.flows.environment import REPO, World, running
from tests.support.llm_server import Hang, LLMServer
from tests.support.reviews import state_of
from workers.events.commands.review import REVIEW_QUEUED

OWNER = REPO.partition("/")[0]


@pytest.fixture
async def world(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> AsyncIterator[World]:
    async with running(redis_url, redis, tmp_path, api_tokens="letmein", **llm.settings) as world:
        yield world


async def uninstalled(world: World) -> None:
    await world.sandbox.uninstall(OWNER)


async def suspended(world: World) -> None:
    await world.sandbox.suspend(OWNER)


async def repository_removed(world: World) -> None:
    await world.sandbox.remove_repository(REPO)


@pytest.mark.variations(1)
@pytest.mark.parametrize(
    ("leave", "why"),
    [
        (uninstalled, "The App was uninstalled."),
        (suspended, "The App's installation was suspended."),
        (repository_removed, "The App was removed from this repository."),
    ],
)
async def test_the_review_that_runs_there_ends_and_no_other(
    world: World, llm: LLMServer, leave: Callable[[World], Awaitable[None]], why: str
) -> None:
    world.sandbox.add_installation("elsewhere")
    await world.sandbox.add_repository("elsewhere/shop")
    llm.default = Hang()
    number = await world.open_pull(BEFORE, AFTER)
    base = await world.sandbox.commit("elsewhere/shop", BEFORE)
    head = await world.sandbox.commit("elsewhere/shop", AFTER, parent=base)
    await world.sandbox.open_pull("elsewhere/shop", base, head)
    await llm.until(lambda: llm.active == 2)
    current = (await world.store.pulls.get(world.repository.id, number)).current

    await leave(world)
    await llm.until(lambda: llm.active == 1)
    assert await world.store.reviews.state(current) is State.CANCELLED
    assert (await state_of(world.store, current)).error == why

    [other] = world.sandbox.repository("elsewhere/shop").check_runs.values()
    assert await world.store.reviews.state(other.external_id) is State.ANALYZING
    await world.sandbox.close("elsewhere/shop", 1)
    await world.settle()
    assert other.conclusion == "cancelled"


async def test_what_had_been_sent_before_is_no_dead_letter(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER)
    await world.settle()
    await suspended(world)
    head = world.sandbox.repository(REPO).pulls[number].head_sha
    pushed = await world.sandbox.commit(REPO, {"late.py": "x = 1\n"}, parent=head)
    await world.sandbox.push(REPO, number, pushed)
    await world.sandbox.comment(REPO, number, "/review ask why?")
    await world.settle()
    assert await world.store.queues.dead_letters() == []
    assert len(world.check_runs) == 1


async def test_requests_queued_behind_that_review_do_not_start_either(
    world: World, llm: LLMServer
) -> None:
    llm.default = Hang()
    number = await world.open_pull(BEFORE, AFTER)
    await llm.until(lambda: llm.active == 1)
    await world.sandbox.comment(REPO, number, "/review performance")

    async def is_answered() -> bool:
        return bot_comments(world) == [REVIEW_QUEUED]

    await world.until_true(is_answered)
    await uninstalled(world)
    await world.settle()
    assert await world.store.queues.dead_letters() == []
    assert len(world.check_runs) == 1


async def test_the_requester_of_a_queued_review_sees_why_it_was_rejected(
    world: World, llm: LLMServer
) -> None:
    llm.default = Hang()
    number = await world.open_pull(BEFORE, AFTER)
    await llm.until(lambda: llm.active == 1)
    async with httpx2.AsyncClient(
        verify=trusted(), headers={"Authorization": "Bearer letmein"}
    ) as client:
        request_body = {"repository": REPO, "number": number, "focus": "quality"}
        started = (await client.post(f"{world.url}/api/reviews", json=request_body)).json()

        async def waits() -> bool:
            current = (await world.store.pulls.get(world.repository.id, number)).current
            return await world.store.reviews.waiting_for(current) == [started["id"]]

        await world.until_true(waits)
        await uninstalled(world)
        await world.settle()
        answer = (await client.get(f"{world.url}/api/reviews/{started['id']}")).json()
    assert (answer["status"], answer["error"]) == ("failed", "The App was uninstalled.")
    assert (await fed(started["page"]))[-1]["error"] == answer["error"]


@pytest.mark.parametrize("leave", [suspended, repository_removed])
async def test_a_delivery_that_comes_after_the_app_is_back_ends_nothing(
    world: World, llm: LLMServer, leave: Callable[[World], Awaitable[None]]
) -> None:
    await leave(world)
    await world.settle()
    [installation] = world.sandbox.state.installations.values()
    installation.suspended_at = None
    installation.repository_ids.add(world.repository.id)
    llm.answering.clear()
    await world.open_pull(BEFORE, AFTER)
    await llm.until(lambda: llm.active == 1)

    late = next(d for d in world.sandbox.state.deliveries if d.event.startswith("installation"))
    await forget_delivery(world, late.guid)
    await world.sandbox.redeliver(late.id)
    await world.until_true(lambda: handled(world, late.guid))
    llm.answering.set()
    await world.settle()
    assert [run.conclusion for run in world.check_runs] == ["neutral"]
