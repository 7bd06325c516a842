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
from bot.store import Store
from bot.store.attempts import note_end, note_start
from bot.telemetry.metrics import Metrics
from workers.queue.retries import Later
from workers.review import stage
from workers.review.stage import Attempt, StepFailed, run_step
from workers.services import Services

ID = "01JD0000000000000000000001"
Work = Callable[[Review, dict[str, str]], Coroutine[Any, Any, None]]


@pytest.fixture
async def services(store: Store, monkeypatch: pytest.MonkeyPatch) -> Services:
    """A review that is being scanned, looked after without long waits."""
    monkeypatch.setattr(stage, "WATCH_SECONDS", 0.01)
    monkeypatch.setattr(stage, "CLEANUP_SECONDS", 0.01)
    await store.open_review(
        Review(
            id=ID,
            repository=Repository(installation_id=1, id=7, full_name="ada/engine"),
            number=3,
            head_sha="a" * 40,
            trigger=Trigger.OPENED,
            created_at=1.0,
        )
    )
    await store.move(ID, State.SCANNING, of=[State.QUEUED], started_at=store.now())
    nothing: Any = None
    return Services(
        settings=Settings(_env_file=None, step_seconds=60),
        store=store,
        github=nothing,
        llm=None,
        metrics=Metrics(store.redis),
    )


async def scanning(services: Services, work: Work) -> None:
    attempt = Attempt(0, last=False)
    await run_step(services, ID, "scan", during=[State.SCANNING], attempt=attempt, work=work)


async def ends(running: "asyncio.Task[None]") -> None:
    """Waits for it without cancelling it, which would heal what is tested here."""
    done, _ = await asyncio.wait({running}, timeout=5)
    assert done, "the step runs on"


class Deaf:
    """Work that loses the first word to stop, as `asyncio.wait_for` of Python 3.11 may."""

    def __init__(self) -> None:
        self.began, self.ended, self.lost = asyncio.Event(), False, 0

    async def __call__(self, review: Review, fields: dict[str, str]) -> None:
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
    await services.store.move(ID, State.SUPERSEDED, of=[State.SCANNING])
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
    asked, work, state = asyncio.Event(), Deaf(), services.store.state

    async def losing(review_id: str) -> State | None:
        if not asked.is_set():
            asked.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
        return await state(review_id)

    monkeypatch.setattr(services.store, "state", losing)
    running = asyncio.create_task(scanning(services, work))
    await asked.wait()
    running.cancel()
    await ends(running)
    assert running.cancelled()
    assert work.ended


async def test_a_step_past_its_time_ends_its_review_and_its_work(services: Services) -> None:
    work = Deaf()
    settings = services.settings
    left = services.store.now() - settings.review_seconds + 0.2
    await services.store.remember(ID, started_at=left)
    running = asyncio.create_task(scanning(services, work))
    await ends(running)
    assert work.ended
    assert await services.store.state(ID) is State.FAILED


async def starts(services: Services) -> int:
    """How many starts of the scan had no end, one for this look included."""
    number = await note_start(services.store, ID, "scan", "look")
    await note_end(services.store, ID, "scan", "look")
    return number


async def test_a_step_that_ended_is_no_suspect(services: Services) -> None:
    async def work(review: Review, fields: dict[str, str]) -> None:
        assert await starts(services) == 2

    for _ in range(2):
        await scanning(services, work)
    assert await starts(services) == 1


async def test_steps_that_redis_left_are_no_suspects_once_it_is_back(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    away, real = True, cast(Any, Redis.execute_command)

    async def refusing(redis: Any, *args: Any, **more: Any) -> Any:
        if away:
            raise RedisConnectionError("Connection refused.")
        return await real(redis, *args, **more)

    async def work(review: Review, fields: dict[str, str]) -> None:
        monkeypatch.setattr(Redis, "execute_command", refusing)
        raise RedisConnectionError("Connection refused.")

    monkeypatch.setattr(stage, "REDIS_AGAIN_SECONDS", 0.01)
    for _ in range(stage.SUSPECT_STARTS):
        monkeypatch.setattr(Redis, "execute_command", real)
        with pytest.raises(Later):
            await scanning(services, work)
    away = False
    async with asyncio.timeout(10):
        while await starts(services) > 1:
            await asyncio.sleep(0.01)


async def test_the_limit_that_was_reached_is_told(services: Services) -> None:
    async def hang(review: Review, fields: dict[str, str]) -> None:
        await asyncio.sleep(60)

    await services.store.remember(ID, started_at=services.store.now() - 3599.9)
    await scanning(services, hang)
    assert (await services.store.fields(ID))["error"] == "It was not done within 60 minutes."


async def test_what_breaks_because_its_review_ended_is_no_failure(services: Services) -> None:
    """What was handed on is deleted with the end of a review, of which the step has yet to hear."""

    async def break_down(review: Review, fields: dict[str, str]) -> None:
        await services.store.move(ID, State.CANCELLED, of=[State.SCANNING])
        raise StepFailed("What was to be read is gone from Redis; start the review again.")

    with capture_logs() as lines:
        await scanning(services, break_down)
    assert [line["event"] for line in lines] == ["step_stopped", "step_ended"]
