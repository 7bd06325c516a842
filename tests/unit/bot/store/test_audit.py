"""Lines of the audit log: each thing once where it has a name, and in the order of Redis."""

from bot.store import Action, AuditEntry, Store, Way, keys, message
from bot.store.database import DELIVERY_SECONDS

ENTRY = AuditEntry(action=Action.REVIEWS_PAUSED, way=Way.COMMENT, who="mona", detail="x" * 300)


async def test_what_has_a_name_is_told_once_for_as_long_as_deliveries_come_again(
    store: Store,
) -> None:
    first = await store.audit.record(ENTRY, once="comment 1")
    assert await store.audit.record(ENTRY, once="comment 1") == ""
    other = await store.audit.record(ENTRY, once="comment 2")
    assert [line.id async for line in store.audit.since(0)] == [first, other]
    lifetime = await store.redis.ttl(keys.audited("comment 1"))
    assert DELIVERY_SECONDS - 600 < lifetime <= DELIVERY_SECONDS


async def test_what_has_no_name_is_told_each_time(store: Store) -> None:
    ids = [await store.audit.record(ENTRY) for _ in range(2)]
    assert [(line.id, line.who, len(line.detail)) async for line in store.audit.since(0)] == [
        (each, "mona", 200) for each in ids
    ]
    assert await store.redis.keys(keys.audited("*")) == []


async def test_a_delivery_takes_its_line_along_once(store: Store) -> None:
    for _ in range(2):
        await store.deliveries.accept("guid", message("handle_delivery"), audit=ENTRY)
    assert [line.who async for line in store.audit.since(0)] == ["mona"]
