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
from bot.store import Store, cancellation
from workers.review.review_log import tell_end

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
    await store.open_review(made)
    await cancellation.cancel(store, ID, "Cancelled by ada.")
    return made


def ends(lines: Sequence[Any]) -> list[Any]:
    return [line for line in lines if line["event"] == "review_ended"]


async def test_two_workers_tell_it_once(store: Store, review: Review) -> None:
    with capture_logs() as lines:
        await asyncio.gather(*(tell_end(store, review) for _ in range(4)))
    [line] = ends(lines)
    assert line["state"] == State.CANCELLED
    assert line["seconds"] >= 0, "Redis tells whole seconds"


async def test_it_is_told_though_redis_was_away_in_the_midst_of_it(
    store: Store, review: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever command it was: the next try makes up for it."""
    real, number = cast(Any, Redis.execute_command), 0
    execute = cast(Any, Pipeline.execute)

    def counted() -> None:
        nonlocal number
        number += 1
        if number == away:
            raise RedisConnectionError("Connection refused.")

    async def one(redis: Any, *args: Any, **more: Any) -> Any:
        counted()
        return await real(redis, *args, **more)

    async def several(pipe: Any, *args: Any, **more: Any) -> Any:
        counted()
        return await execute(pipe, *args, **more)

    with capture_logs() as lines:
        away = 2
        monkeypatch.setattr(Redis, "execute_command", one)
        monkeypatch.setattr(Pipeline, "execute", several)
        with pytest.raises(RedisConnectionError):
            await tell_end(store, review)
        await tell_end(store, review)
    assert len(ends(lines)) == 1


async def test_a_worker_that_is_stopped_in_the_midst_of_it_has_told_it(
    store: Store, review: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, fields = asyncio.Event(), store.fields

    async def slow(review_id: str) -> dict[str, str]:
        begun.set()
        await asyncio.sleep(0.1)
        return await fields(review_id)

    monkeypatch.setattr(store, "fields", slow)
    with capture_logs() as lines:
        telling = asyncio.create_task(tell_end(store, review))
        await begun.wait()
        telling.cancel()
        await asyncio.wait({telling})
        await tell_end(store, review)
    assert telling.cancelled()
    assert len(ends(lines)) == 1
