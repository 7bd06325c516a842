"""Told by Redis that a message was put: a consumer asks at once, and seldom otherwise.

Scripts publish the name of a queue that was empty before (`put` in `bot.store.scripts`), and so
does the broker. It is a hint and no more: what was published while nobody listened is found
by the next look.
"""

import threading
from collections import defaultdict
from contextlib import suppress
from typing import Any

from dramatiq.middleware import Middleware
from redis.exceptions import RedisError

from bot.store.messages import WAKES
from bot.telemetry import log

#: Between two tries to listen, and the longest that a closing listener is waited for.
AGAIN_SECONDS = 1.0

_log = log.get(__name__)


class Wakes(Middleware):
    """Listens in a thread of its own, from the first queue that is asked for until the worker
    begins to stop: from then on nobody is to wait long."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._events: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        #: Whether a message that is put now would be heard of.
        self.heard = False

    def of(self, queue: str) -> threading.Event:
        """Is set when a message may wait in that queue."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, daemon=True)
                self._thread.start()
            return self._events[queue]

    def publish(self, queue: str) -> None:
        """Tell all workers of a message in that queue."""
        with suppress(RedisError):  # the message itself is there, and is found without this
            self._client.publish(WAKES, queue)

    def close(self) -> None:
        if self._thread is not None and not self._closed.is_set():
            self._closed.set()
            # For the listener to see it; where Redis hangs, nobody waits for that.
            threading.Thread(target=self.publish, args=("",), daemon=True).start()
            self._thread.join(AGAIN_SECONDS)

    def before_worker_shutdown(self, broker: Any, worker: Any) -> None:
        self.close()

    def _listen(self) -> None:
        told = False
        while not self._closed.is_set():
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as channel:
                    channel.subscribe(WAKES)
                    self._hear(channel)
            except RedisError as exc:
                if not told:  # the log of the consumers says when Redis itself is away
                    _log.warning("wakes_not_heard", why=str(exc))
                told = True
            finally:
                self.heard = False
                self._wake_all()
            self._closed.wait(AGAIN_SECONDS)

    def _hear(self, channel: Any) -> None:
        while not self._closed.is_set():
            said = channel.get_message(timeout=AGAIN_SECONDS)
            if not self.heard and channel.subscribed:
                self.heard = True
                self._wake_all()  # of what was put before
            if said and (event := self._events.get(said["data"].decode(errors="replace"))):
                event.set()

    def _wake_all(self) -> None:
        for event in list(self._events.values()):
            event.set()
