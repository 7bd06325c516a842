"""What was left lying is taken up again, and what can never end is ended with a reason."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from redis.asyncio import Redis

from bot.config.settings import Settings
from bot.domain.model import Batch, BatchResult, Repository, Review, State, Trigger
from bot.github import deliveries
from bot.github.client import GitHub
from bot.github.errors import Invalid
from bot.store import QUEUES, Snapshot, Store, keys, message
from bot.telemetry.metrics import Unsaved
from tests.flows.environment import POLL_SECONDS, SECONDS, World, git_processes, running
from tests.support.logs import production_log
from tests.support.reviews import state_of
from workers.queue.broker import make_broker
from workers.schedule import maintenance
from workers.schedule.redelivery import MAX_REDELIVERIES, redeliver
from workers.services import Services, open_services

BEFORE = {"app.py": "import subprocess\n"}
AFTER = {"app.py": "import subprocess\n\n\nsubprocess.call(input(), shell=True)\n"}
ID = "01JD0000000000000000000001"
ALL = (State.QUEUED, State.SCANNING, State.ANALYZING, State.REPORTING)


def review(name: str = ID, number: int = 3) -> Review:
    return Review(
        id=name,
        repository=Repository(installation_id=1, id=7, full_name="ada/engine"),
        number=number,
        head_sha="a" * 40,
        trigger=Trigger.OPENED,
        created_at=1.0,
    )


async def messages(store: Store) -> list[str]:
    """Every message in every queue, as `actor arguments`."""
    found: list[str] = []
    for queue in QUEUES:
        for body in (await store.redis.hgetall(keys.queue_messages(queue))).values():
            data = json.loads(body)
            found.append(" ".join([data["actor_name"], *map(str, data["args"])]))
    return sorted(found)


@pytest.fixture
def services(store: Store) -> Services:
    """What the sweep needs: it speaks to Redis only."""
    settings = Settings(_env_file=None)
    nothing: Any = None
    return Services(settings=settings, store=store, github=nothing, llm=None, metrics=nothing)


async def put_into(store: Store, state: State) -> None:
    """A review in that state whose messages are gone."""
    await store.reviews.open(review())
    await store.reviews.admit(ID, 1, max_concurrent=8, messages=[])
    if state is State.QUEUED:
        return
    await store.reviews.move(ID, State.SCANNING, from_states=[State.QUEUED], started_at=store.now())
    if state is State.SCANNING:
        return
    batches = [Batch(number, ()) for number in (1, 2, 3)]
    await store.reviews.move(
        ID,
        State.ANALYZING,
        from_states=[State.SCANNING],
        batches=batches if state is State.ANALYZING else (),
        files_total=3,
    )
    if state is State.ANALYZING:
        await store.stage_data.finish_batch(
            ID, 2, BatchResult(), files=1, publish=message("publish_review")
        )
        await store.queues.put(message("analyze_batch", ID, 3))
    else:
        await store.reviews.move(ID, State.REPORTING, from_states=[State.ANALYZING])


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.QUEUED, [f"scan_review {ID}"]),
        (State.SCANNING, [f"scan_review {ID}"]),
        (State.ANALYZING, [f"analyze_batch {ID} 1", f"analyze_batch {ID} 3"]),
        (State.REPORTING, [f"publish_review {ID}"]),
    ],
)
async def test_an_orphan_gets_the_message_that_fits_its_state(
    store: Store, services: Services, state: State, expected: list[str]
) -> None:
    await put_into(store, state)
    await maintenance.sweep(services)
    assert await messages(store) == expected
    await maintenance.sweep(services)
    assert await messages(store) == expected, "what has its message is left alone"


async def test_a_review_that_cannot_be_read_holds_up_no_other(
    store: Store, services: Services, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = "01JD0000000000000000000000"
    await store.reviews.open(review(broken, number=2))
    await store.redis.hset(keys.review(broken), "handoff", "{}")
    await put_into(store, State.REPORTING)
    with production_log(Settings(_env_file=None, log_json=True)):
        await maintenance.sweep(services)
    assert await messages(store) == [f"publish_review {ID}"]
    lines = capfd.readouterr().err.splitlines()
    [line] = [each for each in map(json.loads, lines) if each["event"] == "review_not_swept"]
    assert (line["review"], line["why"]) == (broken, "ValidationError")


async def test_a_review_that_was_never_queued_is_started_again(
    store: Store, services: Services
) -> None:
    await store.reviews.open(review())
    await maintenance.sweep(services)
    assert await messages(store) == [f"start_review ada/engine 3 {ID}  False None None"]


async def test_batches_that_are_cut_while_it_is_looked_around_are_no_orphans(
    store: Store, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reviews are looked after one by one, and those at the end change meanwhile."""
    await put_into(store, State.SCANNING)
    await store.queues.put(message("scan_review", ID))
    look = store.queues.snapshot

    async def before_the_scan_ends() -> Snapshot:
        seen = await look()
        await store.reviews.move(
            ID,
            State.ANALYZING,
            from_states=[State.SCANNING],
            batches=[Batch(1, ())],
            messages=[message("analyze_batch", ID, 1)],
        )
        return seen

    monkeypatch.setattr(store.queues, "snapshot", before_the_scan_ends)
    await maintenance.sweep(services)
    assert await messages(store) == [f"analyze_batch {ID} 1", f"scan_review {ID}"]


