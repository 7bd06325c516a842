"""GitHub fails in every way the sandbox knows, and still one review and one check run stand."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.domain.model import State
from tests.flows.conversation import everything_twice
from tests.flows.environment import POLL_SECONDS, REPO, World, running
from tests.support.sandbox.faults import Kind

BEFORE = {"app.py": "import subprocess\n"}
AFTER = {
    "app.py": (
        "import subprocess\n\n\n"
        "def run(command):\n    return subprocess.call(command, shell=True)\n"
    )
}

CREATE_CHECK = "POST /api/v3/repos/*/check-runs"
UPDATE_CHECK = "PATCH /api/v3/repos/*/check-runs/*"
REVIEW = "POST /api/v3/repos/*/pulls/*/reviews"


@pytest.fixture
async def world(redis_url: str, redis: "Redis", tmp_path: Path) -> AsyncIterator[World]:
    async with running(redis_url, redis, tmp_path, github_timeout=0.5) as world:
        yield world


def assert_reviewed_once(world: World) -> None:
    [check_run] = world.check_runs
    assert (check_run.status, check_run.conclusion) == ("completed", "neutral")
    [review] = world.reviews
    assert f"glossator:review:{check_run.external_id}" in review.body
    assert len(world.inline_comments) == 1
    assert world.conversation == []


@pytest.mark.variations(2)
@pytest.mark.parametrize(
    ("write", "kind"),
    [
        (CREATE_CHECK, "reset"),
        (UPDATE_CHECK, "502"),
        (REVIEW, "timeout"),
        *(
            pytest.param(write, kind, marks=pytest.mark.slow)
            for write, kind in (
                (CREATE_CHECK, "502"),
                (CREATE_CHECK, "timeout"),
                (UPDATE_CHECK, "reset"),
                (UPDATE_CHECK, "timeout"),
                (REVIEW, "reset"),
                (REVIEW, "502"),
            )
        ),
    ],
)
async def test_a_write_that_took_effect_unknown_to_us_is_not_done_again(
    world: World, write: str, kind: Kind
) -> None:
    fault = world.sandbox.faults.add(write, kind, after=True)
    await world.open_pull(BEFORE, AFTER)
    await world.settle()
    assert fault.triggered == 1
    assert_reviewed_once(world)


@pytest.mark.variations(2)
@pytest.mark.parametrize(
    "match",
    [
        "POST /api/v3/app/installations/*/access_tokens",
        "GET /api/v3/repos/*/compare/*",
        "POST /octo/hello.git/git-upload-pack",
        UPDATE_CHECK,
        REVIEW,
        *(
            pytest.param(match, marks=pytest.mark.slow)
            for match in (
                "GET /api/v3/repos/*/pulls/1",
                "GET /api/v3/repos/*/contents/*",
                "GET /octo/hello.git/info/refs",
                CREATE_CHECK,
            )
        ),
    ],
)
async def test_what_fails_for_a_while_is_tried_again(world: World, match: str) -> None:
    fault = world.sandbox.faults.add(match, "500", times=2)
    await world.open_pull(BEFORE, AFTER)
    await world.settle()
    assert fault.triggered == 2
    assert_reviewed_once(world)


async def test_rate_limits_are_waited_out(world: World) -> None:
    faults = [
        world.sandbox.faults.add(match, "secondary", retry_after=1)
        for match in (CREATE_CHECK, REVIEW, UPDATE_CHECK)
    ]
    await world.open_pull(BEFORE, AFTER)
    await world.settle()
    assert [fault.triggered for fault in faults] == [1, 1, 1]
    assert_reviewed_once(world)


async def test_a_reaction_whose_response_is_lost_exists_once(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER)
    await world.settle()
    fault = world.sandbox.faults.add("POST /api/v3/repos/*/reactions", "reset", after=True)
    comment = await world.sandbox.comment(REPO, number, "/review full")
    await world.settle()
    assert fault.triggered == 1
    [item] = world.conversation
    assert item.id == comment.id
    assert sorted({r.content for r in item.reactions}) == sorted(r.content for r in item.reactions)
    assert "eyes" in [reaction.content for reaction in item.reactions]
    assert len(world.reviews) == 2
    assert [run.status for run in world.check_runs] == ["completed", "completed"]


async def test_a_skip_whose_completion_failed_is_completed_later(world: World) -> None:
    fault = world.sandbox.faults.add(UPDATE_CHECK, "500", times=6)
    await world.open_pull(BEFORE, AFTER, draft=True)
    await world.settle()
    assert fault.triggered == 6
    [check_run] = world.check_runs
    assert (check_run.status, check_run.conclusion) == ("completed", "skipped")


async def test_two_workers_with_every_message_at_once_do_everything_once(world: World) -> None:
    async with everything_twice(world.store):
        await world.open_pull(BEFORE, AFTER)
        await world.settle()
    assert_reviewed_once(world)


async def test_two_workers_conclude_a_cancelled_review_once(world: World) -> None:
    slow = world.sandbox.faults.add("GET /octo/hello.git/info/refs", "slow", delay=3)
    async with everything_twice(world.store):
        number = await world.open_pull(BEFORE, AFTER)
        await world.until(number, State.SCANNING)
        [check_run] = world.check_runs
        while slow.triggered == 0:
            await asyncio.sleep(POLL_SECONDS)
        await world.sandbox.request_action(check_run.id, "cancel")
        await world.settle()
    [check_run] = world.check_runs
    assert (check_run.status, check_run.conclusion) == ("completed", "cancelled")
    assert world.reviews == []


async def test_pushes_handled_in_the_wrong_order_end_with_the_last_head(world: World) -> None:
    """The first delivery's handler reads the old head, and is slow to go on."""
    world.sandbox.faults.add("GET /api/v3/repos/*/contents/*", "slow", delay=1.5)
    number = await world.open_pull(BEFORE, AFTER)
    while not any("/contents/" in exchange.path for exchange in world.sandbox.requests):
        await asyncio.sleep(POLL_SECONDS)
    head = world.repository.pulls[number].head_sha
    pushed = await world.sandbox.commit(REPO, {"b.py": "x = 1\n"}, parent=head)
    await world.sandbox.push(REPO, number, pushed)
    await world.settle()
    assert {run.head_sha: run.conclusion for run in world.check_runs}[pushed] == "neutral"
    [review] = [review for review in world.reviews if review.commit_id == pushed]
    assert all(run.status == "completed" for run in world.check_runs)
    assert review.number == number


async def test_a_change_without_a_common_ancestor_is_called_that(world: World) -> None:
    base = await world.sandbox.commit(REPO, {"a.py": "x = 1\n"}, message="Begin")
    head = await world.sandbox.commit(REPO, {"b.py": "y = 1\n"}, message="Begin elsewhere")
    await world.sandbox.open_pull(REPO, base, head)
    await world.settle()
    [check_run] = world.check_runs
    assert check_run.output["title"] == "The review failed"
    summary = str(check_run.output["summary"])
    assert f"{base[:12]} and {head[:12]} have no common ancestor" in summary
    assert "rebase the branch" in summary
    assert "permission" not in summary
