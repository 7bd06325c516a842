"""How a step ends: with its work, and never before it."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from bot.config.settings import Settings
from bot.domain.model import Repository, Review, State, Trigger
from bot.store import ReviewState, Store
from bot.telemetry.metrics import Metrics
from tests.support.reviews import state_of
from workers.queue.actor import Attempt, RetryLater
from workers.review import stage
from workers.review.stage import StageFailed, run_stage
from workers.services import Services

ID = "01JD0000000000000000000001"
Work = Callable[[ReviewState], Coroutine[Any, Any, None]]


@pytest.fixture
async def services(store: Store, monkeypatch: pytest.MonkeyPatch) -> Services:
    """A review that is being scanned, looked after without long waits."""
    monkeypatch.setattr(stage, "WATCH_SECONDS", 0.01)
    monkeypatch.setattr(stage, "CLEANUP_SECONDS", 0.01)
    await store.reviews.open(
        Review(
            id=ID,
            repository=Repository(installation_id=1, id=7, full_name="ada/engine"),
            number=3,
            head_sha="a" * 40,
            trigger=Trigger.OPENED,
            created_at=1.0,
        )
    )
    await store.reviews.move(ID, State.SCANNING, from_states=[State.QUEUED], started_at=store.now())
    nothing: Any = None
    return Services(
        settings=Settings(_env_file=None, step_seconds=60),
        store=store,
        github=nothing,
        llm=None,
        metrics=Metrics(store.metrics),
    )


async def scanning(services: Services, work: Work) -> None:
    attempt = Attempt(0, last=False)
    await run_stage(services, ID, "scan", during=[State.SCANNING], attempt=attempt, work=work)


async def ends(running: "asyncio.Task[None]") -> None:
    """Waits for it without cancelling it, which would heal what is tested here."""
    done, _ = await asyncio.wait({running}, timeout=5)
    assert done, "the step runs on"


class Deaf:
    """Work that loses the first word to stop, as `asyncio.wait_for` of Python 3.11 may."""

    def __init__(self) -> None:
        self.began, self.ended, self.lost = asyncio.Event(), False, 0

    async def __call__(self, review: ReviewState) -> None:
        self.began.set()
        try:
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    self.lost += 1
                    if self.lost > 1:
                        raise
        finally:
            self.ended = True


async def test_work_that_loses_a_cancellation_ends_with_its_review(services: Services) -> None:
    work = Deaf()
    running = asyncio.create_task(scanning(services, work))
    await work.began.wait()
    await services.store.reviews.move(ID, State.SUPERSEDED, from_states=[State.SCANNING])
    await ends(running)
    await running
    assert work.ended
    assert work.lost == 2


async def test_work_that_loses_a_cancellation_ends_with_its_worker(services: Services) -> None:
    work = Deaf()
    running = asyncio.create_task(scanning(services, work))
    await work.began.wait()
    running.cancel()
    await ends(running)
    assert running.cancelled()
    assert work.ended


async def test_a_cancellation_that_the_watch_loses_still_ends_the_step(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    state_checked, work, state = asyncio.Event(), Deaf(), services.store.reviews.state

    async def losing(review_id: str) -> State | None:
        if not state_checked.is_set():
            state_checked.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
        return await state(review_id)

    monkeypatch.setattr(services.store.reviews, "state", losing)
    running = asyncio.create_task(scanning(services, work))
    await state_checked.wait()
    running.cancel()
    await ends(running)
    assert running.cancelled()
    assert work.ended


async def test_a_step_past_its_time_ends_its_review_and_its_work(services: Services) -> None:
    work = Deaf()
    settings = services.settings
    left = services.store.now() - settings.review_seconds + 0.2
    await services.store.reviews.update(ID, started_at=left)
    running = asyncio.create_task(scanning(services, work))
    await ends(running)
    assert work.ended
    assert await services.store.reviews.state(ID) is State.FAILED


async def starts(services: Services) -> int:
    """How many starts of the scan had no end, one for this look included."""
    number = await services.store.stage_data.record_start(ID, "scan", "look")
    await services.store.stage_data.record_end(ID, "scan", "look")
    return number


async def test_a_stage_that_ended_is_not_counted_as_crashed(services: Services) -> None:
    async def work(review: ReviewState) -> None:
        assert await starts(services) == 2

    for _ in range(2):
        await scanning(services, work)
    assert await starts(services) == 1


async def test_stages_interrupted_by_redis_are_not_counted_as_crashed(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_down, real = True, cast(Any, Redis.execute_command)

    async def refusing(redis: Any, *args: Any, **more: Any) -> Any:
        if redis_down:
            raise RedisConnectionError("Connection refused.")
        return await real(redis, *args, **more)

    async def work(review: ReviewState) -> None:
        monkeypatch.setattr(Redis, "execute_command", refusing)
        raise RedisConnectionError("Connection refused.")

    monkeypatch.setattr(stage, "REDIS_RETRY_SECONDS", 0.01)
    for _ in range(stage.ISOLATE_AFTER_STARTS):
        monkeypatch.setattr(Redis, "execute_command", real)
        with pytest.raises(RetryLater):
            await scanning(services, work)
    redis_down = False
    async with asyncio.timeout(10):
        while await starts(services) > 1:
            await asyncio.sleep(0.01)


async def test_the_exceeded_limit_is_reported(services: Services) -> None:
    async def hang(review: ReviewState) -> None:
        await asyncio.sleep(60)

    await services.store.reviews.update(ID, started_at=services.store.now() - 3599.9)
    await scanning(services, hang)
    assert (await state_of(services.store, ID)).error == "Timed out after 60 minutes."


async def test_what_breaks_because_its_review_ended_is_no_failure(services: Services) -> None:
    """What was handed on is deleted with the end of a review, of which the step has yet to hear."""

    async def break_down(review: ReviewState) -> None:
        await services.store.reviews.move(ID, State.CANCELLED, from_states=[State.SCANNING])
        raise StageFailed("The review's data expired in Redis; start it again.")

    with capture_logs() as lines:
        await scanning(services, break_down)
    assert [line["event"] for line in lines] == ["stage_stopped", "stage_ended"]
