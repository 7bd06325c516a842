"""What is told to those who watch a review: all that is known of it, and its result at the end."""

import pytest

from bot.domain.model import UNFINISHED, State
from bot.domain.progress import Activity
from bot.store import ReviewResult, Store
from bot.store.review_views import EventData, StreamEvent
from tests.support.web_server import open_review

RESULT = ReviewResult(verdict="Good.", conclusion="success", findings=6, review_url="https://x/")


async def last(store: Store, review_id: str) -> StreamEvent:
    return (await store.events.page(review_id, "0"))[-1]


async def test_an_event_tells_all_that_is_known_of_the_review(store: Store) -> None:
    review = await open_review(store)
    begun = await last(store, review.id)
    assert (begun.kind, begun.data) == ("progress", EventData(state=State.QUEUED))
    await store.reviews.update(review.id, files_total=4, files_done=5, findings=6)
    await store.reviews.update_progress(review.id, 2, activity=Activity.READING, amount=3)
    told = await last(store, review.id)
    assert told.data == EventData(
        state=State.QUEUED, percent=2, activity=Activity.READING, amount=3,
        files_total=4, files_done=5, findings=6,
    )  # fmt: skip
    await store.reviews.move(review.id, State.FAILED, from_states=UNFINISHED, error="No.")
    ended = await last(store, review.id)
    assert (ended.kind, ended.is_final) == ("failed", True)
    assert (ended.data.error, ended.data.findings, ended.data.files_done) == ("No.", 6, 5)


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED, State.CANCELLED])
async def test_the_result_is_told_when_a_review_completes_and_not_before(
    store: Store, state: State
) -> None:
    review = await open_review(store)
    await store.reviews.update(review.id, result=RESULT)
    await store.reviews.update_progress(review.id, 90)
    assert (await last(store, review.id)).data.result is None
    await store.reviews.move(review.id, state, from_states=UNFINISHED)
    ended = await last(store, review.id)
    assert ended.data.result == (RESULT if state is State.COMPLETED else None)
    assert ended.data.error == ""


async def test_a_review_may_complete_without_a_result(store: Store) -> None:
    review = await open_review(store)
    await store.reviews.move(review.id, State.COMPLETED, from_states=UNFINISHED)
    assert (await last(store, review.id)).data == EventData(state=State.COMPLETED)
