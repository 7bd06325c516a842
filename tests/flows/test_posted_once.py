"""What stands on GitHub stays said: posted once, whatever Redis forgets; never called failed."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.domain.model import Review, State
from bot.github import checks
from bot.github.client import GitHub
from bot.store import keys, message
from tests.flows.conversation import pushed
from tests.flows.environment import REPO, SECONDS, World, running
from workers.review import check_run
from workers.services import Services, open_services

BEFORE = {"app.py": "import subprocess\n"}
AFTER = {"app.py": "import subprocess\n\n\nsubprocess.call(input(), shell=True)\n"}

CREATE_CHECK = "POST /api/v3/repos/*/check-runs"
UPDATE_CHECK = "PATCH /api/v3/repos/*/check-runs/*"
REVIEW = "POST /api/v3/repos/*/pulls/*/reviews"


@pytest.fixture
async def world(redis_url: str, redis: "Redis", tmp_path: Path) -> AsyncIterator[World]:
    async with running(redis_url, redis, tmp_path, fail_on="high") as world:
        yield world


async def saved(redis: "Redis", review_id: str) -> dict[bytes, bytes]:
    """All keys of one review, as a replica holds them that is a second behind."""
    names = [name async for name in redis.scan_iter(f"{keys.PREFIX}*{review_id}*")]
    dumps = [await redis.dump(name) for name in names]
    return {name: dump for name, dump in zip(names, dumps, strict=True) if dump is not None}


async def test_a_redis_that_forgot_the_last_second_posts_nothing_twice(
    world: World, redis: "Redis"
) -> None:
    """The state of just before the post comes back, and with it the message that posts."""
    slow = world.sandbox.faults.add(REVIEW, "slow", delay=1.5)
    number = await world.open_pull(BEFORE, AFTER)
    await world.until(number, State.REPORTING)
    review_id = (await world.store.pulls.get(world.repository.id, number)).current
    before = await saved(redis, review_id)
    await world.settle()
    assert slow.triggered == 1

    for name, dump in before.items():
        await redis.restore(name, 0, dump, replace=True)
    await redis.hdel(keys.review(review_id), "posting_started", "check_run_completing")
    await redis.zadd(keys.ACTIVE, {review_id: world.store.now()})
    await world.store.queues.put(message("publish_review", review_id))
    await world.settle()
    assert await world.store.reviews.state(review_id) is State.COMPLETED
    assert len(world.reviews) == 1
    assert len(world.inline_comments) == 1
    assert [run.status for run in world.check_runs] == ["completed"]


async def test_a_redis_that_forgot_a_check_run_makes_no_other(world: World, redis: "Redis") -> None:
    slow = world.sandbox.faults.add("GET /octo/hello.git/info/refs", "slow", delay=1.5)
    number = await world.open_pull(BEFORE, AFTER)
    await world.until(number, State.SCANNING)
    review_id = (await world.store.pulls.get(world.repository.id, number)).current
    await redis.hdel(keys.review(review_id), "check_run_requested", "check_run_id")
    await world.settle()
    assert slow.triggered == 1
    assert [run.conclusion for run in world.check_runs] == ["failure"]


async def test_a_review_that_redis_forgets_while_it_is_opened_is_opened_again(
    world: World, redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever opened it goes on; acknowledged now, its message would be lost with it."""
    ensure, forgotten = check_run.ensure, list[str]()

    async def failing_over(services: Services, gh: GitHub, review: Review) -> None:
        if not forgotten:
            forgotten.append(review.id)
            pull = keys.pull(review.repository.id, review.number)
            await redis.delete(keys.review(review.id), pull)
            await redis.zrem(keys.ACTIVE, review.id)
        await ensure(services, gh, review)

    monkeypatch.setattr(check_run, "ensure", failing_over)
    await world.open_pull(BEFORE, AFTER)
    await world.settle()
    assert [run.external_id for run in world.check_runs] == forgotten
    assert len(world.reviews) == 1


