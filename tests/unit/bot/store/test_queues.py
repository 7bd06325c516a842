"""Queues as Dramatiq keeps them: what we put it reads, and what it lost is found."""

import asyncio
import json

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bot.store import Action, AuditEntry, Store, Way, keys, message
from tests.support.reviews import queued
from workers.queue.broker import make_broker


async def test_dramatiq_reads_what_our_scripts_put(store: Store, redis_url: str) -> None:
    broker: RedisBroker = make_broker(redis_url, [])
    seen: list[str] = []

    def record(review_id: str) -> None:
        seen.append(review_id)

    dramatiq.actor(actor_name="scan_review", queue_name="scan", broker=broker)(record)
    await store.queues.put(message("scan_review", "one"), message("scan_review", "two"))
    worker = dramatiq.Worker(broker, worker_timeout=50, worker_threads=1)
    worker.start()
    try:
        await asyncio.to_thread(broker.join, "scan", timeout=10_000)
    finally:
        worker.stop()
        broker.close()
    assert seen == ["one", "two"]
    left = await store.redis.keys(f"{keys.NAMESPACE}:scan*")
    assert left == []


async def test_a_queue_shows_what_waits_and_a_dead_letter_is_retried_once(store: Store) -> None:
    await store.queues.put(message("scan_review", "a"), message("scan_review", "b"))
    await store.queues.put(message("scan_review", "later", delay=60))
    dead = message("scan_review", "c")
    body = json.loads(dead.body) | {"options": {"retries": 3, "traceback": "first\nlast"}}
    await store.redis.zadd(keys.dead_letters("scan"), {dead.id: store.now() * 1000})
    await store.redis.hset(keys.dead_letter_messages("scan"), dead.id, json.dumps(body))
    [scan] = [queue for queue in await store.queues.all() if queue.name == "scan"]
    assert (scan.waiting, scan.delayed, scan.dead, scan.unacked) == (2, 1, 1, 0)
    [letter] = await store.queues.dead_letters()
    assert (letter.queue, letter.actor, letter.args, letter.error) == (
        "scan", "scan_review", "c", "last",
    )  # fmt: skip

    entry = AuditEntry(action=Action.MESSAGE_RETRIED, way=Way.PAGE, who="mona")
    assert await store.queues.retry("scan", dead.id, audit=entry)
    assert not await store.redis.hexists(keys.dead_letter_messages("scan"), dead.id)
    # Another who pressed the button at that moment had read it before.
    await store.redis.hset(keys.dead_letter_messages("scan"), dead.id, json.dumps(body))
    assert not await store.queues.retry("scan", dead.id, audit=entry)
    assert not await store.queues.retry("no queue", dead.id, audit=entry)
    assert [line.who async for line in store.audit.since(0)] == ["mona"]
    assert await queued(store, "scan") == ["scan_review"] * 3


async def test_a_delayed_message_is_due_by_the_clock_of_redis(store: Store) -> None:
    later = message("scan_review", "later", delay=60)
    before = await store.time()
    await store.queues.put(later)
    after = await store.time()
    body = json.loads(await store.redis.hget(keys.queue_messages("scan.DQ"), later.id) or b"")
    due = body["options"]["eta"] / 1000 - 60
    assert before - 0.001 <= due <= after, "Redis counts whole milliseconds"
    assert body["args"] == ["later"]


async def test_messages_of_dead_workers_go_back_to_their_queues(store: Store) -> None:
    taken = message("scan_review", "a")
    await store.queues.put(taken)
    await store.redis.lpop(keys.queue("scan"))
    await store.redis.sadd(keys.acks("w1", "scan"), taken.id, "acknowledged meanwhile")
    kept = message("publish_review", "b")
    await store.queues.put(kept)
    await store.redis.lpop(keys.queue("reports"))
    await store.redis.sadd(keys.acks("w2", "reports"), kept.id)
    now = await store.time() * 1000
    await store.redis.zadd(keys.HEARTBEATS, {"w1": now - 300_000, "w2": now})
    assert await store.queues.requeue_lost(600) == 0
    assert await store.queues.requeue_lost(150) == 1
    assert await queued(store, "scan") == ["scan_review"]
    assert await queued(store, "reports") == [], "that worker is alive"
    assert await store.queues.live_workers() == 1
    assert await store.queues.requeue_lost(150) == 0
    assert not await store.redis.exists(keys.acks("w1", "scan"))
    assert await store.redis.zrange(keys.HEARTBEATS, 0, -1) == [b"w2"], "w1 is looked at no more"


async def test_a_snapshot_tells_what_messages_speak_of(store: Store) -> None:
    await store.queues.put(message("analyze_batch", "r", 3), message("scan_review", "s"))
    seen = await store.queues.snapshot()
    assert (seen.active, seen.ending) == ((), ())
    assert (seen.has_message("r"), seen.has_message("x")) == (True, False)
    assert (seen.has_scan_message("s"), seen.has_scan_message("r")) == (True, False)
    assert seen.batches("r") == {3}
