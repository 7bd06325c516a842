"""Retries with patience: outages are waited out, and no retry is counted for them.

Dramatiq counts every retry against the same three. That is right for a step that fails by
itself; a GitHub that is down for ten minutes would use them up in one.
"""

import random
import time
from typing import Any

from dramatiq import Broker
from dramatiq.broker import MessageProxy
from dramatiq.errors import Retry
from dramatiq.middleware import Retries

from bot.config.settings import Settings
from bot.github.errors import Transient
from bot.store import RedisConnectionError, RedisTimeoutError
from workers.queue.shutdown import Running

#: What is outside of us and comes back by itself.
OUTAGES = (Transient, RedisConnectionError, RedisTimeoutError)

#: Longest wait between two looks whether an outage is over, unless we are told to wait longer.
LONGEST_WAIT_SECONDS = 60

#: A message that waited so long for an outage to end becomes a dead letter.
MAX_OUTAGE_SECONDS = 86_400


class RetryLater(Retry):
    """Raised for work that waits for something to come back; no retry is counted.

    `after` is in seconds, None for a wait that grows.
    """

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class RetryAfter(Retry):
    """Raised for work to try again in so many seconds; the retry is counted."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message, delay=int(seconds * 1000))


class RetryMiddleware(Retries):
    """Dramatiq's retries, but outages are not counted and stopped work is no failure."""

    def __init__(self, settings: Settings, running: Running) -> None:
        super().__init__()
        self._settings = settings
        self._running = running

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Put the message again, by what kind of failure it was."""
        if self._running.stopped(exception):
            broker.enqueue(message)  # type: ignore[arg-type]
        elif isinstance(exception, RetryLater) and _age(message) < MAX_OUTAGE_SECONDS:
            waits = message.options.get("waits", 0)
            message.options["waits"] = waits + 1
            broker.enqueue(message, delay=self._delay(exception, waits))  # type: ignore[arg-type]
        else:
            super().after_process_message(  # type: ignore[no-untyped-call]
                broker, message, result=result, exception=exception
            )

    def _delay(self, retry: RetryLater, waits: int) -> int:
        """Milliseconds until the next look."""
        max_delay = self._settings.max_backoff_seconds * 1000
        if retry.after is not None:
            return int(min(retry.after * 1000, max_delay))
        max_wait = min(LONGEST_WAIT_SECONDS * 1000, max_delay)
        backoff = min(self._settings.min_backoff_ms * 2 ** min(waits, 20), max_wait)
        return int(backoff * random.uniform(0.5, 1))  # noqa: S311 (spreads load, guards nothing)


def _age(message: MessageProxy) -> float:
    """Seconds since the message was first put."""
    return time.time() - message.message_timestamp / 1000
