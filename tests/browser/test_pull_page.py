"""The demo's pull request in a real browser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from bot.cli.demo import showcase
from bot.sandbox.server import Sandbox
from tests.browser.conftest import NewPage, accessibility


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    async with Sandbox() as sandbox:
        made = await showcase.build(tmp_path / "shop.git")
        await sandbox.add_repository(showcase.NAME, made.repository)
        number = await sandbox.open_pull(
            showcase.NAME, made.base, made.head, title=made.title, body=made.body
        )
        yield f"{sandbox.url}/{showcase.NAME}/pull/{number}"


@pytest.mark.variations(1)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everybody_can_read_it(address: str, new_page: NewPage, scheme: str) -> None:
    page = await new_page(color_scheme=scheme, viewport={"width": 375, "height": 700})
    for path in ("", "/checks", "/files"):
        await page.goto(f"{address}{path}")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Coupon codes")
        assert not await accessibility(page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 375
