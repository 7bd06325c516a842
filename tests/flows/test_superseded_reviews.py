"""Whatever ends a review stops its LLM calls within two seconds, and nothing is posted after."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from bot.domain.model import PullRequest, State
from bot.github import pulls
from bot.github.client import GitHub
from bot.github.errors import Forbidden, Unauthorized
from bot.security.tls import trusted
from tests.flows.conversation import (
    AFTER,
    BEFORE,
    bot_comments,
    forget_delivery,
    handled,
    pushed,
    writes_since,
)
from tests.flows.environment import POLL_SECONDS, REPO, World, running
from tests.support.llm_server import (
    Hang,
    LLMServer,
    Reply,
    Request,
    Stream,
    Then,
    agreeable,
    review,
)
from workers.review import check_run

#: From what ends a review to the end of the last call that was made for it.
STOPPED_WITHIN = 2.0

GET_CONFIG = "GET /api/v3/repos/octo/hello/contents/*"
LAST = "the_last_push = True\n"


@pytest.fixture
async def llm() -> AsyncIterator[LLMServer]:
    """It answers what is asked of the last push, and leaves everything else hanging: one call
    before its answer, the next within it."""
    begun = Stream(review().events()[:2], Then.HANG)

    def answer(request: Request) -> Reply:
        if LAST.strip() in request.user:
            return agreeable(request)
        return begun if len(server.requests) % 2 else Hang()

    async with LLMServer(default=answer) as server:
        yield server


@pytest.fixture
async def world(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> AsyncIterator[World]:
    more = {"llm_timeout": 60, "api_tokens": "letmein"}
    async with running(redis_url, redis, tmp_path, **llm.settings, **more) as world:
        yield world


async def read_by_the_llm(world: World, llm: LLMServer) -> int:
    """The number of a pull request whose review hangs in a call of the LLM."""
    number = await world.open_pull(BEFORE, AFTER)
    await llm.until(lambda: llm.active == 1)
    return number


async def by_command(world: World, number: int) -> None:
    await world.sandbox.comment(REPO, number, "/review cancel")


async def by_button(world: World, number: int) -> None:
    await world.sandbox.request_action(world.check_runs[0].id, "cancel")


async def by_closing(world: World, number: int) -> None:
    await world.sandbox.close(REPO, number)


async def by_merging(world: World, number: int) -> None:
    await world.sandbox.close(REPO, number, merged=True)


async def by_label(world: World, number: int) -> None:
    await world.sandbox.label(REPO, number, "No-Review")


async def by_title(world: World, number: int) -> None:
    await world.sandbox.edit_title(REPO, number, "Change things [skip review]")


async def by_api(world: World, number: int) -> None:
    current = (await world.store.pulls.get(world.repository.id, number)).current
    async with httpx2.AsyncClient(verify=trusted()) as client:
        answer = await client.delete(
            f"{world.url}/api/reviews/{current}", headers={"Authorization": "Bearer letmein"}
        )
    assert answer.status_code == 202


@pytest.mark.variations(2)
@pytest.mark.parametrize(
    ("cancel", "why"),
    [
        (by_command, "Cancelled by octocat. Comment"),
        (by_button, "Cancelled by octocat. Comment"),
        (by_closing, "The pull request was closed. Reopening it starts a review."),
        (by_merging, "The pull request was closed. Reopening it starts a review."),
        (by_label, "The label `No-Review` was added. Comment"),
        (by_title, "`[skip review]` was added to the title. Comment"),
        (by_api, "Cancelled by admin. Comment"),
    ],
)
async def test_cancelling_stops_the_call_and_posts_nothing(
    world: World, llm: LLMServer, cancel: Callable[[World, int], Awaitable[None]], why: str
) -> None:
    number = await read_by_the_llm(world, llm)
    mark = len(world.writes())
    await cancel(world, number)
    await llm.until(lambda: llm.active == 0, seconds=STOPPED_WITHIN)
    await world.settle()
    [run] = world.check_runs
    assert (run.status, run.conclusion) == ("completed", "cancelled")
    assert why in (run.output["summary"] or "")
    assert [action["identifier"] for action in run.actions] == ["rerun"]
    assert world.reviews == []
    assert bot_comments(world) == []
    assert set(writes_since(world, mark, but=["POST reactions"])) == {"PATCH check-runs"}
    assert len(llm.requests) == 1


@pytest.mark.slow
async def test_a_reader_cannot_press_cancel(world: World, llm: LLMServer) -> None:
    number = await read_by_the_llm(world, llm)
    world.sandbox.set_permission(REPO, "eve", "read")
    [run] = world.check_runs
    await world.sandbox.request_action(run.id, "cancel", author="eve")

    async def requested_by_eve() -> bool:
        return any("/collaborators/eve/" in e.path and e.status for e in world.sandbox.requests)

    await world.until_true(requested_by_eve)
    # Nothing but the cancelling itself could follow; this answer takes many requests more.
    await world.sandbox.comment(REPO, number, "/review nonsense")

    async def answered() -> bool:
        return bool(bot_comments(world))

    await world.until_true(answered)
    assert llm.active == 1
    assert (await world.progress(number)).state is State.ANALYZING
    await by_closing(world, number)
    await world.settle()


async def test_a_push_stops_the_call_of_the_review_that_it_supersedes(
    world: World, llm: LLMServer
) -> None:
    number = await read_by_the_llm(world, llm)
    first = world.repository.pulls[number].head_sha
    head = await pushed(world, number, {"app.py": AFTER["app.py"] + LAST})
    await llm.until(lambda: llm.active == 0, seconds=STOPPED_WITHIN)
    await world.settle()
    [review] = world.reviews
    assert review.commit_id == head
    ended = {run.head_sha: run.conclusion for run in world.check_runs}
    assert ended == {first: "cancelled", head: "neutral"}
    [superseded] = [run for run in world.check_runs if run.head_sha == first]
    assert "newer review" in (superseded.output["summary"] or "")


@pytest.mark.slow
async def test_a_skipped_push_ends_the_review_it_supersedes(world: World, llm: LLMServer) -> None:
    number = await read_by_the_llm(world, llm)
    await world.sandbox.comment(REPO, number, "/review pause")
    await world.until_true(lambda: paused(world, number))
    assert llm.active == 1, "a pause is for new commits"
    await pushed(world, number, {"app.py": AFTER["app.py"] + LAST})
    await llm.until(lambda: llm.active == 0, seconds=STOPPED_WITHIN)
    await world.settle()
    assert [run.conclusion for run in world.check_runs] == ["cancelled", "skipped"]
    assert "replaced" in (world.check_runs[0].output["summary"] or "")
    assert world.reviews == []

    # What somebody asks for goes on: nothing else would come of the wish.
    await pushed(world, number, {"app.py": AFTER["app.py"]})
    await world.settle()
    await world.sandbox.comment(REPO, number, "/review")
    await llm.until(lambda: llm.active == 1)
    await pushed(world, number, {"app.py": AFTER["app.py"] + LAST})

    async def skipped() -> bool:
        return [run.conclusion for run in world.check_runs].count("skipped") == 3

    await world.until_true(skipped)
    assert (await world.progress(number)).state is State.ANALYZING
    await by_closing(world, number)
    await world.settle()


async def test_a_push_to_a_new_draft_ends_the_review_and_explains_what_to_do(
    world: World, llm: LLMServer
) -> None:
    number = await read_by_the_llm(world, llm)
    world.repository.pulls[number].draft = True
    await pushed(world, number, {"app.py": AFTER["app.py"] + LAST})
    await llm.until(lambda: llm.active == 0, seconds=STOPPED_WITHIN)
    await world.settle()
    ended, skipped = world.check_runs
    assert (ended.conclusion, skipped.conclusion) == ("cancelled", "skipped")
    assert "The pull request is a draft. Comment `/review`" in (ended.output["summary"] or "")


async def test_a_pull_request_closed_in_between_is_reviewed_once_reopened(
    world: World, llm: LLMServer
) -> None:
    number = await read_by_the_llm(world, llm)
    await by_closing(world, number)
    await world.settle()
    llm.default = agreeable
    await world.sandbox.reopen(REPO, number)
    await world.settle()
    assert [run.conclusion for run in world.check_runs] == ["cancelled", "neutral"]
    assert len(world.reviews) == 1


async def reopened(world: World, number: int) -> None:
    await world.sandbox.reopen(REPO, number)


async def unlabeled(world: World, number: int) -> None:
    await world.sandbox.unlabel(REPO, number, "No-Review")


async def retitled(world: World, number: int) -> None:
    await world.sandbox.edit_title(REPO, number, "Change things")


@pytest.mark.variations(1)
@pytest.mark.parametrize(
    ("end", "requeue_from_dead_workers"),
    [(by_closing, reopened), (by_label, unlabeled), (by_title, retitled)],
)
async def test_a_delivery_that_comes_after_its_cause_was_taken_back_ends_nothing(
    world: World,
    llm: LLMServer,
    end: Callable[[World, int], Awaitable[None]],
    requeue_from_dead_workers: Callable[[World, int], Awaitable[None]],
) -> None:
    number = await read_by_the_llm(world, llm)
    await end(world, number)
    late = world.sandbox.state.deliveries[-1]
    await world.settle()
    await requeue_from_dead_workers(world, number)
    await llm.until(lambda: llm.active == 1)

    await forget_delivery(world, late.guid)
    await world.sandbox.redeliver(late.id)
    await world.until_true(lambda: handled(world, late.guid))
    assert (await world.progress(number)).state is State.ANALYZING
    await by_closing(world, number)
    await world.settle()


async def test_a_delivery_is_believed_where_we_may_not_look(
    world: World, llm: LLMServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forbidden(*_: object) -> PullRequest:
        raise Forbidden("GitHub forbids GET /repos/octo/hello/pulls/1.")

    number = await read_by_the_llm(world, llm)
    monkeypatch.setattr(pulls, "get_pull", forbidden)
    await by_closing(world, number)
    await world.settle()
    assert [run.conclusion for run in world.check_runs] == ["cancelled"]


async def test_a_progress_that_github_takes_long_to_take_is_not_the_last_word(
    world: World, llm: LLMServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_run, "MIN_GAP", 0.1)
    monkeypatch.setattr(check_run, "LOCK_SECONDS", 0.3)
    monkeypatch.setattr(check_run, "WAIT_SECONDS", 0.3)
    slow = world.sandbox.faults.add("PATCH /api/v3/repos/*/check-runs/*", "slow", delay=2)
    number = await read_by_the_llm(world, llm)

    async def is_answering() -> bool:
        return bool(slow.triggered)

    async def is_answered() -> bool:
        return all(e.status for e in world.sandbox.requests)

    await world.until_true(is_answering)
    await by_closing(world, number)
    await world.settle()
    await world.until_true(is_answered)
    [run] = world.check_runs
    assert (run.status, run.conclusion) == ("completed", "cancelled")


async def test_a_check_run_is_completed_once_the_credentials_are_fixed(
    world: World, llm: LLMServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong key, or a clock that is wrong, is put right by whoever runs the App."""
    refused, right = 0, check_run.client

    async def wrong(*args: Any) -> GitHub:
        nonlocal refused
        refused += 1
        if refused <= 2:
            raise Unauthorized("GitHub does not accept our credentials.")
        return await right(*args)

    number = await read_by_the_llm(world, llm)
    monkeypatch.setattr(check_run, "client", wrong)
    await by_closing(world, number)
    await world.settle()
    [run] = world.check_runs
    assert (run.status, run.conclusion) == ("completed", "cancelled")


