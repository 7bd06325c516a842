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

from bot.store.messages import NOTIFICATION_CHANNEL
from bot.telemetry import log

#: Between two tries to listen, and the longest that a closing listener is waited for.
RETRY_SECONDS = 1.0

_log = log.get(__name__)


class QueueNotifier(Middleware):
    """Listens in a thread of its own, from the first queue that is asked for until the worker
    begins to stop: from then on nobody is to wait long."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._events: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        #: Whether a message that is put now would be heard of.
        self.connected = False

    def event_for(self, queue: str) -> threading.Event:
        """Is set when a message may wait in that queue."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            return self._events[queue]

    def publish(self, queue: str) -> None:
        """Tell all workers of a message in that queue."""
        with suppress(RedisError):  # the message itself is there, and is found without this
            self._client.publish(NOTIFICATION_CHANNEL, queue)

    def close(self) -> None:
        if self._thread is not None and not self._closed.is_set():
            self._closed.set()
            # For the listener to see it; where Redis hangs, nobody waits for that.
            threading.Thread(target=self.publish, args=("",), daemon=True).start()
            self._thread.join(RETRY_SECONDS)

    def before_worker_shutdown(self, broker: Any, worker: Any) -> None:
        self.close()

    def _run(self) -> None:
        logged = False
        while not self._closed.is_set():
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as channel:
                    channel.subscribe(NOTIFICATION_CHANNEL)
                    self._receive(channel)
            except RedisError as exc:
                if not logged:  # the log of the consumers says when Redis itself is away
                    _log.warning("queue_notifications_lost", why=str(exc))
                logged = True
            finally:
                self.connected = False
                self._set_all()
            self._closed.wait(RETRY_SECONDS)

    def _receive(self, channel: Any) -> None:
        while not self._closed.is_set():
            message = channel.get_message(timeout=RETRY_SECONDS)
            if not self.connected and channel.subscribed:
                self.connected = True
                self._set_all()  # of what was put before
            if message and (event := self._events.get(message["data"].decode(errors="replace"))):
                event.set()

    def _set_all(self) -> None:
        for event in list(self._events.values()):
            event.set()