async def test_a_review_that_waits_for_its_turn_is_no_orphan(
    store: Store, services: Services
) -> None:
    for number in (1, 2):
        await store.reviews.open(review(f"{number}", number))
        scan_message = message("scan_review", f"{number}")
        await store.reviews.admit(f"{number}", 1, max_concurrent=1, messages=[scan_message])
    await maintenance.sweep(services)
    assert await messages(store) == ["scan_review 1"]
    await store.reviews.move("1", State.CANCELLED, from_states=ALL)
    assert "scan_review 2" in await messages(store)


async def test_a_review_past_its_time_ends_as_failed(store: Store, services: Services) -> None:
    await put_into(store, State.SCANNING)
    await store.reviews.update(ID, started_at=store.now() - 3700, outage="GitHub was away.")
    await maintenance.sweep(services)
    review = await state_of(store, ID)
    assert review.state is State.FAILED
    assert review.error == "Timed out after 60 minutes. GitHub was away."
    assert await messages(store) == [f"conclude_review {ID}"]


async def test_a_review_that_is_left_again_and_again_is_given_up(
    store: Store, services: Services
) -> None:
    await put_into(store, State.SCANNING)
    for _ in range(maintenance.MAX_RECOVERIES):
        await maintenance.sweep(services)
        assert await messages(store) == [f"scan_review {ID}"]
        await store.redis.delete(keys.queue_messages("scan"), keys.queue("scan"))
    await maintenance.sweep(services)
    assert (await state_of(store, ID)).error.startswith("Retried 5 times")


async def test_an_ended_review_whose_check_run_is_open_is_concluded(
    store: Store, services: Services
) -> None:
    await put_into(store, State.SCANNING)
    await store.reviews.move(ID, State.CANCELLED, from_states=ALL)
    await maintenance.sweep(services)
    assert await messages(store) == [f"conclude_review {ID}"]
    await store.reviews.mark_concluded(ID)
    assert (await store.queues.snapshot()).ending == ()


async def test_messages_of_dead_workers_go_back_to_their_queues(store: Store) -> None:
    key = keys.queue("scan")
    await store.redis.hset(f"{key}.msgs", "m1", "{}")
    await store.redis.sadd(keys.acks("dead", "scan"), "m1", "acknowledged-meanwhile")
    await store.redis.zadd(keys.HEARTBEATS, {"dead": store.now() * 1000 - 31_000})
    assert await store.queues.requeue_lost(30) == 1
    assert await store.redis.lrange(key, 0, -1) == [b"m1"]
    assert await store.redis.zcard(keys.HEARTBEATS) == 0
    assert await store.queues.requeue_lost(30) == 0


async def test_stage_data_is_deleted_with_the_review(store: Store, services: Services) -> None:
    await store.redis.set(keys.scan("gone"), b"x")
    await put_into(store, State.ANALYZING)
    await maintenance.clean_up(services)
    assert await store.redis.exists(keys.scan("gone")) == 0
    assert await store.redis.exists(keys.batches(ID)) == 1


async def test_data_of_killed_processes_is_cleaned_up(store: Store, services: Services) -> None:
    told = {"gone": 60.0, "living": 0.0}
    for process, ago in told.items():
        unsaved = Unsaved(sums={}, limits={}, gauges={"any": 1})
        await store.metrics.save(process, unsaved, now=time.time() - ago)
    await maintenance.clean_up(services)
    assert await store.redis.hkeys(keys.METRICS_GAUGES) == [b"living"]