async def paused(world: World, number: int) -> bool:
    return bool((await world.store.pulls.get(world.repository.id, number)).paused)


async def test_of_ten_pushes_in_a_row_only_the_last_is_reviewed(
    world: World, llm: LLMServer
) -> None:
    number = await read_by_the_llm(world, llm)
    heads = [world.repository.pulls[number].head_sha]
    for count in range(10):
        text = AFTER["app.py"] + (LAST if count == 9 else f"push = {count}\n")
        heads.append(await world.sandbox.commit(REPO, {"app.py": text}, parent=heads[-1]))
    for head in heads[1:]:
        await world.sandbox.push(REPO, number, head)
    last_push = time.monotonic()
    last_call = await _last_call(world, llm)
    assert last_call - last_push < STOPPED_WITHIN

    [review] = world.reviews
    assert review.commit_id == heads[-1]
    # Whose push was overtaken before it was handled has no check run at all.
    ended = {run.head_sha: run.conclusion for run in world.check_runs}
    assert ended.pop(heads[-1]) == "neutral"
    assert ended[heads[0]] == "cancelled"
    assert set(ended.values()) == {"cancelled"}
    assert sum(LAST.strip() in request.user for request in llm.requests) <= 2, "read, verified"


async def _last_call(world: World, llm: LLMServer) -> float:
    """When a call that hangs was last under way, seen until all work was done. A call that is
    answered at once cannot be seen between two looks."""
    last = time.monotonic()
    settled = asyncio.ensure_future(world.settle())
    while not settled.done():
        if llm.active:
            last = time.monotonic()
        await asyncio.sleep(POLL_SECONDS)
    await settled
    return last


@pytest.mark.slow
async def test_a_pull_request_closed_while_its_review_starts_is_skipped(
    world: World, llm: LLMServer
) -> None:
    slow = world.sandbox.faults.add(GET_CONFIG, "slow", delay=1.0)
    number = await world.open_pull(BEFORE, {"app.py": AFTER["app.py"] + LAST})

    async def reading() -> bool:
        return slow.triggered == 1

    await world.until_true(reading)
    await world.sandbox.close(REPO, number)
    await world.settle()
    assert world.reviews == []
    assert {run.conclusion for run in world.check_runs} <= {"cancelled"}


async def test_pushes_within_the_settle_time_cost_no_call(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> None:
    async with running(redis_url, redis, tmp_path, settle_seconds=2, **llm.settings) as world:
        number = await world.open_pull(BEFORE, {"app.py": AFTER["app.py"] + LAST})
        await world.settle()
        call_count = len(llm.requests)
        for count in range(3):
            await pushed(world, number, {"app.py": f"push = {count}\n"})
        head = await pushed(world, number, {"app.py": LAST})
        await world.settle()
        [posted] = world.reviews
        assert head[:12] in posted.body
        assert all(LAST.strip() in request.user for request in llm.requests[call_count:])
