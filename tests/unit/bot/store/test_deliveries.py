"""Deliveries: each is queued once, handled in turn, and asked for again where it failed."""

import asyncio
from collections.abc import Awaitable

from redis.exceptions import ConnectionError as RedisConnectionError

from bot.store import Store, connect, connect_sync, keys, message, start_next_delivery
from bot.store.database import DELIVERY_SECONDS
from bot.store.deliveries import MAX_CONCURRENT_DELIVERIES
from tests.support.reviews import queued


async def test_a_delivery_is_queued_once_whatever_comes_at_the_same_time(store: Store) -> None:
    deliveries = [
        store.deliveries.accept("guid", message("handle_delivery", {}, f"{n}")) for n in range(20)
    ]
    assert sorted(await asyncio.gather(*deliveries)) == [False] * 19 + [True]
    assert await queued(store, "events") == ["handle_delivery"]
    lifetime = await store.redis.ttl(keys.delivery("guid"))
    assert DELIVERY_SECONDS - 600 < lifetime <= DELIVERY_SECONDS


async def test_deliveries_that_come_at_once_are_queued_each(store: Store) -> None:
    """Afterwards Redis has forgotten the script."""
    for begin in (0, 150):
        deliveries = [
            store.deliveries.accept(f"guid {n}", message("handle_delivery", {}, f"{n}"))
            for n in range(begin, begin + 150)
        ]
        assert await asyncio.gather(*deliveries) == [True] * 150
        await store.redis.script_flush()
    assert await queued(store, "events") == ["handle_delivery"] * 300


async def test_a_caller_who_leaves_takes_no_other_delivery_along(store: Store) -> None:
    deliveries = [
        asyncio.ensure_future(
            store.deliveries.accept(f"guid {n}", message("handle_delivery", {}, f"{n}"))
        )
        for n in range(10)
    ]
    await asyncio.sleep(0)
    deliveries[3].cancel()
    others = [delivery for delivery in deliveries if delivery is not deliveries[3]]
    assert await asyncio.gather(*others) == [True] * 9


async def test_deliveries_that_redis_does_not_take_are_errors() -> None:
    unavailable_store = Store(connect("redis://127.0.0.1:1/0"), keep_seconds=3600)
    deliveries = [
        unavailable_store.deliveries.accept(f"guid {n}", message("handle_delivery", {}, f"{n}"))
        for n in range(5)
    ]
    results = await asyncio.gather(*deliveries, return_exceptions=True)
    assert [type(result) for result in results] == [RedisConnectionError] * 5
    await unavailable_store.redis.aclose()


async def test_of_one_installation_so_many_are_handled_at_once(
    store: Store, redis_url: str
) -> None:
    sent = [message("handle_delivery", {}, str(n)) for n in range(MAX_CONCURRENT_DELIVERIES + 2)]
    for number, one in enumerate(sent):
        assert await store.deliveries.accept(f"guid {number}", one, installation_id=12345678901)
    assert await store.deliveries.accept("other", message("handle_delivery"), installation_id=2)
    assert len(await queued(store, "events")) == MAX_CONCURRENT_DELIVERIES + 1

    handled = keys.queue_messages("events"), sent[0].id
    await store.redis.hdel(*handled)  # acknowledged
    client = connect_sync(redis_url)
    await asyncio.to_thread(start_next_delivery, client, 12345678901)
    client.close()
    assert await store.redis.hexists(keys.queue_messages("events"), sent[-2].id)
    assert not await store.redis.hexists(keys.queue_messages("events"), sent[-1].id)

    await store.redis.hdel(keys.queue_messages("events"), sent[1].id)
    await store.deliveries.start_queued()
    assert await store.redis.hexists(keys.queue_messages("events"), sent[-1].id)

    await store.redis.hdel(keys.queue_messages("events"), sent[2].id)
    await store.deliveries.start_queued()
    assert not await store.redis.exists(keys.QUEUED_DELIVERIES), "none waits any more"


async def test_redeliveries_are_asked_for_when_they_are_due_and_counted(store: Store) -> None:
    plans = store.deliveries
    assert await plans.checked_until() is None
    await plans.mark_checked(12.5)
    assert await plans.checked_until() == 12.5
    await plans.plan_redelivery(1, "late", store.now() + 60)
    await plans.plan_redelivery(2, "now", store.now() - 1)
    await plans.plan_redelivery(1, "late", store.now() - 5)
    assert await plans.due_redeliveries() == [(2, "now")], "one that is planned keeps its time"
    await plans.plan_redelivery(1, "late", store.now() - 5, again=True)
    assert await plans.due_redeliveries() == [(1, "late"), (2, "now")]
    assert not await plans.was_redelivered(2)
    await plans.mark_redelivered(2, "now")
    assert await plans.was_redelivered(2)
    assert (await plans.redelivery_count("now"), await plans.redelivery_count("late")) == (1, 0)
    assert await plans.due_redeliveries() == [(1, "late")]


async def test_what_was_done_about_a_comment_is_remembered(store: Store) -> None:
    assert await store.deliveries.executed_commands("r") == {}
    await store.deliveries.record_command("r", 1, "Done: é.")
    await store.deliveries.record_command("r", 0, "")
    assert await store.deliveries.executed_commands("r") == {0: "", 1: "Done: é."}


async def test_only_the_first_comment_is_told_a_thing_and_that_each_time(store: Store) -> None:
    claims = [await store.deliveries.claim_notice("access", comment) for comment in (5, 6, 5)]
    assert claims == [True, False, True]


async def test_what_a_delivery_says_is_queued_once_under_any_guid(store: Store) -> None:
    """GitHub signs the body alone, so that a captured one could be sent again."""

    def accept(guid: str, content: str, *, by_person: bool = False) -> Awaitable[bool]:
        queued = message("handle_delivery", {}, guid)
        return store.deliveries.accept(guid, queued, content=content, by_person=by_person)

    assert await accept("guid 1", "said")
    assert not await accept("guid 2", "said")
    assert not await accept("guid 1", "other")
    assert await accept("guid 2", "other"), "what was refused has taken nothing"
    assert await accept("guid 3", "asked", by_person=True)
    store.keep_seconds = 90 * 86_400
    assert await accept("guid 4", "asked more", by_person=True)
    assert await store.redis.ttl(keys.delivery_content("said")) <= DELIVERY_SECONDS
    assert await store.redis.ttl(keys.delivery_content("asked more")) > 80 * 86_400
