"""The broker's connections to Redis, how soon it finds a message, and what it does while Redis
takes nothing."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import dramatiq
import pytest
from dramatiq.middleware import Retries
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.store import Message, Store, keys, message
from workers.queue import broker as brokers
from workers.queue.broker import make_broker

MESSAGES = keys.queue_messages("events")


async def test_a_closed_broker_leaves_no_connection_behind(redis_url: str, redis: "Redis") -> None:
    broker = make_broker(redis_url, [])
    own_id = await asyncio.to_thread(broker.client.client_id)
    broker.close()
    async with asyncio.timeout(10):  # until Redis has noticed
        while str(own_id) in {client["id"] for client in await redis.client_list()}:
            await asyncio.sleep(0.01)


def work_message(number: int) -> Message:
    """A message for the actor of `working`, as our scripts put it."""
    message = dramatiq.Message[None](
        queue_name="events", actor_name="work", args=(), kwargs={},
        options={"redis_message_id": f"id-{number}"}, message_id=f"id-{number}",
    )  # fmt: skip
    return Message("events", f"id-{number}", message.encode().decode())


async def test_an_idle_worker_takes_what_scripts_and_dramatiq_put(
    redis_url: str, redis: "Redis", store: Store
) -> None:
    done = threading.Semaphore(0)
    with working(redis_url, done.release) as (actor, _):
        for number in range(2):
            await asyncio.sleep(0.3)  # until it looks at its longest interval
            await store.queues.put(work_message(number))
            assert await asyncio.to_thread(done.acquire, timeout=30)
        await asyncio.to_thread(actor.send_with_options, delay=1)
        assert await asyncio.to_thread(done.acquire, timeout=30)


async def test_a_worker_whose_connections_broke_misses_nothing(
    redis_url: str, redis: "Redis", store: Store
) -> None:
    done = threading.Semaphore(0)
    with working(redis_url, done.release):
        await asyncio.sleep(0.3)
        await redis.client_kill_filter(_type="normal", skipme=True)
        await store.queues.put(work_message(1))
        assert await asyncio.to_thread(done.acquire, timeout=30)


async def test_a_user_of_redis_needs_no_channels(redis_url: str, redis: "Redis") -> None:
    await redis.acl_setuser(
        "quiet", enabled=True, passwords=["+word"], keys=["*"], commands=["+@all"],
        reset_channels=True,
    )  # fmt: skip
    try:
        at = urlsplit(redis_url)
        url = at._replace(netloc=f"quiet:word@{at.netloc.rpartition('@')[2]}").geturl()
        quiet, done = Redis.from_url(url), threading.Semaphore(0)
        with working(url, done.release):
            await Store(quiet, keep_seconds=60).queues.put(work_message(1))
            assert await asyncio.to_thread(done.acquire, timeout=30)
            assert await redis.llen(keys.queue("events")) == 0
        await quiet.aclose()
    finally:
        await redis.acl_deluser("quiet")


@pytest.fixture
async def full(redis: "Redis") -> "AsyncIterator[Redis]":
    """A Redis whose memory may be made full."""
    yield redis
    await redis.config_set("maxmemory", 0)


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brokers, "ENQUEUE_RETRY_SECONDS", 0.05)
    monkeypatch.setattr(dramatiq.worker, "POST_PROCESS_MESSAGE_RETRY_DELAY_SECS", 0.05)
    monkeypatch.setattr(dramatiq.worker, "CONSUMER_RESTART_DELAY_SECS", 0.05)


@contextmanager
def working(url: str, work: Callable[[], None]) -> "Iterator[tuple[Any, dramatiq.Worker]]":
    """An actor that does the work, twice if it fails, and the worker that it runs in."""
    broker = make_broker(url, [Retries(max_retries=1, min_backoff=1, max_backoff=1)])
    actor = dramatiq.actor(actor_name="work", queue_name="events", broker=broker)(work)
    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=100)
    worker.start()
    try:
        yield actor, worker
    finally:
        worker.stop()
        broker.close()


def failing_once(does: Callable[..., Any], queue: str, error: RedisError) -> Callable[..., Any]:
    """The same, but it fails the first time for that queue."""
    errors = [error]

    def fails(name: str, *args: object) -> Any:
        if name == queue and errors:
            raise errors.pop()
        return does(name, *args)

    return fails


async def test_a_retry_is_not_lost_while_redis_is_full(redis_url: str, full: "Redis") -> None:
    started, fail, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        if started.is_set():
            done.set()
            return
        started.set()
        assert fail.wait(20)
        raise RuntimeError("the first time")

    with working(redis_url, work) as (actor, _):
        actor.send()
        assert await asyncio.to_thread(started.wait, 20)
        await full.config_set("maxmemory", 1)
        fail.set()
        await asyncio.sleep(0.5)
        await full.config_set("maxmemory", 0)
        assert await asyncio.to_thread(done.wait, 20)


@pytest.mark.parametrize("error", [RedisTimeoutError("late"), ReadOnlyError("fails over")])
async def test_what_is_done_is_acknowledged_once_redis_takes_it(
    redis_url: str, redis: "Redis", error: RedisError
) -> None:
    """Else it would stay with this worker for as long as that lives, and then be done again."""
    done = threading.Event()
    with working(redis_url, done.set) as (actor, worker):
        broker: Any = worker.broker
        broker.do_ack = failing_once(broker.do_ack, "events", error)
        actor.send()
        assert await asyncio.to_thread(done.wait, 20)
        async with asyncio.timeout(10):
            while await redis.hlen(MESSAGES):
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("error", [RedisTimeoutError("late"), ReadOnlyError("fails over")])
async def test_delayed_messages_are_still_looked_for_after_an_absence(
    redis_url: str, redis: "Redis", error: RedisError
) -> None:
    done = threading.Event()
    with working(redis_url, done.set) as (actor, worker):
        actor.send_with_options(delay=600_000)
        delayed = worker.consumers["events.DQ"]
        async with asyncio.timeout(10):
            while delayed.delay_queue.empty():
                await asyncio.sleep(0.02)
        broker: Any = worker.broker
        broker.do_fetch = failing_once(broker.do_fetch, "events.DQ", error)
        broker.do_requeue = failing_once(broker.do_requeue, "events.DQ", error)
        await asyncio.sleep(0.5)
        actor.send_with_options(delay=1)
        assert await asyncio.to_thread(done.wait, 10)


async def test_a_worker_stops_though_redis_does_not_take_its_messages_back(
    redis_url: str, redis: "Redis"
) -> None:
    started, end = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        assert end.wait(20)

    closed: list[str] = []
    with working(redis_url, work) as (actor, worker):
        actor.send(), actor.send()
        assert await asyncio.to_thread(started.wait, 20)
        async with asyncio.timeout(10):
            while worker.work_queue.empty():
                await asyncio.sleep(0.02)
        broker: Any = worker.broker
        broker.do_requeue = failing_once(broker.do_requeue, "events", RedisConnectionError("away"))
        broker.add_middleware(_Noting(closed))
        threading.Timer(0.3, end.set).start()
    assert closed == ["shut down"]


class _Noting(dramatiq.Middleware):
    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self._notes.append("shut down")


@pytest.mark.parametrize("hours", [-2, 2])
async def test_a_delay_is_as_long_on_a_machine_whose_clock_is_wrong(
    redis_url: str, redis: "Redis", store: Store, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """Whether our scripts put the message or Dramatiq does, and whoever of them takes it."""
    right = time.time

    def wrong() -> float:
        return right() + hours * 3600

    monkeypatch.setattr("bot.store.queues.time.time", wrong)  # the module that all have
    monkeypatch.setattr("dramatiq.common.time", wrong)
    broker = make_broker(redis_url, [])
    try:
        await store.queues.put(message("handle_delivery", "R", "G", delay=100))
        retried = work_message(1)
        decoded = dramatiq.Message.decode(retried.body.encode())
        await asyncio.to_thread(lambda: broker.enqueue(decoded, delay=100_000))
        bodies: Any = await redis.hvals(keys.queue_messages("events.DQ"))
        due = [json.loads(body)["options"]["eta"] / 1000 - await store.time() for body in bodies]
        assert len(due) == 2
        assert all(90 < seconds <= 100.1 for seconds in due), "by the clock of Redis"

        consumer = broker.consume("events.DQ", prefetch=2, timeout=10)
        taken = [await asyncio.to_thread(next, consumer) for _ in range(2)]
        for one in taken:
            assert one is not None
            left = one.options["eta"] / 1000 - wrong()
            assert 80 < left <= 100.1, "by the clock that Dramatiq looks at"
    finally:
        broker.close()
