"""When to wait, when to repeat and when to give up: decisions without I/O.

The rules are GitHub's:
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

import asyncio
import contextlib
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from bot.github.errors import Transient, message_of

#: What GitHub asks to wait after a secondary limit that came without Retry-After.
SECONDARY_WAIT_SECONDS = 60.0
#: Least time between two requests that create content and so notify people.
WRITE_SPACING_SECONDS = 1.0
#: Added to a reset time, which GitHub gives in whole seconds.
_RESET_MARGIN_SECONDS = 1.0

_IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "PUT", "PATCH", "DELETE"})
#: POSTs that may be sent twice: a second token is harmless, a reaction exists once, and of the
#: mutations in GraphQL this package only uses such as set a state.
_IDEMPOTENT_POSTS = ("/access_tokens", "/reactions", "/graphql")
_NOTIFYING_POSTS = ("/comments", "/reviews", "/replies", "/events")


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance, injected so that tests neither wait nor guess. All in seconds."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long one call is repeated before it becomes `Transient`."""

    attempts: int = 4
    base_seconds: float = 0.5
    cap_seconds: float = 8.0
    #: No repeat starts later than this after the first attempt did.
    total_seconds: float = 120.0
    #: A rate limit that lasts longer is handed to the caller, whose queue waits better than we do.
    wait_in_place_seconds: float = 30.0

    def backoff(self, attempt: int, jitter: float) -> float:
        """Seconds before the attempt after `attempt` (1, 2, ...); `jitter` lies in [0, 1)."""
        max_wait = min(self.cap_seconds, self.base_seconds * 2.0 ** (attempt - 1))
        return max_wait * (0.5 + jitter / 2)


def is_retryable(method: str, path: str) -> bool:
    """Whether a request that GitHub may have executed can be sent again."""
    return method in _IDEMPOTENT_METHODS or path.endswith(_IDEMPOTENT_POSTS)


def notifies(method: str, path: str) -> bool:
    """Whether a request creates content that people are told of."""
    return method == "POST" and path.endswith(_NOTIFYING_POSTS)


def seconds_of(headers: Mapping[str, str], name: str) -> float | None:
    """A header that holds a number of seconds; None when absent or anything else."""
    try:
        value = float(headers.get(name, ""))
    except ValueError:
        return None
    return value if value >= 0 and math.isfinite(value) else None


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that `Retry-After` asks to wait; GitHub gives seconds, proxies also a date
    (RFC 9110, 10.2.3). `now` in Unix seconds."""
    seconds = seconds_of(headers, "retry-after")
    if seconds is None:
        with contextlib.suppress(ValueError):
            until = parsedate_to_datetime(headers.get("retry-after", ""))
            return max(0.0, until.timestamp() - now)
    return seconds


def limit_wait(status: int, headers: Mapping[str, str], body: bytes, now: float) -> float | None:
    """Seconds to wait when this answer is a rate limit, else None. `now` in Unix seconds.

    A request answered so was not executed, whatever its method.
    """
    if status not in (403, 422, 429):
        return None
    message, errors = message_of(body)
    if status == 422:
        return SECONDARY_WAIT_SECONDS if any(map(_is_creation_limit, errors)) else None
    seconds = retry_after(headers, now)
    if seconds is not None:
        return seconds
    reset = seconds_of(headers, "x-ratelimit-reset")
    if headers.get("x-ratelimit-remaining") == "0" and reset is not None:
        return max(0.0, reset - now) + _RESET_MARGIN_SECONDS
    text = message.lower()
    if status == 429 or "secondary rate limit" in text or "abuse detection" in text:
        return SECONDARY_WAIT_SECONDS
    return None


def _is_creation_limit(error: Any) -> bool:
    """Whether a 422 is the limit on making content, which GitHub disguises as a wrong field.

    https://github.com/octokit/plugin-throttling.js/issues/775 and
    https://github.com/cli/cli/issues/4801 show both of its forms.
    """
    if not isinstance(error, dict):
        return "submitted too quickly" in str(error)
    return error.get("code") == "abuse" or "submitted too quickly" in str(error.get("message"))


#: A tenth of the 5,000 requests an hour that each installation has at least.
#: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
SCARCE = 500


class Quota:
    """What is known of one installation's limits, shared by all its clients in this process."""

    def __init__(self) -> None:
        #: `X-RateLimit-Remaining` of the last answer; None before the first.
        self.remaining: int | None = None
        #: `X-RateLimit-Reset` of that answer: until when it holds, in Unix seconds.
        self.reset = 0.0
        # Monotonic time starts anywhere, so "long ago" is not zero.
        self._blocked_until = self._next_write = -math.inf

    def update(self, headers: Mapping[str, str]) -> None:
        """Remember the remaining requests that an answer of REST (`core`) tells of."""
        if headers.get("x-ratelimit-resource", "core") != "core":
            return
        remaining = headers.get("x-ratelimit-remaining", "")
        if remaining.isascii() and remaining.isdigit():
            self.remaining = int(remaining)
            self.reset = seconds_of(headers, "x-ratelimit-reset") or 0.0

    def is_scarce(self, wall: float) -> bool:
        """Whether fewer than SCARCE requests were left, and the hour of that is not over at
        `wall` (Unix seconds)."""
        return self.remaining is not None and self.remaining < SCARCE and wall < self.reset

    def block_until(self, until: float) -> None:
        """Send nothing before `until` (monotonic seconds): GitHub bans those who go on asking."""
        self._blocked_until = max(self._blocked_until, until)

    def reserve(self, now: float, *, write: bool, max_wait: float) -> float:
        """Seconds to wait before the next request; takes the next slot when it is a write.

        Raises `Transient` when that is more than `max_wait`; nothing is reserved then.
        """
        start = max(now, self._blocked_until, self._next_write if write else now)
        wait = start - now
        if wait > max_wait:
            raise Transient(
                f"This installation's GitHub rate limit resets in {wait:.0f} s.",
                retry_after=wait,
            )
        if write:
            self._next_write = start + WRITE_SPACING_SECONDS
        return wait
