"""The dashboard in a real browser."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from bot.config.settings import Settings
from bot.domain.model import Repository, State
from bot.store import Store, message
from bot.web.app import create_app
from tests.browser.conftest import NewPage, accessibility, signed_in
from tests.support.outcomes import three_months
from tests.support.preferences import keep_preference
from tests.support.web_server import complete, open_review, serving

OTHERS = Repository(installation_id=7, id=12, full_name="octo/shop")


@pytest.fixture
async def address(settings: Settings, store: Store) -> AsyncIterator[str]:
    async with serving(create_app(settings)) as address:
        yield address


async def some_reviews(store: Store) -> None:
    for number in range(1, 31):
        review = await open_review(
            store, number=number, **({"repository": OTHERS} if number % 3 == 0 else {})
        )
        if number % 7 == 0:
            await store.reviews.move(
                review.id, State.FAILED, from_states=[State.QUEUED], error="It broke."
            )
        elif number < 28:
            await complete(store, review)
    await store.queues.put(message("scan_review", "one"))


async def test_an_administrator_signs_in_filters_and_cancels(
    address: str, store: Store, new_page: NewPage
) -> None:
    await some_reviews(store)
    page = await new_page()
    await signed_in(page, address)
    await expect(page.get_by_role("row", name="octo/demo #29")).to_be_visible()
    await page.get_by_role("button", name="Cancel the review of octo/demo #29").click()
    await expect(page.get_by_role("row", name="octo/demo #29")).to_contain_text("cancelled")
    await page.get_by_label("Repository").fill("octo/shop")
    await page.get_by_label("State").select_option("completed")
    await page.get_by_role("button", name="Filter").click()
    await expect(page.get_by_role("row", name="octo/shop")).to_have_count(8)
    await expect(page.get_by_role("row", name="octo/demo")).to_have_count(0)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_older_reviews_are_on_the_next_page(
    address: str, store: Store, new_page: NewPage
) -> None:
    await some_reviews(store)
    page = await new_page()
    await signed_in(page, address)
    rows = page.locator("tbody").first.get_by_role("row")
    await expect(rows).to_have_count(25)
    await page.get_by_role("link", name="Older reviews").click()
    await expect(rows).to_have_count(5)


async def test_a_review_opened_from_the_dashboard_is_live(
    address: str, store: Store, new_page: NewPage
) -> None:
    review = await open_review(store)
    page = await new_page()
    await signed_in(page, address)
    await page.get_by_role("link", name="octo/demo #12").click()
    await expect(page.locator("#connection")).to_have_text("Live")
    await complete(store, review)
    await expect(page.locator(".badge")).to_have_text("Reviewed")


async def test_the_dashboard_shows_new_reviews_by_itself(
    address: str, store: Store, new_page: NewPage
) -> None:
    page = await new_page()
    await signed_in(page, address)
    await expect(page.locator(".empty")).to_have_text("No reviews.")
    await open_review(store)
    await expect(page.get_by_role("row", name="octo/demo #12")).to_be_visible(timeout=20_000)


@pytest.mark.variations(2)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
async def test_the_page_is_accessible_and_no_wider_than_the_screen(
    address: str, store: Store, new_page: NewPage, scheme: str, width: int
) -> None:
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    await some_reviews(store)
    page = await new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    await page.goto(f"http://{address}/sign-in")
    assert await accessibility(page) == []
    await signed_in(page, address)
    assert await accessibility(page) == []
    await three_months(store)
    await page.get_by_role("link", name="Outcomes").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Outcomes of findings")
    assert await accessibility(page) == []
    assert await page.evaluate(wider) == 0
    await keep_preference(store)
    await page.get_by_role("link", name="Preferences").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Preferences")
    await page.get_by_text("Edit", exact=True).click()
    await expect(page.get_by_label("Sentence")).to_be_visible()
    assert await accessibility(page) == []
    assert await page.evaluate(wider) == 0
    await page.get_by_role("link", name="Reviews", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Reviews")
    assert await page.evaluate(wider) == 0
