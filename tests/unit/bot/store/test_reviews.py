"""The life of a review in a real Redis."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.model import (
    Batch,
    BatchResult,
    Category,
    Finding,
    PullRequestContext,
    Repository,
    Review,
    Scan,
    Severity,
    State,
    Trigger,
    Usage,
)
from bot.domain.progress import Activity
from bot.store import QUEUES, Action, AuditEntry, Store, Way, keys, message
from bot.store.reviews import QUOTA_SECONDS
from tests.support.reviews import queued, state_of
from tests.support.web_server import ask_for_review, make_report

REPOSITORY = Repository(installation_id=1, id=7, full_name="ada/engine")
FINDING = Finding(
    path="a.py",
    category=Category.CORRECTNESS,
    severity=Severity.HIGH,
    title="It fails",
    body="",
    confidence=1.0,
    source="llm",
)
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


async def subjects(store: Store, queue: str) -> list[str]:
    """The reviews that the messages of a queue are about, in order."""
    names = await store.redis.lrange(keys.queue(queue), 0, -1)
    bodies = [await store.redis.hget(keys.queue_messages(queue), name) for name in names]
    return [json.loads(body or b"")["args"][0] for body in bodies]


async def test_a_review_is_opened_once_and_published_as_an_event(store: Store) -> None:
    first = await store.reviews.open(review("one"))
    again = await store.reviews.open(review("one"))
    assert (first.outcome, again.outcome) == ("opened", "known")
    assert await store.reviews.review("one") == review("one")
    assert await store.redis.zrange(keys.REVIEWS, 0, -1) == [b"one"], "lists show it"
    assert await events(store, "one") == [("progress", "queued")]


async def test_a_new_head_supersedes_the_running_review(store: Store) -> None:
    await store.reviews.open(review("one"))
    second = await store.reviews.open(review("two", head="b" * 40, trigger=Trigger.PUSHED))
    assert (second.outcome, second.other) == ("opened", "one")
    old, new = await state_of(store, "one"), await state_of(store, "two")
    assert (old.state, old.superseded_by) == (State.SUPERSEDED, "two")
    assert (new.state, new.supersedes) == (State.QUEUED, "one")
    again = await store.reviews.open(review("two", head="b" * 40, trigger=Trigger.PUSHED))
    assert (again.outcome, again.other) == ("known", "one"), "of a try that died before it said so"
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


@pytest.mark.parametrize("end", [State.FAILED, State.CANCELLED])
async def test_a_review_without_a_report_does_not_block_the_next(store: Store, end: State) -> None:
    await store.reviews.open(review("one"))
    assert await store.reviews.move("one", end, from_states=ACTIVE, error="No.")
    assert (await store.reviews.open(review("two"))).outcome == "opened"


async def test_a_review_that_begins_after_all_does_not_show_an_earlier_end(store: Store) -> None:
    asked = await ask_for_review(store)
    await store.requests.reject(asked.id, "GitHub did not respond.")
    assert await events(store, asked.id) == [("failed", "failed")]
    await store.reviews.open(asked)
    assert await events(store, asked.id) == [("progress", "queued")]


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


async def test_a_review_that_ends_gives_its_turn_to_the_one_that_waits_longest(
    store: Store,
) -> None:
    for number, name in enumerate(("one", "two", "three", "four", "five")):
        await store.reviews.open(replace(review(name), number=number + 1))
        await store.reviews.admit(
            name, 1, max_concurrent=1, messages=[message("scan_review", name)]
        )
    assert await subjects(store, "scan") == ["one"]

    await store.reviews.move("one", State.COMPLETED, from_states=ACTIVE)
    assert await subjects(store, "scan") == ["one", "two"]
    await store.reviews.move("five", State.CANCELLED, from_states=ACTIVE)  # it had no turn
    assert await subjects(store, "scan") == ["one", "two"]
    await store.reviews.move("two", State.FAILED, from_states=ACTIVE)
    assert await subjects(store, "scan") == ["one", "two", "three"]
    assert await store.reviews.running(1) == 1
    await store.reviews.move("three", State.COMPLETED, from_states=ACTIVE)
    await store.reviews.move("four", State.COMPLETED, from_states=ACTIVE)
    assert await subjects(store, "scan") == ["one", "two", "three", "four"]
    assert await store.reviews.running(1) == 0


async def test_all_turns_that_the_settings_have_more_now_are_given(store: Store) -> None:
    for number, name in enumerate(("one", "two", "three", "four", "five"), start=1):
        limit = 3 if name == "five" else 1
        await store.reviews.open(replace(review(name), number=number))
        scan = [message("scan_review", name)]
        await store.reviews.admit(name, 1, max_concurrent=limit, messages=scan)
    assert await subjects(store, "scan") == ["one", "two", "three"]
    assert await store.reviews.running(1) == 3


async def test_as_many_reviews_begin_as_there_are_turns(store: Store) -> None:
    for number, name in enumerate(("one", "two", "three")):
        await store.reviews.open(replace(review(name), number=number + 1))
        scan = [message("scan_review", name)]
        assert await store.reviews.admit(name, 1, max_concurrent=2, messages=scan)
        assert not await store.reviews.admit(name, 1, max_concurrent=2, messages=scan)
    await store.reviews.open(replace(review("gone"), number=9))
    await store.reviews.move("gone", State.CANCELLED, from_states=ACTIVE)
    scan = [message("scan_review", "gone")]
    for name in ("gone", "unknown"):
        assert not await store.reviews.admit(name, 1, max_concurrent=9, messages=scan)
    assert await subjects(store, "scan") == ["one", "two"]
    assert await store.reviews.running(1) == 2


async def test_a_review_that_completed_leaves_no_check_run_to_complete(store: Store) -> None:
    """Unlike one that failed, and one that stands on GitHub but was cancelled."""
    for number, name in enumerate(("good", "bad", "standing", "stood")):
        await store.reviews.open(replace(review(name), number=number + 1))
    for name in ("good", "standing", "stood"):
        await store.reviews.update(name, review_url="https://github.com/")
    await store.reviews.move("good", State.COMPLETED, from_states=ACTIVE, percent=99)
    await store.reviews.move("bad", State.FAILED, from_states=ACTIVE, error="No.")
    await store.reviews.move("standing", State.CANCELLED, from_states=ACTIVE, error="No.")
    await store.reviews.move("stood", State.FAILED, from_states=ACTIVE, error="No.")
    snapshot = await store.queues.snapshot()
    assert (snapshot.active, snapshot.ending) == ((), ("bad", "standing", "stood"))
    assert (await state_of(store, "good")).percent == 99
    assert (await state_of(store, "bad")).error == "No."
    stood, standing = [await state_of(store, name) for name in ("stood", "standing")]
    for each in (stood, standing):
        assert (each.state, each.error, each.percent) == (State.COMPLETED, "", 100)
        assert each.check_run_open
    assert await store.redis.hgetall(keys.ENDED_REVIEWS) == {b"completed": b"3", b"failed": b"1"}
    assert abs((standing.finished_at or 0) - await store.time()) < 60


async def test_what_is_kept_of_a_review_ends_some_time_after_it(store: Store) -> None:
    await store.reviews.open(review("one"))
    assert await store.redis.ttl(keys.review("one")) == -1, "it may wait for long"
    lifetime = store.redis.ttl
    assert 3000 < await lifetime(keys.head(REPOSITORY.id, "a" * 40)) <= 3600
    assert 3000 < await lifetime(keys.pull(REPOSITORY.id, 3)) <= 3600
    waiting = review("two", trigger=Trigger.COMMAND, focus=Category.SECURITY)
    await store.reviews.open(waiting, follow_up=message("start_queued_review", {}, "two", 0))
    assert 3000 < await lifetime(keys.after("one")) <= 3600
    working = [keys.batches("one"), keys.results("one"), keys.scan("one"), keys.after("one")]
    for key in working[:2]:
        await store.redis.hset(key, "0", "x")
    await store.redis.set(working[2], "x")
    await store.reviews.move("one", State.COMPLETED, from_states=ACTIVE)
    assert await store.redis.exists(*working) == 0, "nobody works on it any more"
    assert 3000 < await lifetime(keys.review("one")) <= 3600
    assert 3000 < await lifetime(keys.events("one")) <= 3600


async def test_the_day_of_a_quota_ends(store: Store) -> None:
    assert await store.reviews.consume_quota(1, "one", 1)
    assert await store.reviews.consume_quota(1, "one", 1), "counted once"
    assert not await store.reviews.consume_quota(1, "two", 1)
    [key] = await store.redis.keys(keys.quota(1, "*"))
    assert QUOTA_SECONDS - 600 < await store.redis.ttl(key) <= QUOTA_SECONDS


async def test_who_cancelled_is_written_down_with_the_end(store: Store) -> None:
    await store.reviews.open(review("one"))
    entry = AuditEntry(action=Action.REVIEW_CANCELLED, way=Way.PAGE, who="mona")
    for cancelled in (True, False):
        assert await store.reviews.cancel("one", "Enough.", audit=entry) is cancelled
    assert [line.who async for line in store.audit.since(0)] == ["mona"]


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
    assert await store.reviews.update_progress("one", 0)
    assert (await state_of(store, "one")).percent == 0
    assert await events(store, "one") == [("progress", "queued")] * 2, "whoever watches is told"
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
    found = [(FINDING,) * number for number in range(5)]

    async def finish(number: int) -> int:
        return await store.stage_data.finish_batch(
            "one",
            number,
            BatchResult(findings=found[number]),
            files=5,
            publish=message("publish_review", "one"),
        )

    before = len(await events(store, "one"))
    assert [await finish(0), await finish(0)] == [1, 1]
    assert (await events(store, "one"))[before:] == [("progress", "analyzing")]
    every_batch_twice = list(range(5)) * 2
    await asyncio.gather(*map(finish, every_batch_twice))
    assert await queued(store, "reports") == ["publish_review"]
    assert await store.reviews.state("one") is State.REPORTING
    assert len(await store.stage_data.results("one")) == 5
    progress = (await state_of(store, "one")).progress
    assert (progress.percent, progress.files_done, progress.findings) == (90, 25, 10)


async def test_a_report_adds_its_usage_only_where_none_was_counted(store: Store) -> None:
    """What was counted call by call has tries in it that the report does not know of."""
    usage = Usage(calls=1, prompt_tokens=90, completion_tokens=10, cost=0.5)
    counted, uncounted = [
        replace(review(name), number=number + 1) for number, name in enumerate(("one", "two"))
    ]
    for each in (counted, uncounted):
        await store.reviews.open(each)
    tries = Usage(calls=3, prompt_tokens=900, cost=2.5)
    await store.usage.add(tries, installation_id=1, review_id="one")
    for each in (counted, uncounted):
        await store.stage_data.save_report(make_report(each, usage=usage))
    one, two = await state_of(store, "one"), await state_of(store, "two")
    assert (one.tokens, one.cost) == (900, 2.5)
    assert (two.tokens, two.cost) == (100, 0.5)
    assert 3000 < await store.redis.ttl(keys.report("one")) <= 3600


async def test_what_the_scan_found_is_kept_while_the_review_runs(store: Store) -> None:
    context = PullRequestContext(title="Pay", body="", commits=())
    scan = Scan(merge_base="b" * 40, pr_context=context, files=(), skipped=(), evidence=(FINDING,))
    await store.reviews.open(review("one"))
    await store.stage_data.save_scan("one", scan)
    assert await store.stage_data.scan("one") == scan
    assert 3000 < await store.redis.ttl(keys.scan("one")) <= 3600
    await store.reviews.move("one", State.CANCELLED, from_states=ACTIVE)
    await store.stage_data.save_scan("one", scan)
    await store.stage_data.save_scan("unknown", scan)
    assert await store.stage_data.scan("one") is None
    assert await store.stage_data.scan("unknown") is None


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