async def test_a_redis_that_may_lose_work_is_complained_of(store: Store) -> None:
    assert await store.warnings() == ()
    await store.redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        [complaint] = await store.warnings()
    finally:
        await store.redis.config_set("maxmemory-policy", "noeviction")
    assert "set maxmemory-policy to noeviction" in str(complaint)


# With everything running


@pytest.fixture
async def world(redis_url: str, redis: "Redis", tmp_path: Path) -> AsyncIterator[World]:
    async with running(redis_url, redis, tmp_path, step_seconds=60) as world:
        yield world


async def test_failed_deliveries_are_requested_once_each(world: World) -> None:
    url, world.sandbox.webhook_url = world.sandbox.webhook_url, "http://127.0.0.1:9/nothing-there"
    number = await world.open_pull(BEFORE, AFTER)
    world.sandbox.webhook_url = url
    async with open_services(world.settings) as services:
        await redeliver(services)
        await world.until(number, State.COMPLETED)
        await redeliver(services)
    await world.settle()
    assert [attempt.status for attempt in world.sandbox.state.deliveries] == [
        "failed to connect to host",
        "OK",
    ]
    assert len(world.reviews) == 1


async def test_what_a_redis_that_took_over_has_lost_is_requested_and_done_once(
    world: World,
) -> None:
    """The delivery was accepted, and reviewed even; Redis knows of neither."""
    await world.open_pull(BEFORE, AFTER)
    await world.settle()
    [attempt] = world.sandbox.state.deliveries
    async with open_services(world.settings) as services:
        await redeliver(services)
        await redeliver(services)
        assert len(world.sandbox.state.deliveries) == 1, "nothing is lost"

        [review_id] = [run.external_id for run in world.check_runs]
        lost = [name async for name in world.store.redis.scan_iter(f"{keys.PREFIX}delivery*")]
        lost += [name async for name in world.store.redis.scan_iter(f"{keys.PREFIX}pull:*")]
        lost += [name async for name in world.store.redis.scan_iter(f"*{review_id}*")]
        await world.store.redis.delete(*lost)
        await world.store.redis.zrem(keys.REVIEWS, review_id)
        await world.store.redis.set(keys.REDIS_RUN_ID, "of the one before")
        starts = keys.stage_starts(review_id, "scan")
        await world.store.redis.sadd(starts, "a", "b", "c", "d", "e")
        await redeliver(services)

        async def reviewed_again() -> bool:
            return await world.store.reviews.state(review_id) is State.COMPLETED

        await world.until_true(reviewed_again)
        await world.settle()
        await redeliver(services)
    assert [one.guid for one in world.sandbox.state.deliveries] == [attempt.guid] * 2
    assert [run.status for run in world.check_runs] == ["completed"]
    assert len(world.reviews) == 1
    assert len(world.inline_comments) <= 1


async def test_a_redis_that_takes_over_while_we_look_is_seen_the_next_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_services(world.settings) as services:
        await redeliver(services)
        noted, listed = await world.store.deliveries.redis_run_id(), deliveries.list_deliveries

        async def fail_over(gh: GitHub, since: datetime) -> tuple[deliveries.Delivery, ...]:
            async def another() -> str:
                return "another"

            monkeypatch.setattr(services.store.deliveries, "redis_run_id", another)
            return await listed(gh, since)

        monkeypatch.setattr(deliveries, "list_deliveries", fail_over)
        await redeliver(services)
        assert await world.store.redis.get(keys.REDIS_RUN_ID) == noted.encode()
        assert await services.store.deliveries.redis_changed("another")
        await redeliver(services)
        assert not await services.store.deliveries.redis_changed("another")


@pytest.mark.slow
async def test_a_redelivery_that_fails_too_is_requested_again_later(world: World) -> None:
    url, world.sandbox.webhook_url = world.sandbox.webhook_url, "http://127.0.0.1:9/nothing-there"
    number = await world.open_pull(BEFORE, AFTER)
    async with open_services(world.settings) as services:
        await redeliver(services)
        async with asyncio.timeout(SECONDS):
            while len(world.sandbox.state.deliveries) < 2:
                await asyncio.sleep(POLL_SECONDS)
        world.sandbox.webhook_url = url
        await redeliver(services)
        assert len(world.sandbox.state.deliveries) == 2, "not at once"
        waiting: Any = await world.store.redis.zrange(keys.REDELIVERIES, 0, -1, withscores=True)
        [(member, due)] = waiting
        assert 5 < due - time.time() < 11
        await world.store.redis.zadd(keys.REDELIVERIES, {member: 0})
        await redeliver(services)
        await world.until(number, State.COMPLETED)
    await world.settle()


