"""The last line of a review: once, whatever happens to who writes it."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from bot.domain.model import Repository, Review, State, Trigger
from bot.store import ReviewState, Store
from workers.review.review_log import log_review_end

ID = "01JD0000000000000000000001"


@pytest.fixture
async def review(store: Store) -> Review:
    """One that was cancelled as soon as it was asked for."""
    made = Review(
        id=ID,
        repository=Repository(installation_id=1, id=7, full_name="ada/engine"),
        number=3,
        head_sha="a" * 40,
        trigger=Trigger.OPENED,
        created_at=store.now(),
    )
    await store.reviews.open(made)
    await store.reviews.cancel(ID, "Cancelled by ada.")
    return made


def ends(lines: Sequence[Any]) -> list[Any]:
    return [line for line in lines if line["event"] == "review_ended"]


async def test_two_workers_log_it_once(store: Store, review: Review) -> None:
    with capture_logs() as lines:
        await asyncio.gather(*(log_review_end(store, review.id) for _ in range(4)))
    [line] = ends(lines)
    assert line["state"] == State.CANCELLED
    assert line["seconds"] >= 0, "Redis tells whole seconds"


async def test_it_is_reported_despite_a_redis_outage_midway(
    store: Store, review: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever command it was: the next try makes up for it."""
    real, number = cast(Any, Redis.execute_command), 0
    execute = cast(Any, Pipeline.execute)

    def counted() -> None:
        nonlocal number
        number += 1
        if number == failing_call:
            raise RedisConnectionError("Connection refused.")

    async def one(redis: Any, *args: Any, **more: Any) -> Any:
        counted()
        return await real(redis, *args, **more)

    async def several(pipe: Any, *args: Any, **more: Any) -> Any:
        counted()
        return await execute(pipe, *args, **more)

    with capture_logs() as lines:
        failing_call = 2
        monkeypatch.setattr(Redis, "execute_command", one)
        monkeypatch.setattr(Pipeline, "execute", several)
        with pytest.raises(RedisConnectionError):
            await log_review_end(store, review.id)
        await log_review_end(store, review.id)
    assert len(ends(lines)) == 1


async def test_a_worker_stopped_midway_has_reported_it(
    store: Store, review: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, get = asyncio.Event(), store.reviews.get

    async def slow(review_id: str) -> ReviewState | None:
        started.set()
        await asyncio.sleep(0.1)
        return await get(review_id)

    monkeypatch.setattr(store.reviews, "get", slow)
    with capture_logs() as lines:
        logging_task = asyncio.create_task(log_review_end(store, review.id))
        await started.wait()
        logging_task.cancel()
        await asyncio.wait({logging_task})
        await log_review_end(store, review.id)
    assert logging_task.cancelled()
    assert len(ends(lines)) == 1
