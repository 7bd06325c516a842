"""The life of a review in a real Redis."""

import asyncio
import json
from dataclasses import replace
from typing import Any

from bot.domain.model import Batch, BatchResult, Category, Repository, Review, State, Trigger
from bot.domain.progress import Activity
from bot.store import QUEUES, Store, keys, message
from tests.support.reviews import queued, state_of

REPOSITORY = Repository(installation_id=1, id=7, full_name="ada/engine")
ACTIVE = (State.QUEUED, State.SCANNING, State.ANALYZING, State.REPORTING)


def review(
    name: str,
    head: str = "a" * 40,
    trigger: Trigger = Trigger.OPENED,
    focus: Category | None = None,
) -> Review:
    return Review(
        id=name,
        repository=REPOSITORY,
        number=3,
        head_sha=head,
        trigger=trigger,
        created_at=1.0,
        focus=focus,
    )


async def events(store: Store, name: str) -> list[tuple[str, str]]:
    raw: Any = await store.redis.xrange(keys.events(name))
    return [(fields[b"type"].decode(), json.loads(fields[b"data"])["state"]) for _, fields in raw]


async def test_a_review_is_opened_once_and_published_as_an_event(store: Store) -> None:
    first = await store.reviews.open(review("one"))
    again = await store.reviews.open(review("one"))
    assert (first.outcome, again.outcome) == ("opened", "known")
    assert await store.reviews.review("one") == review("one")
    assert await events(store, "one") == [("progress", "queued")]


async def test_a_new_head_supersedes_the_running_review(store: Store) -> None:
    await store.reviews.open(review("one"))
    second = await store.reviews.open(review("two", head="b" * 40, trigger=Trigger.PUSHED))
    assert (second.outcome, second.other) == ("opened", "one")
    assert await store.reviews.state("one") is State.SUPERSEDED
    assert await events(store, "one") == [("progress", "queued"), ("cancelled", "superseded")]


async def test_the_same_head_is_reviewed_again_only_on_request(store: Store) -> None:
    await store.reviews.open(review("one"))
    assert (await store.reviews.open(review("two", trigger=Trigger.READY))).outcome == "repeated"
    assert (await store.reviews.open(review("two", trigger=Trigger.COMMAND))).outcome == "opened"


async def test_the_same_head_is_reviewed_again_on_another_base(store: Store) -> None:
    await store.reviews.open(review("one"), base="main")
    assert (await store.reviews.open(review("two"), base="main")).outcome == "repeated"
    moved = await store.reviews.open(review("two"), base="stable")
    assert (moved.outcome, moved.other) == ("opened", "one")
    assert await store.reviews.state("one") is State.SUPERSEDED


async def test_a_look_at_one_category_is_no_review_of_the_head(store: Store) -> None:
    """The command came before the push of which it speaks was told."""
    await store.reviews.open(review("one", trigger=Trigger.COMMAND, focus=Category.SECURITY))
    assert (await store.reviews.open(review("two"))).outcome == "opened"
    await store.reviews.move("two", State.COMPLETED, from_states=ACTIVE)
    await store.reviews.open(review("three", trigger=Trigger.COMMAND, focus=Category.SECURITY))
    again = await store.reviews.open(review("four"))
    assert (again.outcome, again.other) == ("repeated", "two")
    assert await store.reviews.state("three") is State.QUEUED


async def test_what_waits_for_a_review_is_put_once_when_that_has_ended(store: Store) -> None:
    await store.reviews.open(review("one"))
    for name in ("c", "b", "b"):  # the delivery of one is handled twice
        waiting = review(name, trigger=Trigger.COMMAND, focus=Category.SECURITY)
        opened = await store.reviews.open(
            waiting, follow_up=message("start_queued_review", {}, name, 0)
        )
        assert (opened.outcome, opened.other) == ("waits", "one")
    assert await store.reviews.review("b") is None
    await store.reviews.open(review("two", head="b" * 40))
    assert await store.reviews.state("one") is State.SUPERSEDED
    assert await queued(store, "events") == [], "they wait for what has taken its place"
    await store.reviews.move("two", State.FAILED, from_states=ACTIVE)
    names = await store.redis.lrange(keys.queue("events"), 0, -1)
    bodies = [await store.redis.hget(keys.queue_messages("events"), name) for name in names]
    assert [json.loads(body or b"")["args"][1] for body in bodies] == ["b", "c"]


async def test_nothing_starts_after_removed_requests(store: Store) -> None:
    await store.reviews.open(review("one"))
    waiting = review("two", trigger=Trigger.COMMAND, focus=Category.SECURITY)
    for name in ("one", "two"):
        assert await store.reviews.consume_quota(REPOSITORY.installation_id, name, 2)
    await store.reviews.open(waiting, follow_up=message("start_queued_review", {}, "two", 0))
    await store.reviews.clear_waiting(REPOSITORY.installation_id, "one")
    await store.reviews.move("one", State.CANCELLED, from_states=ACTIVE)
    assert await queued(store, "events") == []
    granted = [
        await store.reviews.consume_quota(REPOSITORY.installation_id, name, 2) for name in "ab"
    ]
    assert granted == [True, False], "it has no place in the day's quota any more"