async def test_a_check_run_that_redis_forgot_is_closed_once_a_newer_head_is_reviewed(
    world: World, redis: "Redis"
) -> None:
    """The delivery that asked for it comes again, and its head is no longer the pull request's."""
    number = await world.open_pull(BEFORE, AFTER)
    await world.settle()
    [delivery], [run] = world.sandbox.state.deliveries, world.check_runs
    await pushed(world, number, {"app.py": BEFORE["app.py"] + "x = 1\n"})
    await world.settle()
    run.status, run.conclusion = "queued", None
    lost = [name async for name in redis.scan_iter(f"*{run.external_id}*")]
    lost += [name async for name in redis.scan_iter(f"*delivery*{delivery.guid}*")]
    lost += [name async for name in redis.scan_iter(f"{keys.PREFIX}delivery_content:*")]
    await redis.delete(*lost)
    await world.sandbox.redeliver(delivery.id)
    await world.settle()
    assert [(one.status, one.conclusion) for one in world.check_runs] == [
        ("completed", "cancelled"),
        ("completed", "success"),
    ]


async def test_a_check_run_whose_making_redis_forgot_is_closed_with_its_review(
    world: World, redis: "Redis"
) -> None:
    slow = world.sandbox.faults.add("GET /octo/hello.git/info/refs", "slow", delay=1.5)
    number = await world.open_pull(BEFORE, AFTER)
    await world.until(number, State.SCANNING)
    review_id = (await world.store.pulls.get(world.repository.id, number)).current
    await redis.hdel(keys.review(review_id), "check_run_requested", "check_run_id")
    await world.store.reviews.cancel(review_id, "Cancelled by octocat.")
    await world.settle()
    assert slow.triggered == 1
    assert [(run.status, run.conclusion) for run in world.check_runs] == [
        ("completed", "cancelled")
    ]


