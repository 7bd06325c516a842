"""A real headless Chromium; without one these tests are skipped and say so."""

import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.config.settings import Settings
from tests.support.web_server import TOKEN, make_settings

CHROMIUM = Path("/usr/bin/chromium")

#: No sandbox, as tests run as root in a container; nothing of the browser's own goes out.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

AXE = Path(__file__).parent.parent / "data" / "axe" / "axe.min.js"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture
def settings(redis_url: str) -> Settings:
    return make_settings(redis_url)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one Chromium for all tests, which costs more to start than a page."""
    if not CHROMIUM.exists():
        pytest.skip(f"Chromium is not installed at {CHROMIUM}: apt-get install chromium")
    profile = tmp_path_factory.mktemp("chromium")
    where = ("--headless", "--remote-debugging-port=0", f"--user-data-dir={profile}")
    command = [str(CHROMIUM), *where, *ARGUMENTS]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            addresses = (line.partition("DevTools listening on ")[2] for line in process.stderr)
            yield next(address for address in addresses if address).strip()
        finally:
            process.terminate()
            process.stderr.read()  # to its end, so that nothing of it is left


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(chromium)
        yield browser
        for context in browser.contexts:
            await context.close()


NewPage = Callable[..., Awaitable[Page]]


@pytest.fixture
async def new_page(browser: Browser) -> AsyncIterator[NewPage]:
    """Pages whose scripts must not fail and whose policy must not be broken."""
    complaints: list[str] = []

    async def open_page(**options: Any) -> Page:
        context = await browser.new_context(**options)
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda line: complaints.append(line.text) if "Content Security" in line.text else None,
        )
        return page

    yield open_page
    assert not complaints


async def signed_in(page: Page, address: str) -> None:
    """As an administrator, and on the dashboard."""
    await page.goto(f"http://{address}/")
    await page.get_by_label("Admin token").fill(TOKEN)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Reviews")


async def accessibility(page: Page) -> list[str]:
    """What axe-core finds serious or critical, one line each."""
    # Through the debugger, as the page's own policy lets no foreign script in.
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{v['id']}: {v['help']}: {[n['html'][:200] for n in v['nodes'][:3]]}"
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
    ]
