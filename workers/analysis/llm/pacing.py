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

from redis.asyncio import Redis

from bot.runtime.tasks import stop
from bot.store import keys

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


# KEYS: leases, waiters, looks, state. ARGV: me, limit, gap ms, lease ms, recovery ms,
# forgotten ms. Returns 0 (granted) or the ms after which another look is worth it.
_ACQUIRE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local me, limit, gap = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local lease, recovery, forgotten = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now - forgotten)) do
  redis.call('ZREM', KEYS[2], gone)
  redis.call('ZREM', KEYS[3], gone)
end
redis.call('ZADD', KEYS[2], 'NX', redis.call('HINCRBY', KEYS[4], 'ticket', 1), me)
redis.call('ZADD', KEYS[3], now, me)
for _, key in ipairs({KEYS[2], KEYS[3], KEYS[4]}) do redis.call('PEXPIRE', key, 86400000) end
local s = redis.call('HMGET', KEYS[4], 'limit', 'since', 'next', 'pause')
if s[1] then
  limit = math.min(limit, tonumber(s[1]) + math.floor((now - tonumber(s[2])) / recovery))
end
local free = limit - redis.call('ZCARD', KEYS[1])
local rank = redis.call('ZRANK', KEYS[2], me)
if rank >= free then return 100 end
local at = math.max(tonumber(s[3] or '0'), tonumber(s[4] or '0'))
if at > now then return at - now end
if rank > 0 and gap > 0 then return gap end
redis.call('ZREM', KEYS[2], me)
redis.call('ZREM', KEYS[3], me)
redis.call('ZADD', KEYS[1], now + lease, me)
redis.call('PEXPIRE', KEYS[1], lease + 60000)
redis.call('HSET', KEYS[4], 'next', now + gap)
return 0
"""

# KEYS: leases, waiters, looks. ARGV: me.
_RELEASE = """
for i = 1, 3 do redis.call('ZREM', KEYS[i], ARGV[1]) end
return 0
"""

# KEYS: state. ARGV: limit, recovery ms, pause ms. Calls that were in flight together and
# are all refused halve the limit once: only one halving a second counts.
_THROTTLE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local limit, recovery, pause = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local s = redis.call('HMGET', KEYS[1], 'limit', 'since', 'pause')
if s[1] then
  limit = math.min(limit, tonumber(s[1]) + math.floor((now - tonumber(s[2])) / recovery))
end
if not s[2] or now - tonumber(s[2]) >= 1000 then
  redis.call('HSET', KEYS[1], 'limit', math.max(1, math.floor(limit / 2)), 'since', now)
end
redis.call('HSET', KEYS[1], 'pause', math.max(tonumber(s[3] or '0'), now + pause))
redis.call('PEXPIRE', KEYS[1], 86400000)
return 0
"""


class RedisPacing:
    """The pace of all processes that share one Redis and one endpoint (`name`)."""

    def __init__(
        self,
        redis: "Redis",
        name: str,
        *,
        concurrency: int,
        gap_ms: int,
        lease_seconds: float,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._keys = [
            keys.llm_leases(name),
            keys.llm_waiters(name),
            keys.llm_polls(name),
            keys.llm_limit(name),
        ]
        self._limits = (concurrency, gap_ms, int(lease_seconds * 1000))
        self._sleep = sleep
        self._slot_freed = asyncio.Event()
        self._acquire = redis.register_script(_ACQUIRE)
        self._release = redis.register_script(_RELEASE)
        self._throttle = redis.register_script(_THROTTLE)

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
        concurrency = self._limits[0]
        args = [concurrency, int(RECOVERY * 1000), int(seconds * 1000)]
        await self._throttle(keys=self._keys[3:], args=args)

    async def _release_slot(self, me: str) -> None:
        await self._release(keys=self._keys[:3], args=[me])
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
        args: list[str | int] = [me, *self._limits, int(RECOVERY * 1000), int(_EXPIRY * 1000)]
        return int(await self._acquire(keys=self._keys, args=args))


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
