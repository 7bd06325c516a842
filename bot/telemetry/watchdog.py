"""Notices an event loop that stands still: while it does, no time limit and no cancel works.

A thread has the loop do nothing every second. Where the loop does not get to that for five
seconds, the log says in which line it is, and health checks fail; after a minute the process
ends, for whoever started it to start it again. What it had taken is taken up by others, as
after any crash.
"""

import asyncio
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType

from bot.telemetry import log

#: Of the lines that led to where the loop is, so many are logged.
_FRAMES = 12

#: An error of the program's own, as of sysexits.h: no command of ours ends with it.
EXIT_CODE = 70

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds between two looks, until a loop counts as stalled, and until the process ends."""

    tick: float = 1.0
    stalled: float = 5.0
    exit: float = 60.0


LIMITS = Limits()


@dataclass
class Watchdog:
    """`stalled_seconds` is how long the loop has not run, 0.0 while it does."""

    loop: asyncio.AbstractEventLoop
    limits: Limits = LIMITS
    on_stall: Callable[[], None] = lambda: None  # called in the watchdog's thread
    end: Callable[[int], object] = os._exit
    stalled_seconds: float = 0.0
    _thread_of_loop: int = 0
    _answered: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Look after the loop until `stop`; runs in a thread of its own."""
        while not self._stopping.is_set():
            self._answered.clear()
            try:
                self.loop.call_soon_threadsafe(self._answer)
            except RuntimeError:  # the loop is closed
                return
            self._wait_for_answer()
            self._stopping.wait(self.limits.tick)

    def stop(self) -> None:
        self._stopping.set()

    @property
    def healthy(self) -> bool:
        return self.stalled_seconds < self.limits.stalled

    def _answer(self) -> None:
        self._thread_of_loop = threading.get_ident()
        self._answered.set()

    def _wait_for_answer(self) -> None:
        # Ticks are counted, not the clock: a machine or process that was stopped as a whole, and
        # goes on, has no loop that stands still.
        ticks = 0
        while not self._answered.wait(self.limits.tick) and not self._stopping.is_set():
            ticks += 1
            was_healthy = self.healthy
            self.stalled_seconds = ticks * self.limits.tick
            if was_healthy and not self.healthy:
                _log.error("event_loop_stalled", where=self._where(), seconds=self.stalled_seconds)
                self.on_stall()
            if self.stalled_seconds >= self.limits.exit:
                _log.critical(
                    "process_ends_stalled", where=self._where(), seconds=self.stalled_seconds
                )
                self.end(EXIT_CODE)
        if not self.healthy:
            _log.warning("event_loop_runs_again", seconds=self.stalled_seconds)
        self.stalled_seconds = 0.0

    def _where(self) -> str:
        """The lines that the loop's thread is in, the innermost last; no values."""
        frame: FrameType | None = sys._current_frames().get(self._thread_of_loop)
        if frame is None:
            return ""
        lines = traceback.extract_stack(frame)[-_FRAMES:]
        return " > ".join(f"{line.filename}:{line.lineno} {line.name}" for line in lines)


@contextmanager
def watched(
    health_port: int = 0, on_stall: Callable[[], None] = lambda: None, limits: Limits = LIMITS
) -> Iterator[Watchdog]:
    """Watch the running loop. With a `health_port`, any path of it answers 200, or 503 while the
    loop stands still, from a thread of its own. Raises OSError if the port is taken."""
    watchdog = Watchdog(asyncio.get_running_loop(), limits, on_stall)
    server = _health_server(watchdog, health_port) if health_port else None
    threading.Thread(target=watchdog.watch, name="watchdog", daemon=True).start()
    try:
        yield watchdog
    finally:
        watchdog.stop()
        if server is not None:
            server.shutdown()
            server.server_close()


def _health_server(watchdog: Watchdog, port: int) -> ThreadingHTTPServer:
    class Health(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            code, text = (200, b"ok\n") if watchdog.healthy else (503, b"stalled\n")
            self.send_response(code)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Health checks are no news."""

    server = ThreadingHTTPServer(("0.0.0.0", port), Health)  # noqa: S104 - asked by the platform
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
