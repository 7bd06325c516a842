"""A person makes the App in a real browser, against the sandbox GitHub."""

import asyncio
import re
import stat
from pathlib import Path

import pytest
from playwright.async_api import Browser

from bot.cli.setup import run_setup
from bot.config.env_file import existing_secrets, write_secrets
from bot.config.settings import Settings
from bot.runtime.tcp_ports import free_port
from tests.support.sandbox.server import Sandbox
from workers.offline.doctor import Level, run_checks


@pytest.mark.parametrize("organization", ["", "acme"])
async def test_the_app_is_made_and_the_doctor_is_content(
    browser: Browser, tmp_path: Path, organization: str
) -> None:
    async with Sandbox() as sandbox:
        settings = Settings(
            _env_file=None,
            github_api_url=sandbox.api_url,
            github_url=sandbox.url,
            public_url="https://glossator.example",
        )
        port, announced = free_port(), asyncio.Event()
        making = asyncio.create_task(
            run_setup(
                settings,
                name="Glossator of Ada",
                organization=organization,
                port=port,
                announce=lambda text: announced.set(),
            )
        )
        await announced.wait()
        page = await browser.new_page()
        await page.goto(f"http://localhost:{port}/")
        await page.get_by_role("button", name="Create it on GitHub").click()
        await page.get_by_role("button", name=re.compile("Create GitHub App for")).click()
        await page.get_by_text("App created").wait_for()
        link = page.get_by_role("link", name="install it")
        assert await link.get_attribute("href") == f"{sandbox.url}/apps/glossator/installations/new"
        created = await asyncio.wait_for(making, 20)

        env = tmp_path / ".env"
        env.write_text("LLM_MODEL=small\n")
        write_secrets(env, created.secrets)
        assert stat.S_IMODE(env.stat().st_mode) == 0o600
        made = Settings(
            _env_file=env,
            github_api_url=sandbox.api_url,
            github_url=sandbox.url,
            public_url="https://glossator.example",
        )
        assert made.llm_model == "small"
        checks = await run_checks(made.model_copy(update={"llm_model": ""}))
        assert [check for check in checks if check.level is Level.FAILURE] == []
        assert set(existing_secrets(env)) == set(created.secrets)


async def test_an_unknown_client_that_guesses_the_address_gets_nothing(browser: Browser) -> None:
    async with Sandbox() as sandbox:
        settings = Settings(_env_file=None, github_api_url=sandbox.api_url, github_url=sandbox.url)
        port, announced = free_port(), asyncio.Event()
        making = asyncio.create_task(
            run_setup(
                settings,
                name="G",
                organization="",
                port=port,
                announce=lambda text: announced.set(),
            )
        )
        await announced.wait()
        page = await browser.new_page()
        answer = await page.goto(f"http://localhost:{port}/callback?code=abc&state=guess")
        assert answer is not None
        assert answer.status == 400
        assert not making.done()
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
