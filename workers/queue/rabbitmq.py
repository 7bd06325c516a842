"""RabbitMQ carries the messages, Redis knows them: the broker where BROKER_URL is set.

Scripts put messages in Redis in the same step as the state that they go with
(`bot.store.scripts`), and so does Dramatiq when it retries. From those lists a relay, one of
all workers, hands them over to RabbitMQ, each at least once. A message's body stays in Redis
until it is acknowledged or dead, so that what is lost is seen there as ever.
"""

import threading
from typing import Any

import dramatiq
import pika
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import Middleware
from pika.exceptions import AMQPError
from redis.exceptions import LockError, RedisError

from bot.config.settings import Settings
from bot.store.messages import NAMESPACE, QUEUES
from bot.store.recovery import ALL_QUEUES
from bot.store.store import PREFIX
from bot.telemetry import log
from workers.queue.broker import make_broker

#: Between two looks for messages to hand over.
POLL_SECONDS = 0.05

#: Between two tries to become the relay, or after a failure.
PAUSE_SECONDS = 1.0

#: A relay that died is followed by another after so many seconds.
LEASE_SECONDS = 5

#: Messages handed over at once.
AT_ONCE = 100

_log = log.get(__name__)


class OutboxBroker(RabbitmqBroker):
    """Puts messages into Redis, takes them from RabbitMQ."""

    def __init__(
        self, url: str, outbox: RedisBroker, middleware: list[dramatiq.Middleware]
    ) -> None:
        super().__init__(url=url, confirm_delivery=True, middleware=middleware)
        self.outbox = outbox

    @property
    def client(self) -> Any:
        """Redis, as `RedisBroker.client`."""
        return self.outbox.client

    @property
    def consumer_class(self) -> Any:
        return _consumer(super().consumer_class)

    def enqueue(
        self, message: "dramatiq.Message[Any]", *, delay: int | None = None
    ) -> "dramatiq.Message[Any]":
        enqueued: dramatiq.Message[Any] = self.outbox.enqueue(message, delay=delay)
        return enqueued

    def forward(self) -> int:
        """Give RabbitMQ what waits in Redis; returns how many messages. Raises AMQPError,
        ConnectionClosed and RedisError; then nothing is lost, and some may go twice."""
        return sum(self._forward(queue) for queue in ALL_QUEUES)

    def _forward(self, queue: str) -> int:
        waiting = f"{NAMESPACE}:{queue}"
        names: Any = self.client.lrange(waiting, 0, AT_ONCE - 1)
        if not names:
            return 0
        self.declare_queue(queue.removesuffix(".DQ"), ensure=True)
        for name, body in zip(names, self.client.hmget(f"{waiting}.msgs", names), strict=True):
            if body is not None:
                self.channel.basic_publish(
                    exchange="",
                    routing_key=queue,
                    body=body,
                    properties=pika.BasicProperties(
                        delivery_mode=pika.DeliveryMode.Persistent,
                    ),
                    mandatory=True,
                )
            self.client.lrem(waiting, 1, name)
        return len(names)


def _consumer(base: Any) -> Any:
    """Dramatiq's consumer, which here also settles the message in Redis, and does so first: a
    message that is only settled there comes again; one that is not would be awaited for ever."""

    class Consumer(base):  # type: ignore[misc]
        def ack(self, message: Any) -> None:
            self._acknowledge(message, dead=False)
            super().ack(message)

        def nack(self, message: Any) -> None:
            """Dead letters are kept in Redis, where the dashboard shows them."""
            self._acknowledge(message, dead=True)
            super().ack(message)

        def _acknowledge(self, message: Any, *, dead: bool) -> None:
            outbox, name = self.broker.outbox, message.options["redis_message_id"]
            taken = f"{NAMESPACE}:__acks__.{outbox.broker_id}.{self.queue_name}"
            try:
                outbox.client.sadd(taken, name)  # Dramatiq's script settles what is taken
                (outbox.do_nack if dead else outbox.do_ack)(self.queue_name, name)
            except RedisError as exc:
                raise ConnectionClosed(exc) from None  # type: ignore[no-untyped-call]

    return Consumer


class Relay(Middleware):
    """Runs in each worker; one at a time hands messages over, and each gives signs of life."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self._thread = threading.Thread(target=self._run, args=(broker,), daemon=True)
        self._thread.start()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self._stopped.set()
        assert self._thread is not None
        self._thread.join()

    def after_worker_shutdown(self, broker: Any, worker: dramatiq.Worker) -> None:
        try:
            broker.client.zrem(f"{NAMESPACE}:__heartbeats__", broker.outbox.broker_id)
        except RedisError as exc:
            _log.warning("heartbeat_not_removed", why=type(exc).__name__)

    def _run(self, broker: OutboxBroker) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            pause = PAUSE_SECONDS
            try:
                broker.outbox.do_qsize(QUEUES[0])  # a sign of life
                lock = broker.client.lock(
                    f"{PREFIX}lock:relay", timeout=LEASE_SECONDS, thread_local=False
                )
                if lock.acquire(blocking=False):
                    self._relay(broker, lock)
            except (RedisError, AMQPError, ConnectionClosed) as exc:
                _log.warning("relay_interrupted", why=str(exc) or type(exc).__name__)
                del broker.connection

    def _relay(self, broker: OutboxBroker, lock: Any) -> None:
        try:
            while not self._stopped.wait(POLL_SECONDS):
                lock.reacquire()
                broker.outbox.do_qsize(QUEUES[0])
                broker.forward()
                broker.connection.process_data_events(0)  # answers RabbitMQ's heartbeats
        finally:
            try:
                lock.release()
            except (LockError, RedisError):
                _log.info("relay_forwarded")


def make_rabbit_broker(settings: Settings, middleware: list[dramatiq.Middleware]) -> OutboxBroker:
    """The broker of BROKER_URL, whose messages are known to the Redis of REDIS_URL."""
    outbox = make_broker(settings.redis_url, [], lost_seconds=settings.worker_lost_seconds)
    url = settings.broker_url.get_secret_value()
    return OutboxBroker(url, outbox, [Relay(), *middleware])
