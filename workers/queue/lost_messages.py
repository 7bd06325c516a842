"""Messages that a worker has taken and does not know of: they go back to their queue.

Dramatiq's Redis broker notes in Redis which messages a worker took. When the connection
breaks, the worker may never have got them, and it drops the delayed ones that it held;
since it is alive, nobody else would take them either.
"""

import json
import threading
from collections.abc import Collection, Iterator
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware

from bot.store import RedisError, keys
from bot.telemetry import log

#: Between two looks. What is unknown in two looks on end is lost: a message on its way from
#: one thread to another is unknown for a moment.
CHECK_SECONDS = 5

_log = log.get(__name__)


class LostMessages(Middleware):
    """Looks for lost messages while the worker runs, and gives back what is left at its end."""

    def __init__(self) -> None:
        self._in_progress: set[str] = set()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def before_process_message(self, broker: dramatiq.Broker, message: Any) -> None:
        self._in_progress.add(_id_of(message))

    def after_ack(self, broker: dramatiq.Broker, message: Any) -> None:
        self._in_progress.discard(_id_of(message))

    after_nack = after_ack

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        assert isinstance(broker, RedisBroker)
        self._thread = threading.Thread(target=self._watch, args=(broker, worker), daemon=True)
        self._thread.start()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self._stopped.set()
        assert self._thread is not None
        self._thread.join()

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """All that this process took and did not finish goes back, and its name is forgotten."""
        assert isinstance(broker, RedisBroker)
        try:
            for queue in worker.consumers:
                _requeue(broker, queue, _claimed(broker, queue))
            broker.client.zrem(keys.HEARTBEATS, broker.broker_id)
        except RedisError as exc:  # then others take it over once we are missed
            _log.warning("messages_not_requeued", why=type(exc).__name__)

    def _watch(self, broker: RedisBroker, worker: dramatiq.Worker) -> None:
        candidates: dict[str, set[str]] = {}
        while not self._stopped.wait(CHECK_SECONDS):
            try:
                for queue in list(worker.consumers):
                    claimed = _claimed(broker, queue)
                    unknown = claimed - self._in_progress - set(_buffered(worker, queue))
                    lost = unknown & candidates.get(queue, set())
                    if lost:
                        _log.warning("lost_messages_requeued", queue=queue, number=len(lost))
                        _requeue(broker, queue, lost)
                    candidates[queue] = unknown - lost
            except RedisError as exc:
                _log.warning("lost_messages_not_checked", why=type(exc).__name__)


def _claimed(broker: RedisBroker, queue: str) -> set[str]:
    key = keys.acks(broker.broker_id, queue)
    found: Any = broker.client.smembers(key)
    return {name.decode() for name in found}


def _requeue(broker: RedisBroker, queue: str, names: Collection[str]) -> None:
    if names:
        broker.do_requeue(queue, *names)


def _buffered(worker: dramatiq.Worker, queue: str) -> Iterator[str]:
    """The messages of a queue that wait in this process's memory."""
    consumer = worker.consumers[queue]
    for waiting in (worker.work_queue, consumer.delay_queue):
        with waiting.mutex:
            items = list(waiting.queue)
        yield from (_id_of(item.message) for item in items)
    for body in filter(None, list(getattr(consumer.consumer, "message_cache", ()))):
        yield json.loads(body)["options"]["redis_message_id"]


def _id_of(message: Any) -> str:
    return str(message.options["redis_message_id"])
