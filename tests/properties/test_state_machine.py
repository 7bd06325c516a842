"""The life of reviews against a real Redis: whatever happens in whatever order, the rules hold.

Rules of the machine are what steps, people and deliveries do, each any number of times and
too late; its invariants are what people rely on.
"""

import asyncio
import json
from collections.abc import Awaitable
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.domain.model import (
    FINISHED,
    Batch,
    BatchResult,
    Category,
    Repository,
    Review,
    State,
    Trigger,
)
from bot.store import Store, connect, keys, message

T = TypeVar("T")

AT_ONCE = 1
INSTALLATIONS = (1, 2)
PULLS = (1, 2)
HEADS = ("a" * 40, "b" * 40)
ORDER = [State.QUEUED, State.SCANNING, State.ANALYZING, State.REPORTING]


class Life(RuleBasedStateMachine):
    """`states` is what the model thinks of each review; Redis has to agree."""

    reviews = Bundle("reviews")
    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.store = Store(connect(self.url), keep_seconds=600)
        self.run(self.store.redis.flushdb())
        self.states: dict[str, State] = {}
        self.pulls: dict[str, tuple[int, int, str]] = {}
        self.results: dict[str, set[int]] = {}
        self.opened: dict[tuple[int, int], str] = {}
        self.whole: dict[tuple[int, int], str] = {}
        self.waiting: set[str] = set()

    def run(self, work: Awaitable[T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.run(self.store.redis.aclose())
        self.loop.close()

    def ended(self, name: str) -> bool:
        return self.states[name] in FINISHED

    @rule(
        target=reviews,
        installation=st.sampled_from(INSTALLATIONS),
        pull=st.sampled_from(PULLS),
        head=st.sampled_from(HEADS),
        trigger=st.sampled_from((Trigger.OPENED, Trigger.COMMAND)),
    )
    def open(self, installation: int, pull: int, head: str, trigger: Trigger) -> str:
        name = f"r{len(self.pulls)}"
        before, whole = (of.get((installation, pull)) for of in (self.opened, self.whole))
        opened = self.run(
            self.store.reviews.open(self._review(name, installation, pull, head, trigger))
        )
        self.pulls[name] = installation, pull, head
        known = whole is not None and self.pulls[whole][2] == head
        lost = whole is not None and self.states[whole] in (State.FAILED, State.CANCELLED)
        if trigger.automatic and known and not lost:
            assert (opened.outcome, opened.other) == ("repeated", whole)
            assert whole is not None
            return whole
        assert opened.outcome == "opened"
        if before is not None and not self.ended(before):
            assert opened.other == before
            self.states[before] = State.SUPERSEDED
        self.states[name] = State.QUEUED
        self.opened[installation, pull] = self.whole[installation, pull] = name
        return name

    @rule(
        target=reviews,
        installation=st.sampled_from(INSTALLATIONS),
        pull=st.sampled_from(PULLS),
        head=st.sampled_from(HEADS),
    )
    def look_closer(self, installation: int, pull: int, head: str) -> Any:
        """Somebody asks for one category."""
        name = f"r{len(self.pulls) + len(self.waiting)}w"
        review_asked = self._review(
            name, installation, pull, head, Trigger.COMMAND, Category.SECURITY
        )
        before = self.opened.get((installation, pull))
        later = message("start_queued_review", {}, name, 0)
        opened = self.run(self.store.reviews.open(review_asked, follow_up=later))
        if before is not None and not self.ended(before):
            assert (opened.outcome, opened.other) == ("waits", before)
            self.waiting.add(name)
            return multiple()
        assert opened.outcome == "opened"
        self.pulls[name] = installation, pull, head
        self.states[name] = State.QUEUED
        self.opened[installation, pull] = name
        return name

    @rule(name=reviews)
    def open_again(self, name: str) -> None:
        """The same delivery is handled a second time."""
        installation, pull, head = self.pulls[name]
        again = self._review(name, installation, pull, head, Trigger.OPENED)
        assert self.run(self.store.reviews.open(again)).outcome == "known"

    @rule(name=reviews)
    def admit(self, name: str) -> None:
        installation = self.pulls[name][0]
        scan = message("scan_review", name)
        self.run(
            self.store.reviews.admit(name, installation, max_concurrent=AT_ONCE, messages=[scan])
        )

    @rule(name=reviews)
    def scan(self, name: str) -> None:
        moved = self.run(
            self.store.reviews.move(name, State.SCANNING, from_states=[State.QUEUED], started_at=1)
        )
        assert moved == (self.states[name] is State.QUEUED)
        if moved:
            self.states[name] = State.SCANNING

    @rule(name=reviews, number=st.integers(0, 3))
    def hand_on(self, name: str, number: int) -> None:
        batches = [Batch(n, ()) for n in range(1, number + 1)]
        to = State.ANALYZING if batches else State.REPORTING
        messages = [message("analyze_batch", name, batch.number) for batch in batches]
        moved = self.run(
            self.store.reviews.move(
                name,
                to,
                from_states=[State.SCANNING],
                batches=batches,
                messages=messages or [message("publish_review", name)],
                files_total=number,
            )
        )
        assert moved == (self.states[name] is State.SCANNING)
        if moved:
            self.states[name] = to
            self.results[name] = set(range(1, number + 1))

    @rule(name=reviews, number=st.integers(1, 3))
    def analyze(self, name: str, number: int) -> None:
        waiting = self.results.get(name, set())
        if self.states[name] is State.ANALYZING and not self._has(name, number):
            return
        done = self.run(
            self.store.stage_data.finish_batch(
                name, number, BatchResult(), files=1, publish=message("publish_review", name)
            )
        )
        assert (done == -1) == (self.states[name] is not State.ANALYZING)
        if done >= 0:
            waiting.discard(number)
            if not waiting:
                self.states[name] = State.REPORTING

    def _has(self, name: str, number: int) -> bool:
        return bool(self.run(self.store.redis.hexists(keys.batches(name), str(number))))

    @rule(name=reviews, to=st.sampled_from((State.FAILED, State.CANCELLED)))
    def end(self, name: str, to: State) -> None:
        moved = self.run(
            self.store.reviews.move(
                name, to, from_states=ORDER, messages=[message("conclude_review", name)]
            )
        )
        assert moved != self.ended(name)
        if moved:
            self.states[name] = to

    @rule(name=reviews)
    def publish(self, name: str) -> None:
        moved = self.run(
            self.store.reviews.move(
                name, State.COMPLETED, from_states=[State.REPORTING], percent=100
            )
        )
        assert moved == (self.states[name] is State.REPORTING)
        if moved:
            self.states[name] = State.COMPLETED

    @rule(name=reviews)
    @precondition(lambda self: any(state in FINISHED for state in self.states.values()))
    def conclude(self, name: str) -> None:
        if self.ended(name):
            self.run(self.store.reviews.mark_concluded(name))
            assert name not in self.run(self.store.queues.snapshot()).ending

    @rule(name=reviews, percent=st.integers(0, 100))
    def update_progress(self, name: str, percent: int) -> None:
        assert self.run(self.store.reviews.update_progress(name, percent)) != self.ended(name)

    @invariant()
    def states_agree(self) -> None:
        for name, state in self.states.items():
            assert self.run(self.store.reviews.state(name)) is state

    @invariant()
    def unfinished_ones_are_active_and_one_a_pull_request(self) -> None:
        active = self.run(self.store.queues.snapshot()).active
        assert sorted(active) == sorted(n for n in self.states if not self.ended(n))
        places = [self.pulls[name][:2] for name in active]
        assert len(places) == len(set(places))

    @invariant()
    def no_installation_has_more_turns_than_it_may(self) -> None:
        snapshot = self.run(self.store.queues.snapshot())
        for installation in INSTALLATIONS:
            running = self._members(keys.running(installation))
            assert len(running) <= AT_ONCE
            assert running <= set(snapshot.active)
            waiting = {n for n in snapshot.active if self._parked(n, installation)}
            assert not waiting or len(running) == AT_ONCE, "a turn is free while one waits"
            assert not any(snapshot.has_message(name) for name in waiting)

    @invariant()
    def what_waits_has_a_message_once_nothing_runs_before_it(self) -> None:
        bodies: Any = self.run(self.store.redis.hvals(keys.queue_messages("events")))
        sent = [json.loads(body)["args"][1] for body in bodies]
        parked = [
            name
            for active in self.states
            if not self.ended(active)
            for name in self._fields(keys.after(active))
        ]
        assert sorted(sent + parked) == sorted(self.waiting)

    def _fields(self, key: str) -> list[str]:
        found: Any = self.run(self.store.redis.hkeys(key))
        return [name.decode() for name in found]

    def _members(self, key: str) -> set[str]:
        found: Any = self.run(self.store.redis.smembers(key))
        return {name.decode() for name in found}

    def _parked(self, name: str, installation: int) -> bool:
        review = self.run(self.store.reviews.get(name))
        return review is not None and bool(review.parked) and review.installation_id == installation

    @invariant()
    def a_finished_review_leaves_no_work_behind_and_one_last_event(self) -> None:
        for name in self.states:
            raw: Any = self.run(self.store.redis.xrange(keys.events(name)))
            statuses = [json.loads(fields[b"data"])["state"] for _, fields in raw]
            last = [status for status in statuses if State(status) in FINISHED]
            assert len(last) == self.ended(name)
            if self.ended(name):
                assert statuses[-1] == self.states[name]
                left = [keys.scan(name), keys.batches(name), keys.results(name)]
                assert self.run(self.store.redis.exists(*left)) == 0

    @invariant()
    def a_review_with_all_results_is_published_by_one_message(self) -> None:
        bodies: Any = self.run(self.store.redis.hvals(keys.queue_messages("reports")))
        sent = [
            data["args"][0]
            for data in map(json.loads, bodies)
            if data["actor_name"] == "publish_review"
        ]
        assert len(sent) == len(set(sent))
        for name, state in self.states.items():
            if state in (State.REPORTING, State.COMPLETED):
                assert name in sent

    def _review(
        self,
        name: str,
        installation: int,
        pull: int,
        head: str,
        trigger: Trigger,
        focus: Category | None = None,
    ) -> Review:
        return Review(
            id=name,
            repository=Repository(installation, 10 + installation, f"owner{installation}/repo"),
            number=pull,
            head_sha=head,
            trigger=trigger,
            created_at=1.0,
            focus=focus,
        )


def test_reviews_live_by_the_rules(redis_url: str) -> None:
    Life.url = redis_url
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
def test_reviews_live_by_the_rules_for_long(redis_url: str) -> None:
    Life.url = redis_url
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=1000,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
