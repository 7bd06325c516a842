"""A review's page in a real browser: live, through a restart, to the end."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from bot.config.settings import Settings
from bot.domain.model import Batch, Review, State
from bot.security.links import review_links
from bot.store import Store
from bot.web.app import create_app
from tests.browser.conftest import NewPage, accessibility, signed_in
from tests.support.web_server import (
    FINDINGS,
    PULL,
    ask_for_review,
    bring_in,
    complete,
    open_review,
    serving,
)

WIDTHS = {"phone": 375, "tablet": 768, "wide": 1440}


@pytest.fixture
async def address(settings: Settings, store: Store) -> AsyncIterator[str]:
    async with serving(create_app(settings)) as address:
        yield address


def page_url(address: str, settings: Settings, review: Review) -> str:
    link = review_links(settings, review.id).page
    return link.replace(settings.public_url, f"http://{address}")


async def under_way(store: Store, number: int = 13) -> Review:
    """A review of which two batches are awaited."""
    review = await open_review(store, number=number)
    await store.reviews.move(
        review.id,
        State.ANALYZING,
        from_states=[State.QUEUED],
        batches=[Batch(0, ()), Batch(1, ())],
        percent=20,
        files_total=2,
        title=PULL.title,
    )
    return review


async def test_the_page_follows_the_review_to_its_end(
    address: str, settings: Settings, store: Store, new_page: NewPage
) -> None:
    review, page = await under_way(store), await new_page()
    await page.goto(page_url(address, settings, review))
    await expect(page.get_by_role("heading", level=1)).to_have_text(PULL.title)
    await expect(page.locator("#connection")).to_have_text("Live")
    await store.reviews.update_progress(review.id, 33)
    await expect(page.get_by_role("progressbar")).to_have_attribute("value", "33")
    await expect(page.locator("#step")).to_have_text("Read 0 of 2 files")
    shown = await page.locator("time[data-running]").text_content()
    await expect(page.locator("time[data-running]")).not_to_have_text(shown or "")  # it ticks
    await bring_in(store, review, 0, FINDINGS[0])
    await expect(page.get_by_role("heading", level=3)).to_have_text([FINDINGS[0].title])
    await expect(page.locator("#files")).to_have_text("1 of 2")
    await expect(page.locator("#connection")).to_have_text("Live")
    await bring_in(store, review, 1, FINDINGS[1])
    await expect(page.locator(".badge")).to_have_text("Writing the report")
    await complete(store, review)
    await expect(page.locator(".badge")).to_have_text("Reviewed")
    await expect(page.get_by_role("heading", level=3)).to_have_text(
        [f.title.replace("`", "") for f in FINDINGS]
    )
    await expect(page.locator(".verdict")).to_have_text(
        "1 high-severity issue to fix before merging."
    )
    await expect(page.locator("#files")).to_have_text("2 of 2")
    await expect(page).to_have_title(re.compile("^Reviewed: "))


@pytest.mark.parametrize("scripts", [True, False])
async def test_who_may_cancel_does_it_on_the_page_and_stays_there(
    address: str, settings: Settings, store: Store, new_page: NewPage, scripts: bool
) -> None:
    review, page = await under_way(store), await new_page(java_script_enabled=scripts)
    await signed_in(page, address)
    url = page_url(address, settings, review)
    await page.goto(url)
    button = page.get_by_role("button", name="Cancel the review")
    await expect(button).to_be_visible()
    await button.click()
    await expect(page.locator(".badge")).to_have_text("Cancelled")
    await expect(page.locator(".error")).to_contain_text("admin")
    await expect(page).to_have_url(url)
    await expect(button).to_have_count(0)


@pytest.mark.parametrize("width", [375, 1440])
async def test_the_cancel_button_is_still_while_the_page_changes_and_goes_at_the_end(
    address: str, store: Store, new_page: NewPage, width: int
) -> None:
    review_asked = await ask_for_review(store)
    page = await new_page(viewport={"width": width, "height": 900})
    await signed_in(page, address)
    await page.goto(f"http://{address}/reviews/{review_asked.id}")
    await expect(page.locator("#connection")).to_have_text("Live")
    button = page.get_by_role("button", name="Cancel the review")
    await expect(button).to_have_count(0)
    await store.reviews.open(review_asked)
    await button.focus()
    assert await accessibility(page) == []
    assert await _sideways(page) == 0
    pressed = await button.element_handle()
    await store.reviews.move(
        review_asked.id,
        State.ANALYZING,
        from_states=[State.QUEUED],
        batches=[Batch(0, ())],
        files_total=1,
    )
    await expect(page.locator(".badge")).to_have_text("Reviewing")
    assert pressed is not None
    assert await pressed.evaluate("b => b.isConnected && b === document.activeElement")
    await complete(store, review_asked)
    await expect(page.locator(".badge")).to_have_text("Reviewed")
    await expect(button).to_have_count(0)
    await expect(page.locator("main")).to_be_focused()


async def test_the_page_of_a_request_becomes_that_of_its_review(
    address: str, settings: Settings, store: Store, new_page: NewPage
) -> None:
    review, page = await ask_for_review(store), await new_page()
    await page.goto(page_url(address, settings, review))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Waiting for a worker")
    await expect(page.locator("#connection")).to_have_text("Live")
    await store.reviews.open(review)
    await expect(page.get_by_role("progressbar")).to_have_attribute("value", "0")
    await complete(store, review)
    await expect(page.locator(".badge")).to_have_text("Reviewed")


async def test_the_page_of_a_request_shows_its_rejection(
    address: str, settings: Settings, store: Store, new_page: NewPage
) -> None:
    review, page = await ask_for_review(store), await new_page()
    await page.goto(page_url(address, settings, review))
    await expect(page.locator("#connection")).to_have_text("Live")
    await store.requests.reject(review.id, "The label `wip` keeps it from that.")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Not reviewed")
    await expect(page.locator("code")).to_have_text("wip")
    await expect(page).to_have_title(re.compile("^Not reviewed: "))
    assert await accessibility(page) == []


async def test_the_page_comes_back_when_the_web_process_was_restarted(
    settings: Settings, store: Store, new_page: NewPage
) -> None:
    review, page = await under_way(store), await new_page()
    async with serving(create_app(settings)) as address:
        await page.goto(page_url(address, settings, review))
        await expect(page.locator("#connection")).to_have_text("Live")
    await expect(page.locator("#connection")).to_contain_text("Connection lost")
    await bring_in(store, review, 0)  # while nobody listens
    async with serving(create_app(settings), port=int(address.split(":")[1])):
        await expect(page.locator("#step")).to_have_text("Read 1 of 2 files", timeout=20_000)
        await complete(store, review)
        await expect(page.locator(".badge")).to_have_text("Reviewed", timeout=20_000)
        # Told, not thrown at the browser.
        await page.close()


async def test_without_scripts_the_page_is_complete(
    address: str, settings: Settings, store: Store, new_page: NewPage
) -> None:
    review, page = await under_way(store), await new_page(java_script_enabled=False)
    await bring_in(store, review, 0, *FINDINGS)
    await page.goto(page_url(address, settings, review))
    await expect(page.get_by_role("article")).to_have_count(3)
    await expect(page.get_by_role("progressbar")).to_have_attribute("value", "55")


async def test_hostile_text_stays_text(
    address: str, settings: Settings, store: Store, new_page: NewPage
) -> None:
    review, page = await open_review(store), await new_page()
    await complete(store, review)
    requested_urls: list[str] = []
    page.on("request", lambda request: requested_urls.append(request.url))
    await page.goto(page_url(address, settings, review))
    await expect(page.locator(".prose").first).to_contain_text("<script>alert(1)</script>")
    assert await page.locator(".prose img, .prose script, .prose a").count() == 0
    assert all(url.startswith(f"http://{address}/") for url in requested_urls)


@pytest.mark.variations(2)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
async def test_the_page_is_accessible_and_no_wider_than_the_screen(
    address: str, settings: Settings, store: Store, new_page: NewPage, scheme: str, width: int
) -> None:
    done, live = await open_review(store), await under_way(store)
    await complete(store, done)
    await bring_in(store, live, 0, FINDINGS[0])
    page = await new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    for review in (done, live):
        answer = await page.goto(page_url(address, settings, review))
        assert answer is not None
        assert answer.status == 200
        assert await accessibility(page) == []
        assert await _sideways(page) == 0


async def _sideways(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    wider: int = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wider


async def test_the_keyboard_reaches_content_and_code(
    address: str, settings: Settings, store: Store, new_page: NewPage
) -> None:
    review, page = await open_review(store), await new_page()
    await complete(store, review)
    await page.goto(page_url(address, settings, review))
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    async with asyncio.timeout(10):
        while not await page.evaluate("document.activeElement.matches('pre.code')"):
            await page.keyboard.press("Tab")


@pytest.mark.parametrize("scripts", [True, False])
async def test_findings_are_filtered_and_dismissed_on_the_page(
    address: str, settings: Settings, store: Store, new_page: NewPage, scripts: bool
) -> None:
    review = await open_review(store)
    await complete(store, review)
    page = await new_page(java_script_enabled=scripts, viewport={"width": 375, "height": 900})
    await signed_in(page, address)
    await page.goto(page_url(address, settings, review))
    await page.locator("select[name=severity]").select_option("medium")
    await page.locator("input[name=path]").fill("rates")
    await page.get_by_role("button", name="Filter").click()
    await expect(page.get_by_role("article")).to_have_count(1)
    await expect(page.get_by_role("status").last).to_have_text("1 of 3 findings shown")
    await expect(page.locator("select[name=severity]")).to_have_value("medium")
    if scripts:
        assert await accessibility(page) == []
        assert await _sideways(page) == 0
    await page.get_by_role("link", name="Show all").click()
    await expect(page.get_by_role("article")).to_have_count(3)
    card = page.get_by_role("article").filter(has_text="The cache never forgets")
    await card.locator("summary").click()
    await card.get_by_label("Reason").fill("Rates never change")
    if scripts:
        assert await accessibility(page) == []
    await card.get_by_role("button", name="Dismiss").click()
    await expect(card.locator(".chip", has_text="dismissed")).to_have_count(1)
    await expect(card.locator("summary")).to_have_count(0)
    await page.get_by_role("button", name="Review again").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Waiting for a worker")
