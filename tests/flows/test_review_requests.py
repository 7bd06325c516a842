"""A review that is asked for over the API is known from then on, whatever comes of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2
import pytest
from redis.asyncio import Redis

from bot.github.errors import Forbidden
from bot.security.tls import trusted
from tests.flows.conversation import AFTER, BEFORE, fed
from tests.flows.environment import REPO, World, running


@pytest.fixture
async def world(redis_url: str, redis: "Redis", tmp_path: Path) -> AsyncIterator[World]:
    async with running(redis_url, redis, tmp_path, api_tokens="letmein") as world:
        yield world


async def request_review(world: World, repository: str, number: int) -> tuple[dict[str, Any], str]:
    """What the API and its page say of a review once all work is done; its feed says the same,
    to who watched from the first moment and to who comes late."""
    headers = {"Authorization": "Bearer letmein"}
    async with httpx2.AsyncClient(verify=trusted(), headers=headers) as client:
        request_body = {"repository": repository, "number": number}
        started = (await client.post(f"{world.url}/api/reviews", json=request_body)).json()
        watching = asyncio.create_task(fed(started["page"]))
        first = await client.get(f"{world.url}/api/reviews/{started['id']}")
        assert first.status_code == 200, "it is known at once"
        await world.settle()
        last = await client.get(f"{world.url}/api/reviews/{started['id']}")
        page = await client.get(started["page"])
        assert (last.status_code, page.status_code) == (200, 200)
    answer = last.json()
    assert answer["id"] == started["id"]
    for messages in await asyncio.gather(watching, fed(started["page"])):
        assert (messages[0]["type"], messages[-1]["type"]) == ("connected", answer["status"])
        assert messages[-1].get("error", "") == answer["error"]
    return answer, page.text


@pytest.mark.parametrize(
    ("repository", "number", "why"),
    [
        (REPO, 99, "GitHub did not find"),
        ("octo/unknown", 1, "The App is not installed on octo/unknown"),
        ("nobody/nothing", 1, "The App is not installed on nobody/nothing"),
        (REPO, 1, "The pull request is closed."),
    ],
)
async def test_a_review_that_cannot_run_is_reported_and_is_no_dead_letter(
    world: World, repository: str, number: int, why: str
) -> None:
    await world.sandbox.close(REPO, await world.open_pull(BEFORE, AFTER, draft=True))
    await world.settle()
    answer, page = await request_review(world, repository, number)
    assert (answer["status"], answer["trigger"]) == ("failed", "api")
    assert why in answer["error"]
    assert why in page
    assert await world.store.queues.dead_letters() == []


async def test_a_forbidden_request_is_reported_and_is_no_dead_letter(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER, draft=True)
    await world.settle()
    await world.sandbox.suspend("octo")
    answer, page = await request_review(world, REPO, number)
    assert answer["status"] == "failed"
    assert "This installation has been suspended" in answer["error"]
    assert "This installation has been suspended" in page
    assert await world.store.queues.dead_letters() == []


async def test_an_internal_error_is_a_dead_letter_and_is_reported(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER, draft=True)
    await world.settle()
    with patch("workers.events.api_start.start_review", side_effect=KeyError("a bug of ours")):
        answer, _ = await request_review(world, REPO, number)
    assert answer["status"] == "failed"
    assert answer["error"] == "Internal error; see the server log."
    assert [dead_letter.actor for dead_letter in await world.store.queues.dead_letters()] == [
        "start_review"
    ]


async def test_what_github_forbids_once_it_was_opened_ends_it(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER, draft=True)
    await world.settle()
    with patch(
        "workers.review.check_run.checks.create_check_run", side_effect=Forbidden("No checks.")
    ):
        answer, page = await request_review(world, REPO, number)
    assert (answer["status"], answer["error"]) == ("failed", "No checks.")
    assert "The review failed" in page
    assert await world.store.queues.dead_letters() == []


async def test_a_skipped_pull_request_states_why_over_the_api(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER, draft=True)
    await world.settle()
    [check_run] = world.check_runs
    headers = {"Authorization": "Bearer letmein"}
    async with httpx2.AsyncClient(verify=trusted(), headers=headers) as client:
        reviews = f"{world.url}/api/reviews"
        messages = (await client.get(f"{reviews}/{check_run.external_id}")).json()
        listed = (await client.get(reviews)).json()
    assert (messages["repository"], messages["number"]) == (REPO, number)
    assert (messages["head_sha"], messages["trigger"]) == (check_run.head_sha, "opened")
    assert (messages["status"], messages["error"][:30]) == (
        "failed",
        "The pull request is a draft. C",
    )
    assert listed["items"] == [], "it is no review"


async def test_what_can_be_is_reviewed(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER, draft=True)
    await world.settle()
    answer, _ = await request_review(world, REPO, number)
    assert (answer["status"], answer["error"]) == ("completed", "")
