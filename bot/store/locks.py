"""Coordination between processes: who does a thing alone, and how often it is done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio.lock import Lock
from redis.exceptions import LockError, RedisError

from bot.runtime.tasks import stop
from bot.store import keys
from bot.store.database import Database
from bot.telemetry import log

_log = log.get(__name__)


class Locks:
    """All methods raise RedisError."""

    def __init__(self, database: Database) -> None:
        self._redis = database.redis

    @asynccontextmanager
    async def hold(self, name: str, *, seconds: float, wait: float) -> AsyncIterator[bool]:
        """Hold a lock over all processes; yields False if another holds it for longer than
        `wait` seconds. It is renewed while it is held, also over errors of Redis; a holder that
        dies loses it after `seconds`."""
        lock = self._redis.lock(
            keys.lock(name), timeout=seconds, blocking_timeout=wait, thread_local=False
        )
        held = await lock.acquire()
        renewal = asyncio.create_task(_renew(lock, name, seconds / 3)) if held else None
        try:
            yield held
        finally:
            if renewal is not None:
                await stop(renewal)
                await _release(lock, name)

    async def once_per(self, name: str, milliseconds: int) -> bool:
        """True for the first asker in each span of time: spaces what must not be done too
        often, over all processes."""
        key = keys.once(name)
        return bool(await self._redis.set(key, "1", nx=True, px=milliseconds))


async def _release(lock: Lock, name: str) -> None:
    """Give the lock back. What was done under it stands, should Redis be away just now: the
    lock runs out by itself."""
    try:
        await lock.release()
    except LockError:
        pass  # it was lost, and is another's now
    except RedisError as exc:
        _log.warning("lock_not_released", name=name, why=str(exc))


async def _renew(lock: Lock, name: str, every: float) -> None:
    """Renew the lock for as long as it is ours; a Redis that is away for a moment is asked
    again soon, for it keeps the lock until that has run out."""
    pause = every
    while True:
        await asyncio.sleep(pause)
        try:
            await lock.reacquire()
            pause = every
        except LockError:
            _log.error("lock_lost", name=name)
            return
        except RedisError as exc:
            pause = every / 4
            _log.warning("lock_not_renewed", name=name, why=str(exc))
