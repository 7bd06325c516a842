"""A worker process: settings, broker, middleware, services, actors."""

import signal
import threading
from collections.abc import Collection
from contextlib import AsyncExitStack
from typing import Any

from dramatiq.asyncio import EventLoopThread, get_event_loop_thread
from dramatiq.middleware import AsyncIO, CurrentMessage, Middleware, MiddlewareError, TimeLimit

from bot.config.settings import Settings, SettingsError
from bot.runtime.memory import hide_memory
from bot.store import QUEUES
from bot.telemetry import log
from bot.telemetry.metrics import resident_memory, series
from workers.actors import declare_actors
from workers.queue.actor import RetryMiddleware
from workers.queue.broker import make_broker
from workers.queue.fair_queue import FairQueue
from workers.queue.lost_messages import LostMessages
from workers.queue.shutdown import Running, Worker
from workers.scan.analyzers.registry import NAMES, unknown_names
from workers.services import Services, open_services

#: The longest that an idle worker waits between two looks into its queues, in milliseconds.
POLL_MS = 100

_log = log.get(__name__)


class ServicesNotOpen(MiddlewareError):
    """Raised when the services cannot be opened; the cause is why."""


class OpenServices(Middleware):
    """Opens the services on the event loop once it runs, and closes them before it stops.

    Stands behind AsyncIO in the list: `before_` hooks run in that order, `after_` in reverse.
    """

    def __init__(self, settings: Settings, running: Running) -> None:
        self._settings = settings
        self._running = running
        self._stack = AsyncExitStack()
        self._services: Services | None = None

    def get(self) -> Services:
        assert self._services is not None, "the worker has not started"
        return self._services

    def before_worker_boot(self, broker: Any, worker: Any) -> None:
        entering = self._stack.enter_async_context(open_services(self._settings))
        try:
            self._services = _run(entering)
        except Exception as exc:
            # Dramatiq would log it and work on; each message would fail until it is a dead letter.
            _loop().stop()  # type: ignore[no-untyped-call]  # else the process would not end
            raise ServicesNotOpen from exc
        self._services.metrics.current_gauges = self._present

    def _present(self) -> dict[str, float]:
        return {
            series("glossator_worker_slots", state="all"): self._settings.worker_threads,
            series("glossator_worker_slots", state="busy"): self._running.busy,
            series("glossator_process_memory_bytes", process="worker"): resident_memory(),
        }

    def after_worker_shutdown(self, broker: Any, worker: Any) -> None:
        _run(self._stack.aclose())


def _run(coroutine: Any) -> Any:
    return _loop().run_coroutine(coroutine)


def _loop() -> EventLoopThread:
    thread = get_event_loop_thread()
    assert thread is not None, "AsyncIO stands before OpenServices"
    return thread


def make_worker(settings: Settings, queues: Collection[str] = QUEUES) -> Worker:
    """A worker over `queues`, not started. One a process: Dramatiq keeps one event loop.
    Raises SettingsError."""
    if unknown := unknown_names(settings.analyzers_disabled):
        raise SettingsError(
            f"ANALYZERS_DISABLED has unknown analyzers: {', '.join(unknown)}. "
            f"There are {', '.join(NAMES)}."
        )
    running = Running()
    services = OpenServices(settings, running)
    broker = make_broker(
        settings.redis_url,
        [
            LostMessages(),
            TimeLimit(),
            CurrentMessage(),
            RetryMiddleware(settings, running),
            FairQueue(),
            AsyncIO(),
            services,
        ],
        lost_seconds=settings.worker_lost_seconds,
    )
    declare_actors(broker, settings, services.get, running)
    worker = Worker(
        broker,
        running,
        queues=set(queues),
        worker_timeout=POLL_MS,
        worker_threads=settings.worker_threads,
    )
    # No more than can be worked on: what waits here, no other process can take.
    worker.queue_prefetch = settings.worker_threads
    return worker


def run_worker(settings: Settings, queues: Collection[str] = QUEUES) -> None:
    """Work until SIGTERM or SIGINT; what is under way then gets `shutdown_seconds` to end."""
    hide_memory()
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    worker = make_worker(settings, queues)
    worker.broker.emit_after("process_boot")
    try:
        worker.start()
    except ServicesNotOpen as exc:
        raise SettingsError(f"The worker cannot start: {exc.__cause__}.") from exc
    _log.info("worker_started", queues=list(queues), threads=settings.worker_threads)
    stop.wait()
    _log.info("worker_stopping", queues=list(queues))
    worker.stop(timeout=settings.shutdown_seconds * 1000)
    worker.broker.close()