async def test_a_progress_that_comes_late_leaves_no_check_run_open(
    world: World, redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is on its way when another Redis takes over, which has no lock of its sender, and the
    review is superseded: the check run of the older head is completed, and then reopened."""
    on_its_way, arrives, written = threading.Event(), threading.Event(), list[str]()
    update = checks.update_check_run

    async def held_up(*where: Any, status: str | None = None, **what: Any) -> checks.CheckRun:
        if status == "in_progress" and not on_its_way.is_set():
            on_its_way.set()
            await asyncio.to_thread(arrives.wait, SECONDS)
        done = await update(*where, status=status, **what)
        written.append(done.status)
        return done

    monkeypatch.setattr(checks, "update_check_run", held_up)
    world.sandbox.faults.add("GET /octo/hello.git/info/refs", "slow", delay=6)
    number = await world.open_pull(BEFORE, AFTER)
    assert await asyncio.to_thread(on_its_way.wait, SECONDS)
    [run] = world.check_runs
    await redis.delete(*[name async for name in redis.scan_iter(f"{keys.PREFIX}lock:check:*")])
    await pushed(world, number, {"app.py": BEFORE["app.py"] + "x = 1\n"})
    await world.settle()
    assert (run.status, run.conclusion) == ("completed", "cancelled")
    assert "in_progress" not in written
    arrives.set()

    async def completed_again() -> bool:
        return "in_progress" in written and run.status == "completed"

    await world.until_true(completed_again)
    await world.settle()
    assert [(one.status, one.conclusion) for one in world.check_runs] == [
        ("completed", "cancelled"),
        ("completed", "success"),
    ]


async def test_no_progress_is_written_over_an_end_that_redis_forgot(
    world: World, redis: "Redis"
) -> None:
    """Another Redis takes over with the state of a second ago: the review is unfinished there."""
    slow = world.sandbox.faults.add("GET /octo/hello.git/info/refs", "slow", delay=1.5)
    number = await world.open_pull(BEFORE, AFTER)
    await world.until(number, State.SCANNING)
    review_id = (await world.store.pulls.get(world.repository.id, number)).current
    before = await saved(redis, review_id)
    await world.settle()
    assert slow.triggered == 1
    [run] = world.check_runs
    completed = [exchange for exchange in world.sandbox.writes() if "check-runs" in exchange.path]

    async def waits_for_none() -> bool:  # the worker's own progress
        return review_id not in check_run._pending_updates

    await world.until_true(waits_for_none)
    for name, dump in before.items():
        await redis.restore(name, 0, dump, replace=True)
    await redis.hset(keys.review(review_id), "check_run_seen_by", "the Redis before")
    state = await world.store.reviews.get(review_id)
    assert state is not None
    assert not state.state.finished
    async with open_services(world.settings) as services:
        for kind in ("lock", "once"):
            names = [name async for name in redis.scan_iter(f"{keys.PREFIX}{kind}:check:*")]
            await redis.delete(*names, "none")
        await check_run.show_progress(services, state.review)
    assert run.status == "completed"
    writes = [exchange for exchange in world.sandbox.writes() if "check-runs" in exchange.path]
    assert writes == completed


@pytest.mark.variations(1)
@pytest.mark.parametrize("way", ["time out", "cancel", "fail"])
async def test_a_posted_review_whose_check_run_waits_ends_with_its_report(
    world: World, way: str
) -> None:
    """GitHub takes the review, and for long no word on its check run."""
    faults = [world.sandbox.faults.add(UPDATE_CHECK, "502", times=1000)]
    number = await world.open_pull(BEFORE, AFTER)
    review_id = ""

    async def posted() -> bool:
        nonlocal review_id
        review_id = (await world.store.pulls.get(world.repository.id, number)).current
        state = await world.store.reviews.get(review_id)
        return state is not None and bool(state.review_url)

    await world.until_true(posted)
    change = {"error": "It was not done within 20 seconds.", "timed_out": way == "time out"}
    moved = await world.store.reviews.move(
        review_id,
        State.CANCELLED if way == "cancel" else State.FAILED,
        from_states=[State.REPORTING],
        messages=[message("conclude_review", review_id)],
        **change,  # type: ignore[arg-type]
    )
    assert moved
    assert await world.store.reviews.state(review_id) is State.COMPLETED
    for fault in faults:
        fault.times = fault.triggered
    await world.settle()
    [run] = world.check_runs
    assert (run.status, run.conclusion) == ("completed", "failure")
    assert "Nothing was posted" not in (run.output["summary"] or "")
    assert len(world.reviews) == 1
    state = await world.store.reviews.get(review_id)
    assert state is not None
    assert state.result is not None
    assert (state.error, state.findings, state.result.conclusion) == ("", 1, "failure")
    assert state.concluded

    async def counted() -> bool:
        totals = await world.store.metrics.totals()
        return totals.get("glossator_late_check_runs_total") == 1

    await world.until_true(counted)


async def test_a_review_that_was_posted_unknown_to_us_ends_with_its_report(world: World) -> None:
    """Its worker died between GitHub's answer and noting it, and its time ran out."""
    number = await world.open_pull(BEFORE, AFTER)
    await world.settle()
    review_id = (await world.store.pulls.get(world.repository.id, number)).current
    key = keys.review(review_id)
    await world.store.redis.hset(
        key, mapping={"state": "failed", "error": "It was late.", "timed_out": "1"}
    )
    await world.store.redis.hdel(key, "review_url", "result", "concluded")
    await world.store.queues.put(message("conclude_review", review_id))
    await world.settle()
    [run] = world.check_runs
    assert run.conclusion == "failure"
    state = await world.store.reviews.get(review_id)
    assert state is not None
    assert (state.state, state.error) == (State.COMPLETED, "")
    assert state.review_url


async def test_a_redis_that_lost_everything_posts_no_comment_again(
    world: World, redis: "Redis"
) -> None:
    number = await world.open_pull(BEFORE, AFTER)
    await world.settle()
    [comment] = world.inline_comments
    await redis.flushall()

    parent = world.repository.pulls[number].head_sha
    pushed = await world.sandbox.commit(REPO, {"b.py": "x = 1\n"}, parent=parent)
    await world.sandbox.push(REPO, number, pushed)
    await world.settle()
    assert world.inline_comments == [comment]
    assert "1 still open" in world.reviews[-1].body

    await world.sandbox.comment(REPO, number, "/review full")
    await world.settle()
    assert world.inline_comments == [comment]
