"""Make the pictures in docs/images from the demo: `make images`.

The whole App runs as in `glossator demo`, with recorded answers, and a headless Chromium looks at
it. Fonts differ between machines, so that only what is shown is compared (`test_images.py`).
"""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import typst
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.cli.demo import recorded_reader, showcase
from bot.cli.demo.run import environment
from bot.cli.processes import process_group
from bot.config.settings import load
from bot.domain.model import Report
from bot.runtime.tcp_ports import free_port
from bot.security.links import Links
from bot.store import Store, connect
from bot.telemetry import log
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.images.inputs import FOLDER, RECORD, inputs_hash
from tests.support.outcomes import three_months
from tests.support.sandbox.server import Sandbox
from workers.reports.formats import pdf

#: Long enough to take a picture between two answers.
ANSWER_SECONDS = 2

#: Smaller pull requests beside the showcase, so that the dashboard has something to list: a title
#: and the only file that they change.
OTHERS = {
    "Render invoices four at a time": "invoices/invoices.go",
    "Announce deploys in our chat": ".github/workflows/deploy.yml",
    "Find and count coupons": "shop/coupons.py",
    "Check coupons before the order is sent": "web/checkout.ts",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What runs: addresses, and the review's data."""

    sandbox: Sandbox
    store: Store
    token: str
    dashboard: str

    @property
    def pull(self) -> str:
        return f"{self.sandbox.url}/{showcase.NAME}/pull/1"

    async def live_page(self) -> str:
        runs = self.sandbox.repository(showcase.NAME).check_runs
        async with asyncio.timeout(60):
            while not any(run.details_url for run in runs.values()):
                await asyncio.sleep(0.02)
        return next(run.details_url for run in runs.values() if run.details_url)

    async def report(self) -> Report:
        review = self.sandbox.repository(showcase.NAME)
        current = (await self.store.pulls.get(review.id, 1)).current
        assert current is not None
        report = await self.store.stage_data.report(current)
        assert report is not None
        return report


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[Shown]:
    """The App with the sandbox and the recorded reader; nothing is opened yet."""
    port = free_port()
    async with (
        Sandbox(webhook_url=f"http://127.0.0.1:{port}/webhooks/github") as sandbox,
        recorded_reader.recorded_reader(showcase.answers(), seconds=ANSWER_SECONDS) as reader,
    ):
        extra = environment(sandbox, port, data) | reader
        settings = load(**{name.lower(): value for name, value in extra.items()})
        log.configure(settings)
        async with process_group(settings, extra) as redis_url:
            redis = connect(redis_url)
            store = Store(redis, keep_seconds=86_400)
            yield Shown(sandbox, store, extra["API_TOKENS"], settings.public_url)
            await redis.aclose()


async def open_showcase(shown: Shown, folder: Path) -> None:
    made = await showcase.build(folder)
    await shown.sandbox.add_repository(showcase.NAME, made.repository)
    await shown.sandbox.open_pull(
        showcase.NAME, made.base, made.head, title=made.title, body=made.body, head_ref="coupons"
    )


async def open_others(shown: Shown) -> None:
    """One after the other, each from the showcase's base; waits until all are reviewed."""
    sandbox = shown.sandbox
    base = sandbox.repository(showcase.NAME).pulls[1].base_sha
    for title, path in OTHERS.items():
        content = (showcase.FOLDER / "head" / f"{path}.txt").read_text()
        head = await sandbox.commit(showcase.NAME, {path: content}, parent=base, message=title)
        await sandbox.open_pull(showcase.NAME, base, head, title=title)
    runs = sandbox.repository(showcase.NAME).check_runs
    async with asyncio.timeout(120):
        while len(runs) <= len(OTHERS) or any(r.status != "completed" for r in runs.values()):
            await asyncio.sleep(0.1)


async def new_page(browser: Browser, *, dark: bool = False, height: int = 900) -> Page:
    context = await browser.new_context(
        viewport={"width": 1200, "height": height}, color_scheme="dark" if dark else "light"
    )
    return await context.new_page()


async def save(page: Page, name: str) -> None:
    await page.screenshot(path=FOLDER / f"{name}.png")
    print(f"docs/images/{name}.png")


async def of_review(shown: Shown, browser: Browser) -> None:
    page = await new_page(browser)
    await page.goto(await shown.live_page())
    await expect(page.locator("#step")).to_contain_text("Looking up", timeout=60_000)
    await expect(page.get_by_role("article")).to_have_count(2)
    await save(page, "review-live")
    await expect(page.locator(".badge")).to_have_text("Reviewed", timeout=60_000)
    await page.reload()
    await save(page, "review")


async def of_pull_request(shown: Shown, browser: Browser) -> None:
    for dark in (False, True):
        page = await new_page(browser, dark=dark, height=1150)
        await page.goto(shown.pull)
        review = page.locator(".comment.bot").first
        await review.evaluate("e => window.scrollTo(0, e.getBoundingClientRect().top - 12)")
        await save(page, "pull-request-dark" if dark else "pull-request")


async def of_comment(shown: Shown, browser: Browser) -> None:
    """One thread by itself, with its suggestion."""
    page = await new_page(browser)
    await page.goto(shown.pull)
    thread = page.get_by_role("region", name="Comments on shop/checkout.py")
    await thread.screenshot(path=FOLDER / "comment.png")
    print("docs/images/comment.png")


async def of_dashboard(shown: Shown, browser: Browser) -> None:
    page = await new_page(browser)
    await page.goto(f"{shown.dashboard}/")
    await page.get_by_label("Admin token").fill(shown.token)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Reviews")
    await save(page, "dashboard")


async def of_outcomes(shown: Shown, browser: Browser) -> None:
    """Three months of made-up outcomes."""
    await three_months(shown.store)
    page = await new_page(browser, height=1400)
    await page.goto(f"{shown.dashboard}/")
    await page.get_by_label("Admin token").fill(shown.token)
    await page.get_by_role("button", name="Sign in").click()
    await page.goto(f"{shown.dashboard}/outcomes")
    await save(page, "outcomes")


async def of_pdf(shown: Shown) -> None:
    """The first page, set by Typst as the PDF is."""
    report = await shown.report()
    pages = typst.compile(
        pdf._FOLDER / "report.typ",
        root=pdf._FOLDER,
        font_paths=pdf._fonts(),
        sys_inputs={"report": json.dumps(pdf.content(report, Links()))},
        format="png",
        ppi=96,
    )
    first = pages[0] if isinstance(pages, list) else pages
    assert isinstance(first, bytes)
    (FOLDER / "report-pdf.png").write_bytes(first)
    print("docs/images/report-pdf.png")


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="glossator-images-") as data:
        async with running(Path(data)) as shown, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            await open_showcase(shown, Path(data) / "bookshop.git")
            await of_review(shown, browser)
            await of_pull_request(shown, browser)
            await of_comment(shown, browser)
            await of_pdf(shown)
            await open_others(shown)
            await of_dashboard(shown, browser)
            await of_outcomes(shown, browser)
            await browser.close()
    RECORD.write_text(inputs_hash() + "\n")


if __name__ == "__main__":
    asyncio.run(main())
