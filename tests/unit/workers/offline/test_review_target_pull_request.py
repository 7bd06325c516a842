"""`glossator review --pr` against a sandbox GitHub: the real command with a real token."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.api.auth import create_token
from tests.support.sandbox.server import Sandbox

REPO = "octo/shop"
BEFORE = {"shop.py": "def total(prices):\n    return sum(prices)\n"}
AFTER = {
    "shop.py": BEFORE["shop.py"] + "\n\ndef run(command):\n    import subprocess\n\n"
    "    return subprocess.call(command, shell=True)\n"
}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """With a pull request that adds a dangerous call."""
    async with Sandbox() as sandbox:
        await sandbox.add_repository(REPO)
        base = await sandbox.commit(REPO, BEFORE, message="Begin")
        head = await sandbox.commit(REPO, AFTER, parent=base, message="Run commands")
        await sandbox.open_pull(REPO, base, head, title="Run what people type")
        yield sandbox


async def _review(sandbox: Sandbox, *arguments: str, token: str) -> tuple[int, str, str]:
    """Exit status, output and complaints."""
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "review", "--pr", f"{REPO}#1", *arguments),
        cwd=Path("/"),
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(Path(__file__).parents[4]),
            "GITHUB_API_URL": sandbox.api_url,
            "GITHUB_URL": sandbox.url,
            "GITHUB_TOKEN": token,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await command.communicate()
    assert command.returncode is not None
    return command.returncode, out.decode(), err.decode()


async def test_a_pull_request_is_reviewed_by_a_token_and_nothing_is_posted(
    sandbox: Sandbox,
) -> None:
    token = create_token(
        sandbox.state, sandbox.state.installations[sandbox.installation_id], {}
    ).value
    options = ("--format", "json", "--fail-on", "high")
    status, out, err = await _review(sandbox, *options, token=token)
    assert (status, err) == (1, "")
    report = json.loads(out)
    [finding] = report["findings"]
    assert (finding["path"], finding["start_line"]) == ("shop.py", 8)
    assert report["pull"]["title"] == "Run what people type"
    assert sandbox.writes() == []


async def test_a_token_that_github_does_not_know_gets_one_sentence(sandbox: Sandbox) -> None:
    assert await _review(sandbox, token="ghp_forgotten") == (
        2,
        "",
        "glossator: GitHub rejected the token; create a new one.\n",
    )
