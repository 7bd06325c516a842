"""What is kept of a review: read as it was written, and by no other names."""

import re
from dataclasses import fields
from typing import get_type_hints

import pytest
from pydantic import ValidationError

from bot.config.repository_config import RepoConfig
from bot.domain.model import State
from bot.domain.progress import Activity
from bot.store import Handoff, ReviewResult, ReviewState, ReviewSummary, Store, keys
from bot.store.lua.scripts import Script, source
from bot.store.review_state import ReviewChange
from tests.support.pulls import PULL
from tests.support.reviews import state_of
from tests.support.web_server import open_review

HANDOFF = Handoff(pull=PULL, config=RepoConfig(), notes=("A key is unknown.",), settle_seconds=30)
RESULT = ReviewResult(
    verdict="Fine.", conclusion="success", findings=0, review_url="https://github.com/"
)


async def test_a_review_just_opened_has_what_is_known_of_it(store: Store) -> None:
    review = await open_review(store)
    state = await state_of(store, review.id)
    assert state == ReviewState(review=review, state=State.QUEUED, opened_at=state.opened_at)
    assert await store.reviews.review(review.id) == review


async def test_changes_are_read_as_they_were_written(store: Store) -> None:
    review = await open_review(store)
    await store.reviews.update(
        review.id,
        handoff=HANDOFF,
        title="Fix\nit",
        check_run_id=2**40,
        check_run_requested=True,
        activity=Activity.WAITING_FOR_COMMITS,
        amount=30,
        started_at=1.25,
        result=RESULT,
    )
    state = await state_of(store, review.id)
    assert (state.handoff, state.result, state.title) == (HANDOFF, RESULT, "Fix\nit")
    assert (state.check_run_id, state.check_run_requested) == (2**40, True)
    assert state.check_run_completing is False
    assert state.started_at == 1.25
    assert state.progress.status_text == "Waiting 30 s for more commits"


async def test_lists_read_the_same_and_less(store: Store) -> None:
    review = await open_review(store)
    await store.reviews.update(review.id, handoff=HANDOFF, percent=3)
    state = await state_of(store, review.id)
    kept = {field.name: getattr(state, field.name) for field in fields(ReviewSummary)}
    assert await store.reviews.summary(review.id) == ReviewSummary(**kept)


async def test_an_unknown_review_is_none(store: Store) -> None:
    assert await store.reviews.get("gone") is None
    assert await store.reviews.summary("gone") is None
    assert await store.reviews.review("gone") is None


async def test_what_is_no_review_is_an_error(store: Store) -> None:
    review = await open_review(store)
    await store.redis.hset(keys.review(review.id), "percent", "many")
    with pytest.raises(ValidationError):
        await store.reviews.get(review.id)


def test_a_review_that_is_just_opened_has_no_handoff_to_work_with(store: Store) -> None:
    state = ReviewState(review=None, state=State.QUEUED, opened_at=1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not been started"):
        state.require_handoff()


def test_every_change_is_of_a_field_and_of_its_type() -> None:
    kept, changes = get_type_hints(ReviewState), get_type_hints(ReviewChange)
    assert changes.keys() <= kept.keys()
    for name, kind in changes.items():
        assert kept[name] in (kind, kind | None), name


def test_scripts_know_fields_of_a_review_by_the_same_names() -> None:
    names = {field.name for field in fields(ReviewState)}
    for script in Script:
        calls = re.findall(
            r"'H\w+', (?:review|key\.review:format\([\w.]+\)),([^)]*)", source(script)
        )
        used = {name for call in calls for name in re.findall(r"'([a-z]\w+)'", call)}
        assert {"state", "activity"} <= used, "the prelude's"
        assert used <= names, script
