"""How many requests an address may send to one web process, and how many connections or lists
it may hold open.

Requests: a bucket of tokens for each address, filled evenly. Deliveries are not counted: they are
signed, and GitHub sends them in bursts; nor are the probes of whoever runs the server. Feeds are
counted as they are opened.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from bot.security.network import network_of
from bot.web.api import problems
from bot.web.api.problems import Problem
from bot.web.security_headers import EXEMPT_PATHS

TOO_MANY_LISTS = "Too many concurrent list requests. Wait for the others to finish."

#: Addresses remembered; the one not heard of for longest is forgotten first.
MAX_ADDRESSES = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    updated_at: float


class RateLimiter:
    """`per_minute` requests on average, and as many at once."""

    def __init__(self, per_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._now = float(per_minute), now
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait(self, address: str) -> float:
        """Take one request; 0, or the seconds after which it would be allowed."""
        now = self._now()
        bucket = self._buckets.setdefault(address, _Bucket(self._limit, now))
        self._buckets.move_to_end(address)
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        filled = bucket.tokens + (now - bucket.updated_at) * self._limit / 60
        bucket.tokens, bucket.updated_at = min(self._limit, filled), now
        if bucket.tokens < 1:
            return (1 - bucket.tokens) * 60 / self._limit
        bucket.tokens -= 1
        return 0.0


class RateLimitMiddleware:
    """Answers 429 to an address that is too fast."""

    def __init__(self, app: ASGIApp, limiter: RateLimiter) -> None:
        self._app, self._limiter = app, limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] in EXEMPT_PATHS:
            await self._app(scope, receive, send)
            return
        wait = self._limiter.wait(network_of(scope["client"][0]) if scope["client"] else "")
        if not wait:
            await self._app(scope, receive, send)
            return
        detail = "Too many requests from your address. Wait a moment."
        problem = Problem(429, detail, Retry_After=str(int(wait) + 1))
        await problems.response(problem)(scope, receive, send)


class ConnectionLimiter:
    """How many feeds each address holds open in this process, or lists each person; `total` is
    the limit for all together, 0 for none."""

    def __init__(self, limit: int, total: int = 0) -> None:
        self._limit, self._total = limit, total
        self._open: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """All of this process."""
        return self._open.total()

    @asynccontextmanager
    async def acquire(self, address: str) -> AsyncIterator[bool]:
        """Yields False if the address, or all together, have what they may have."""
        if self._open[address] >= self._limit or (self._total and self.open >= self._total):
            yield False
            return
        self._open[address] += 1
        try:
            yield True
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]
