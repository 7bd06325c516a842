"""Retries with patience: outages are waited out, and a worker that stops hands its work back.

Dramatiq counts every retry against the same three. That is right for a step that fails by
itself; a GitHub that is down for ten minutes would use them up in one.
"""

import asyncio
import concurrent.futures
import random
import threading
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from dramatiq import Broker
from dramatiq.broker import MessageProxy
from dramatiq.errors import Retry
from dramatiq.middleware import Retries
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.config.settings import Settings
from bot.github.errors import Transient
from bot.telemetry import log

T = TypeVar("T")

#: What is outside of us and comes back by itself.
OUTAGES = (Transient, RedisConnectionError, RedisTimeoutError)

#: Longest wait between two looks whether an outage is over, unless we are told to wait longer.
LONGEST_WAIT_SECONDS = 60

#: A message that waited so long for an outage to end becomes a dead letter.
MAX_OUTAGE_SECONDS = 86_400

_log = log.get(__name__)

_CANCELLED = (asyncio.CancelledError, concurrent.futures.CancelledError)


class RetryLater(Retry):
    """Raised for work that waits for something to come back; no retry is counted.

    `after` is in seconds, None for a wait that grows.
    """

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Running:
    """The coroutines of a worker process that are under way, so that they can be stopped."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._tasks: dict[asyncio.Task[Any], asyncio.AbstractEventLoop] = {}

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Await the work, which `stop` may cancel. Raises Later for an outage."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks[task] = asyncio.get_running_loop()
        try:
            return await work
        except OUTAGES as exc:
            _log.warning("waiting_for_outage", why=str(exc))
            raise RetryLater(str(exc), getattr(exc, "retry_after", None)) from exc
        finally:
            del self._tasks[task]

    @property
    def busy(self) -> int:
        """How many are under way."""
        return len(self._tasks)

    def stop(self) -> None:
        """Cancel all work under way; its messages go back to their queues. From any thread."""
        self.stopping.set()
        for task, loop in list(self._tasks.items()):
            loop.call_soon_threadsafe(task.cancel)


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
        if isinstance(exception, _CANCELLED) and self._running.stopping.is_set():
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
