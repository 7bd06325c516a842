"""Preferences in Redis: each once, changed as a whole, and gone when nobody uses them."""

import asyncio
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from bot.store import MAX_PREFERENCES, Action, AuditEntry, Store, Way, keys
from tests.support.preferences import REPOSITORY, preference

WHERE = (7, 11)
ENTRY = AuditEntry(action=Action.PREFERENCE_KEPT, way=Way.COMMENT, who="mona")
DAY = 86_400


async def actions(store: Store) -> list[tuple[str, str]]:
    return [(line.action, line.detail) async for line in store.audit.since(0)]


async def test_numbers_count_up_and_the_same_is_kept_once(store: Store) -> None:
    one, other = preference(store), preference(store, "Another")
    assert await store.preferences.keep(REPOSITORY, one, ENTRY) == 1
    assert await store.preferences.keep(REPOSITORY, other, ENTRY) == 2
    assert await store.preferences.keep(REPOSITORY, replace(one, kept_by="eve"), ENTRY) == 1
    elsewhere = replace(one, paths=("docs/**",))
    assert await store.preferences.keep(REPOSITORY, elsewhere, ENTRY) == 3
    kept = await store.preferences.all(*WHERE, 180)
    assert kept == (replace(one, number=1), replace(other, number=2), replace(elsewhere, number=3))
    assert len(await actions(store)) == 3
    assert await store.preferences.remove(*WHERE, 3, audit=ENTRY)
    assert await store.preferences.keep(REPOSITORY, elsewhere, ENTRY) == 4, "no number comes back"


async def test_there_are_so_many_at_most(store: Store) -> None:
    for number in range(MAX_PREFERENCES):
        assert await store.preferences.keep(REPOSITORY, preference(store, str(number)), ENTRY)
    assert await store.preferences.keep(REPOSITORY, preference(store, "one more"), ENTRY) is None
    assert len(await store.preferences.all(*WHERE, 180)) == MAX_PREFERENCES


async def test_an_edit_says_who_made_it_and_none_is_lost(store: Store) -> None:
    await store.preferences.keep(REPOSITORY, preference(store), ENTRY)
    edits = (
        store.preferences.edit(*WHERE, 1, f"Words {number}", ("src/**",), audit=ENTRY)
        for number in range(3)
    )
    given = store.preferences.mark_given(*WHERE, await store.preferences.all(*WHERE, 180))
    await asyncio.gather(*edits, given)
    [one] = await store.preferences.all(*WHERE, 180)
    assert (one.text[:6], one.paths, one.edited_by) == ("Words ", ("src/**",), "mona")
    assert one.kept_by == "mona"
    assert await store.preferences.edit(*WHERE, 2, "x", ("x",), audit=ENTRY) is None


async def test_a_removal_that_is_tried_again_says_the_same(store: Store) -> None:
    await store.preferences.keep(REPOSITORY, preference(store, "Ours"), ENTRY)
    entry = replace(ENTRY, action=Action.PREFERENCE_REMOVED)
    for _ in range(2):
        assert await store.preferences.remove(*WHERE, 1, audit=entry, by="01A:0")
    assert not await store.preferences.remove(*WHERE, 1, audit=entry, by="01B:0")
    assert await store.preferences.all(*WHERE, 180) == ()
    assert await actions(store) == [("preference_kept", ""), ("preference_removed", "1: Ours")]


async def test_what_no_reader_was_given_for_so_long_is_removed(store: Store) -> None:
    now = store.now()
    old = preference(store, "Old", kept_at=now - 181 * DAY)
    used = preference(store, "Used", kept_at=now - 181 * DAY, given_at=now - 179 * DAY)
    for each in (old, used):
        await store.preferences.keep(REPOSITORY, each, ENTRY)
    [left] = await store.preferences.all(*WHERE, 180)
    assert left.text == "Used"
    await store.preferences.mark_given(*WHERE, [left])
    [marked] = await store.preferences.all(*WHERE, 180)
    assert marked.given_at >= now
    await store.preferences.mark_given(*WHERE, [marked])
    assert await store.preferences.all(*WHERE, 180) == (marked,), "once a day is enough"


@pytest.mark.parametrize("other", [(8, 11), (7, 12)], ids=["installation", "repository"])
async def test_another_installation_and_repository_has_its_own(
    store: Store, redis: "Redis", other: tuple[int, int]
) -> None:
    await store.preferences.keep(REPOSITORY, preference(store), ENTRY)
    assert await store.preferences.all(*other, 180) == ()
    assert await store.preferences.edit(*other, 1, "x", ("x",), audit=ENTRY) is None
    assert not await store.preferences.remove(*other, 1, audit=ENTRY)
    assert len(await store.preferences.all(*WHERE, 180)) == 1
    theirs = replace(REPOSITORY, installation_id=other[0], id=other[1], full_name="octo/other")
    await store.preferences.keep(theirs, preference(store), ENTRY)
    [mine, _] = await store.preferences.repositories()
    await store.preferences.delete_all([mine])
    assert not await redis.exists(keys.preferences(*WHERE))
    assert len(await store.preferences.all(*other, 180)) == 1
