"""What was asked for over the API is known before it begins, and if it never does."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from websockets.asyncio.client import connect

from bot.config.settings import Settings
from bot.store import Store
from bot.web.app import create_app
from bot.web.feed.feed import Close
from tests.support.feeds import read, rest, url
from tests.support.web_server import ask_for_review, complete, serving


@pytest.fixture
async def address(settings: Settings, store: Store) -> AsyncIterator[str]:
    async with serving(create_app(settings)) as address:
        yield address


async def test_a_request_can_be_watched_before_it_starts(
    address: str, settings: Settings, store: Store
) -> None:
    review = await ask_for_review(store)
    async with connect(url(address, settings, review.id)) as socket:
        assert (await read(socket))["type"] == "connected"
        await store.reviews.open(review)
        assert (await read(socket))["status"] == "queued"
        await complete(store, review)
        [last], code = await rest(socket)
    assert (last["type"], code) == ("completed", Close.DONE)


async def test_a_rejection_is_published_once(
    address: str, settings: Settings, store: Store
) -> None:
    review = await ask_for_review(store)
    async with connect(url(address, settings, review.id)) as socket:
        assert (await read(socket))["type"] == "connected"
        found = await store.requests.find(review.id)
        assert found is not None
        for _ in range(2):  # as an attempt that comes twice does
            await store.requests.end(review.id, found, "There is no such repository.")
        [last], code = await rest(socket)
    assert (last["type"], last["error"]) == ("failed", "There is no such repository.")
    assert code == Close.DONE
    async with connect(url(address, settings, review.id, after=last["id"])) as socket:
        messages, code = await rest(socket)
    assert ([m["type"] for m in messages], code) == (["connected"], Close.DONE)


@pytest.mark.parametrize("late", [False, True])
async def test_a_started_review_publishes_no_rejection(
    address: str, settings: Settings, store: Store, late: bool
) -> None:
    """Two attempts may come to different ends, in any order."""
    review = await ask_for_review(store)
    if late:
        await store.reviews.open(review)
    await store.requests.reject(review.id, "There is no such repository.")
    if not late:
        await store.reviews.open(review)
    await complete(store, review)
    async with connect(url(address, settings, review.id)) as socket:
        messages, _ = await rest(socket)
    assert [m["type"] for m in messages] == ["connected", "progress", "completed"]


async def test_a_pending_request_cannot_be_cancelled_and_has_no_report(
    web: httpx2.AsyncClient, store: Store, admin: dict[str, str]
) -> None:
    requested = await ask_for_review(store)

    async def answers() -> list[tuple[int, str]]:
        problem_details = [
            await web.delete(f"/api/reviews/{requested.id}", headers=admin),
            await web.get(f"/api/reviews/{requested.id}/report.json", headers=admin),
        ]
        return [(answer.status_code, answer.json()["detail"]) for answer in problem_details]

    assert await answers() == [
        (409, "The review has not started yet; cancel it once it has."),
        (409, "The report is not ready: the review is still running."),
    ]
    await store.requests.reject(requested.id, "There is no such repository.")
    assert await answers() == [
        (409, "The review is finished; there is nothing to cancel."),
        (404, "This review ended without a report."),
    ]
