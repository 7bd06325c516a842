"""How many calls to the endpoint are in flight, over all workers.

`LLM_CONCURRENCY` and `LLM_GAP_MS` are kept in Redis by one script: leases that expire
with a crashed holder, a queue of who waits since when, a limit that a 429 halves and
time heals. Without Redis the same rules hold in one process.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol
from uuid import uuid4

from bot.runtime.tasks import stop
from bot.store import LLMState

Sleep = Callable[[float], Awaitable[None]]

#: Seconds in which a halved limit gains one call back.
RECOVERY = 30.0
#: Bounds of the wait between two looks at the queue, in seconds.
_MIN_POLL = 0.02
_MAX_POLL = 0.5
#: Seconds after which one who waits and no longer looks is forgotten.
_EXPIRY = 5.0


class Pacing(Protocol):
    """Who may call, and when."""

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Waits for a turn and holds it for the block."""
        ...

    async def throttled(self, seconds: float) -> None:
        """Says that the endpoint answered 429: halve the limit, and no call for so long."""
        ...


class RedisPacing:
    """The pace of all processes that share one Redis and one endpoint (`name`)."""

    def __init__(
        self,
        llm: LLMState,
        name: str,
        *,
        concurrency: int,
        gap_ms: int,
        lease_seconds: float,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._llm, self._endpoint = llm, name
        self._limits = (concurrency, gap_ms, int(lease_seconds * 1000))
        self._sleep = sleep
        self._slot_freed = asyncio.Event()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        me = uuid4().hex
        try:
            while wait := await self._poll(me):
                await self._wait_for_slot(min(max(wait / 1000, _MIN_POLL), _MAX_POLL))
            yield
        finally:
            # Also when the wait or the call is cancelled.
            await asyncio.shield(self._release_slot(me))

    async def throttled(self, seconds: float) -> None:
        await self._llm.throttle(
            self._endpoint,
            limit=self._limits[0],
            recovery=int(RECOVERY * 1000),
            pause=int(seconds * 1000),
        )

    async def _release_slot(self, me: str) -> None:
        await self._llm.release_slot(self._endpoint, me)
        self._slot_freed.set()  # whoever waits in this process looks at once
        self._slot_freed.clear()

    async def _wait_for_slot(self, seconds: float) -> None:
        """Sleep, but not longer than until a turn of this process ends."""
        waits = [
            asyncio.ensure_future(self._sleep(seconds)),
            asyncio.ensure_future(self._slot_freed.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await stop(*waits)

    async def _poll(self, me: str) -> int:
        limit, gap, lease = self._limits
        return await self._llm.acquire_slot(
            self._endpoint,
            me,
            limit=limit,
            gap=gap,
            lease=lease,
            recovery=int(RECOVERY * 1000),
            expiry=int(_EXPIRY * 1000),
        )


class LocalPacing:
    """The same pace in one process."""

    def __init__(
        self,
        *,
        concurrency: int,
        gap_ms: int,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._concurrency = concurrency
        self._gap = gap_ms / 1000
        self._sleep = sleep
        self._clock = clock
        self._turn = asyncio.Lock()  # first come, first served
        self._slot_freed = asyncio.Event()
        self._active = 0
        self._next = self._pause = 0.0
        self._limit, self._since = concurrency, clock() - 1  # the first 429 counts at once

    def limit(self) -> int:
        """Calls that may be in flight now."""
        healed = self._limit + int((self._clock() - self._since) / RECOVERY)
        return min(self._concurrency, healed)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        async with self._turn:
            while self._active >= self.limit():
                self._slot_freed.clear()
                await self._slot_freed.wait()
            while (wait := max(self._next, self._pause) - self._clock()) > 0:
                await self._sleep(min(wait, _MAX_POLL))
            self._next = self._clock() + self._gap
            self._active += 1
        try:
            yield
        finally:
            self._active -= 1
            self._slot_freed.set()

    async def throttled(self, seconds: float) -> None:
        now = self._clock()
        if now - self._since >= 1:
            self._limit, self._since = max(1, self.limit() // 2), now
        self._pause = max(self._pause, now + seconds)