async def test_a_delivery_that_github_will_not_repeat_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, world.sandbox.webhook_url = world.sandbox.webhook_url, "http://127.0.0.1:9/nothing-there"
    await world.open_pull(BEFORE, AFTER)
    second = await world.open_pull(BEFORE, AFTER)
    world.sandbox.webhook_url = url
    refused, ask = (
        min(attempt.id for attempt in world.sandbox.state.deliveries),
        deliveries.redeliver,
    )

    async def redeliver_others(gh: GitHub, number: int) -> None:
        if number == refused:
            raise Invalid("GitHub refuses POST /app/hook/deliveries with 422.")
        await ask(gh, number)

    monkeypatch.setattr(deliveries, "redeliver", redeliver_others)
    async with open_services(world.settings) as services:
        await redeliver(services)
        await world.until(second, State.COMPLETED)
        for waits in range(MAX_REDELIVERIES - 1):
            waiting: Any = await world.store.redis.zrange(keys.REDELIVERIES, 0, -1, withscores=True)
            [(_, due)] = waiting
            assert 4 < due - time.time() <= 3600, waits
            await world.store.redis.zadd(
                keys.REDELIVERIES, {f"{refused}:{guid(world, refused)}": 0}
            )
            await redeliver(services)
        assert await world.store.redis.zcard(keys.REDELIVERIES) == 0, "it is given up at last"
    await world.settle()


def guid(world: World, attempt_id: int) -> str:
    return next(one.guid for one in world.sandbox.state.deliveries if one.id == attempt_id)


@pytest.mark.slow
async def test_an_outage_longer_than_all_retries_is_waited_out(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    async with running(redis_url, redis, tmp_path, max_retries=0) as world:
        fault = world.sandbox.faults.add("GET /api/v3/repos/*/compare/*", "500", times=9)
        await world.open_pull(BEFORE, AFTER)
        await world.settle()
        assert fault.triggered == 9
        assert len(world.reviews) == 1


@pytest.mark.slow
async def test_a_hung_git_is_ended_by_the_limit_of_its_step(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    async with running(redis_url, redis, tmp_path, step_seconds=2) as world:
        fault = world.sandbox.faults.add("GET /octo/hello.git/info/refs", "timeout", times=9)
        number = await world.open_pull(BEFORE, AFTER)
        async with asyncio.timeout(SECONDS):
            while not fault.triggered:
                await asyncio.sleep(POLL_SECONDS)
        assert git_processes(world.sandbox.url)
        await world.settle()
        progress: Any = await world.progress(number)
        assert (progress.state, progress.error) == (
            State.FAILED,
            "Timed out after 2 seconds.",
        )
        [check_run] = world.check_runs
        assert (check_run.status, check_run.conclusion) == ("completed", "neutral")
        assert check_run.output["title"] == "The review took too long"
        assert git_processes(world.sandbox.url) == []
        assert fault.triggered == 1


async def test_a_scheduler_whose_clock_is_hours_ahead_ends_no_review(
    store: Store, services: Services
) -> None:
    await put_into(store, State.SCANNING)
    store.now = lambda: time.time() + 7200
    await maintenance.sweep(services)
    assert (await state_of(store, ID)).state is State.SCANNING


async def test_a_scheduler_whose_clock_is_ahead_takes_no_living_workers_messages(
    store: Store, redis_url: str
) -> None:
    """Nor does a worker whose clock is, which looks for the dead now and then."""
    living = make_broker(redis_url, [])
    living.declare_queue("scan")
    await store.queues.put(message("scan_review", ID))
    [taken] = await asyncio.to_thread(living.do_fetch, "scan", 1)
    store.now = lambda: time.time() + 7200
    assert await store.queues.requeue_lost(30) == 0
    ahead = make_broker(redis_url, [])
    ahead.maintenance_chance = 1_000_000
    with patch(
        "dramatiq.brokers.redis.current_millis", lambda: int(time.time() * 1000) + 7_200_000
    ):
        assert await asyncio.to_thread(ahead.do_fetch, "scan", 1) == []
    assert taken
    assert await store.redis.llen(keys.queue("scan")) == 0
    for broker in (living, ahead):
        broker.close()
