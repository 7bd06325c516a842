"""Locks over all processes, in a real Redis."""

import asyncio
from typing import Any

import pytest
from redis.asyncio.lock import Lock
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from bot.store import Store, keys

KEY = keys.lock("publish")


class Renewals:
    """Counts the renewals of locks; the first `failures` of them do not reach Redis."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, failures: int = 0) -> None:
        self.failures, self.tried, self._more = failures, 0, asyncio.Condition()
        self._real = Lock.reacquire
        monkeypatch.setattr(Lock, "reacquire", lambda lock: self._renew(lock))

    async def _renew(self, lock: Any) -> bool:
        async with self._more:
            self.tried += 1
            self._more.notify_all()
        if self.tried <= self.failures:
            raise RedisConnectionError("Connection closed by server.")
        return await self._real(lock)

    async def until(self, tried: int) -> None:
        async with asyncio.timeout(10), self._more:
            await self._more.wait_for(lambda: self.tried >= tried)


async def test_a_lock_is_kept_over_a_moment_without_redis(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewals = Renewals(monkeypatch, failures=1)
    async with store.locks.hold("publish", seconds=1, wait=0) as acquired:
        assert acquired
        await renewals.until(6)  # so many take longer than it is held by itself
        async with store.locks.hold("publish", seconds=1, wait=0) as second:
            assert not second
    assert not await store.redis.exists(KEY)


async def test_a_lost_lock_is_reported_and_left_to_its_new_holder(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewals = Renewals(monkeypatch)
    with capture_logs() as lines:
        async with store.locks.hold("publish", seconds=0.3, wait=0):
            await store.redis.set(KEY, "another's", px=60_000)
            await renewals.until(1)
            async with asyncio.timeout(10):
                while not lines:
                    await asyncio.sleep(0.01)
    assert [(line["event"], line["name"]) for line in lines] == [("lock_lost", "publish")]
    assert renewals.tried == 1
    assert await store.redis.get(KEY) == b"another's"


async def test_work_done_under_a_lock_is_kept_if_redis_fails_at_its_end(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def redis_down(lock: Any) -> None:
        raise RedisConnectionError("Connection closed by server.")

    monkeypatch.setattr(Lock, "release", redis_down)
    with capture_logs() as lines:
        async with store.locks.hold("publish", seconds=30, wait=0) as acquired:
            assert acquired
    assert [(line["event"], line["name"]) for line in lines] == [("lock_not_released", "publish")]
