"""A worker that stops: it finishes what it can, and hands back the rest."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import dramatiq

T = TypeVar("T")

#: The share of the time to stop in that work may finish by itself.
FINISHING_SHARE = 0.7

_CANCELLED = (asyncio.CancelledError, concurrent.futures.CancelledError)


class Running:
    """The coroutines of a worker process that are under way, so that they can be stopped."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._tasks: dict[asyncio.Task[Any], asyncio.AbstractEventLoop] = {}

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Await the work, which `stop` may cancel."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks[task] = asyncio.get_running_loop()
        try:
            return await work
        finally:
            del self._tasks[task]

    @property
    def busy(self) -> int:
        """How many are under way."""
        return len(self._tasks)

    def stop(self) -> None:
        """Cancel all work under way; its messages go back to their queues. From any thread."""
        self._stopping.set()
        for task, loop in list(self._tasks.items()):
            loop.call_soon_threadsafe(task.cancel)

    def stopped(self, exception: BaseException | None) -> bool:
        """Whether it was `stop` that ended the work which raised this."""
        return isinstance(exception, _CANCELLED) and self._stopping.is_set()


class Worker(dramatiq.Worker):
    """Dramatiq's worker, which does not wait for work longer than it is told."""

    def __init__(self, broker: dramatiq.Broker, running: Running, **options: Any) -> None:
        super().__init__(broker, **options)
        self._running = running

    def stop(self, timeout: int = 600_000) -> None:
        """End within `timeout` milliseconds: most of it is for work to finish, the rest for
        what did not to be stopped and go back to its queue at once."""
        handing_back = threading.Timer(timeout * FINISHING_SHARE / 1000, self._running.stop)
        handing_back.daemon = True
        handing_back.start()
        super().stop(timeout)
        handing_back.cancel()
