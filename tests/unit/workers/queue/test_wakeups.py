"""A message is taken when it is put, not when somebody looks."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import dramatiq
import pytest
from redis.asyncio import Redis

from bot.store import Store
from bot.store.messages import NAMESPACE, NOTIFICATION_CHANNEL, Message
from workers.queue import broker as brokers
from workers.queue.broker import make_broker


@contextmanager
def listening(url: str) -> Iterator[tuple[dramatiq.Broker, threading.Semaphore]]:
    """A broker whose worker notes each message of the queue `events`."""
    broker, processed = make_broker(url, [], lost_seconds=10**6), threading.Semaphore(0)

    def take() -> None:
        processed.release()

    dramatiq.actor(actor_name="note", queue_name="events", broker=broker)(take)
    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=100)
    worker.start()
    try:
        yield broker, processed
    finally:
        worker.stop()
        broker.close()


def note(number: int) -> Message:
    message = dramatiq.Message[None](
        queue_name="events", actor_name="note", args=(), kwargs={},
        options={"redis_message_id": f"id-{number}"}, message_id=f"id-{number}",
    )  # fmt: skip
    return Message("events", f"id-{number}", message.encode().decode())


async def processed_one(processed: threading.Semaphore) -> bool:
    return await asyncio.to_thread(processed.acquire, timeout=30)


async def connected(broker: dramatiq.Broker) -> None:
    while not broker.notifier.connected:  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Consumers look again only long after the test has failed."""
    monkeypatch.setattr(brokers, "IDLE_SECONDS", 3600)


@pytest.mark.usefixtures("seldom")
async def test_a_script_that_puts_a_message_wakes_who_waits_for_it(
    redis_url: str, store: Store
) -> None:
    with listening(redis_url) as (broker, processed):
        await connected(broker)
        for number in range(3):
            await store.put(note(number))
            assert await processed_one(processed)


@pytest.mark.usefixtures("seldom")
async def test_a_message_of_dramatiq_itself_wakes_as_well(redis_url: str, redis: "Redis") -> None:
    with listening(redis_url) as (broker, processed):
        await connected(broker)
        await asyncio.to_thread(broker.get_actor("note").send_with_options, delay=1)
        assert await processed_one(processed)


@pytest.mark.usefixtures("seldom")
async def test_a_connection_that_broke_is_made_again_and_nothing_is_missed(
    redis_url: str, redis: "Redis", store: Store
) -> None:
    with listening(redis_url) as (broker, processed):
        await connected(broker)
        await redis.client_kill_filter(_type="pubsub")
        await store.put(note(1))
        assert await processed_one(processed)


@pytest.mark.usefixtures("seldom")
async def test_unknown_messages_on_the_channel_are_ignored(
    redis_url: str, redis: "Redis", store: Store
) -> None:
    with listening(redis_url) as (broker, processed):
        await connected(broker)
        await redis.publish(NOTIFICATION_CHANNEL, b"\xff\xfe")
        await store.put(note(1))
        assert await processed_one(processed)


async def test_a_user_who_may_neither_publish_nor_listen_finds_messages_by_looking(
    redis_url: str, redis: "Redis"
) -> None:
    await redis.acl_setuser(
        "quiet", enabled=True, passwords=["+word"], keys=["*"], commands=["+@all"],
        reset_channels=True,
    )  # fmt: skip
    try:
        at = urlsplit(redis_url)
        url = at._replace(netloc=f"quiet:word@{at.netloc.rpartition('@')[2]}").geturl()
        quiet = Redis.from_url(url)
        with listening(url) as (_, processed):
            await Store(quiet, keep_seconds=60).put(note(1))
            assert await processed_one(processed)
            assert await redis.llen(f"{NAMESPACE}:events") == 0
        await quiet.aclose()
    finally:
        await redis.acl_deluser("quiet")