async def test_a_failed_review_does_not_block_the_next(store: Store) -> None:
    await store.reviews.open(review("one"))
    assert await store.reviews.move("one", State.FAILED, from_states=ACTIVE, error="No.")
    assert (await store.reviews.open(review("two"))).outcome == "opened"


async def test_who_began_without_a_turn_waits_for_none_and_takes_none(store: Store) -> None:
    for number, name in enumerate(("one", "two", "three")):
        await store.reviews.open(replace(review(name), number=number + 1))
        await store.reviews.admit(
            name, 1, max_concurrent=1, messages=[message("scan_review", name)]
        )
    assert await store.reviews.move("two", State.SCANNING, from_states=[State.QUEUED])
    assert not (await state_of(store, "two")).parked, "nobody would look after it any more"
    assert await store.reviews.move("one", State.CANCELLED, from_states=ACTIVE)
    assert not (await state_of(store, "three")).parked
    assert await queued(store, "scan") == ["scan_review"] * 2


async def test_a_finished_review_never_leaves_its_state(store: Store) -> None:
    await store.reviews.open(review("one"))
    await store.reviews.move("one", State.CANCELLED, from_states=ACTIVE)
    for state in State:
        assert not await store.reviews.move("one", state, from_states=tuple(State))
    assert not await store.reviews.update_progress("one", 50)
    assert await store.reviews.state("one") is State.CANCELLED


async def test_a_move_takes_its_messages_along_or_does_nothing(store: Store) -> None:
    await store.reviews.open(review("one"))
    scan = message("scan_review", "one")
    assert not await store.reviews.move(
        "one", State.REPORTING, from_states=[State.ANALYZING], messages=[scan]
    )
    assert await queued(store, "scan") == []
    assert await store.reviews.move(
        "one", State.SCANNING, from_states=[State.QUEUED], messages=[scan]
    )
    assert await queued(store, "scan") == ["scan_review"]


async def test_progress_never_falls(store: Store) -> None:
    await store.reviews.open(review("one"))
    await store.reviews.update_progress("one", 15, activity=Activity.CLONING)
    await store.reviews.update_progress("one", 10, activity=Activity.DIFFING)
    review_state = await state_of(store, "one")
    assert (review_state.percent, review_state.progress.status_text) == (15, "Reading the change")


async def test_the_last_batch_sends_the_publish_message_exactly_once(store: Store) -> None:
    await store.reviews.open(review("one"))
    batches = [Batch(number, ()) for number in range(5)]
    await store.reviews.move(
        "one", State.ANALYZING, from_states=[State.QUEUED], batches=batches, files_total=25
    )
    assert await store.stage_data.batch("one", 3) == Batch(3, ())
    every_batch_twice = list(range(5)) * 2
    await asyncio.gather(
        *(
            store.stage_data.finish_batch(
                "one", number, BatchResult(), files=5, publish=message("publish_review", "one")
            )
            for number in every_batch_twice
        )
    )
    assert await queued(store, "reports") == ["publish_review"]
    assert await store.reviews.state("one") is State.REPORTING
    assert len(await store.stage_data.results("one")) == 5
    progress = (await state_of(store, "one")).progress
    assert (progress.percent, progress.files_done) == (90, 25)


async def test_a_batch_of_a_cancelled_review_is_not_kept(store: Store) -> None:
    await store.reviews.open(review("one"))
    await store.reviews.move("one", State.CANCELLED, from_states=ACTIVE)
    done = await store.stage_data.finish_batch(
        "one", 0, BatchResult(), files=1, publish=message("publish_review", "one")
    )
    assert done == -1
    assert await store.stage_data.results("one") == ()
    assert all([await queued(store, queue) == [] for queue in QUEUES])


async def test_what_is_noted_of_a_review_that_redis_forgot_does_not_make_one(store: Store) -> None:
    """A worker goes on with what another Redis had; the review is opened again."""
    unknown = review("forgotten")
    await store.reviews.update(unknown.id, check_run_id=7)
    await store.reviews.mark_standing(unknown.id, review_url="https://github.com/")
    await store.reviews.mark_concluded(unknown.id)
    assert await store.redis.exists(keys.review(unknown.id)) == 0
    await store.redis.hset(keys.review(unknown.id), "recoveries", "1")
    opened = await store.reviews.open(unknown)
    assert opened.outcome == "opened"
    assert unknown.id in await store.reviews.unfinished()
