"""What people do on a review's page is done on GitHub too."""

import re
from pathlib import Path

import httpx2
from redis.asyncio import Redis

from bot.domain.outcomes import Outcome
from tests.flows.conversation import reviewed
from tests.flows.environment import REPO, World, running

TOKEN = "a token of the tests"


async def signed_in(world: World, http: httpx2.AsyncClient) -> None:
    answer = await http.post("/sign-in", data={"token": TOKEN}, headers={"Origin": world.url})
    assert answer.status_code == 303


async def test_a_finding_is_dismissed_on_the_page_and_its_thread_resolved(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    async with running(redis_url, redis, tmp_path, api_tokens=TOKEN) as world:
        number = await reviewed(world)
        async with httpx2.AsyncClient(base_url=world.url) as http:
            await signed_in(world, http)
            [run] = world.check_runs
            page = (await http.get(run.details_url)).text
            form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page)) | {"reason": "Meant so"}
            path = re.search(r'action="([^"]*/dismiss)"', page)
            assert path is not None
            for _ in range(2):
                await http.post(path[1], data=form, headers={"Origin": world.url})
            await world.settle()
        assert [one.minimized for one in world.inline_comments] == ["resolved"]
        [kept] = await world.store.suppressions.all(world.repository.id, 9)
        assert (kept.path, kept.reason, kept.suppressed_by) == ("app.py", "Meant so", "admin")
        [outcome] = await world.store.outcomes.of_pull(world.repository.id, number)
        assert (outcome.outcome, outcome.reason) == (Outcome.DISMISSED, "Meant so")
        await world.sandbox.comment(REPO, number, "/review full")
        await world.settle()
        assert len(world.inline_comments) == 1
        assert "No problems found" in world.reviews[-1].body


async def test_review_again_on_the_page_is_one_more_review(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    async with running(redis_url, redis, tmp_path, api_tokens=TOKEN) as world:
        await reviewed(world)
        async with httpx2.AsyncClient(base_url=world.url) as http:
            await signed_in(world, http)
            page = (await http.get(world.check_runs[0].details_url)).text
            form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
            path = re.search(r'action="([^"]*/again)"', page)
            assert path is not None
            for _ in range(2):
                await http.post(path[1], data=form, headers={"Origin": world.url})
            await world.settle()
        assert len(world.check_runs) == 2
        assert {run.conclusion for run in world.check_runs} == {"neutral"}
