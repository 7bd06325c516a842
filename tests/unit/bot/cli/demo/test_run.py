"""The demo from the opened pull request to what it prints, as people start it."""

import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from bot.cli.demo.run import environment
from bot.sandbox.server import Sandbox
from tests.support.llm_server import LLMServer

ROOT = Path(__file__).parents[5]

#: What a person sees of a terminal without scrolling.
FIRST_SCREEN = 24


def run_demo(directory: Path, *arguments: str, **variables: str) -> list[str]:
    """The lines that `glossator demo` prints in this directory, of 80 columns."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "bot", "demo", "--once", *arguments],
        cwd=directory,
        env=kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "80", "HOME": str(directory)} | variables,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.splitlines()


def test_the_demo_convinces_on_its_first_screen(tmp_path: Path) -> None:
    lines = run_demo(tmp_path)
    assert len(lines) < 60
    screen = "\n".join(lines[:FIRST_SCREEN])
    addresses = [line for line in lines if "http://127.0.0.1" in line]
    assert [line.split()[0] for line in addresses] == ["Pull", "Live", "Dashboard"]
    assert lines.index(addresses[-1]) < next(i for i, x in enumerate(lines) if "Reviewed in" in x)
    assert "answers that we recorded for it are replayed" in " ".join(screen.split())
    assert "1 critical and 2 high-severity issues to fix before merging." in screen
    for place in (
        "shop/settings.py:8",
        ".github/workflows/deploy.yml:26",
        "shop/checkout.py:46",
        "web/checkout.ts:21",
        "shop/coupons.py:34",
    ):
        assert place in screen
    assert "\n".join(lines).count("efuted: ") == 2  # the decoys
    assert not os.listdir(tmp_path)


def test_a_model_that_is_set_reads_the_pull_request_itself(tmp_path: Path) -> None:
    with LLMServer().in_thread() as server:
        variables = {name.upper(): value for name, value in server.settings.items()}
        lines = "\n".join(run_demo(tmp_path, **variables))
    assert any("Coupon codes at the checkout" in request.user for request in server.requests)
    assert "recorded" not in lines
    assert "1 critical and 1 high-severity issue" in lines  # of the analyzers


async def test_the_sandbox_is_never_asked_by_way_of_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.org")
    async with Sandbox() as sandbox:
        for name, value in environment(sandbox, 8000, tmp_path).items():
            monkeypatch.setenv(name, value)
        async with httpx2.AsyncClient() as http:
            answer = await http.get(f"{sandbox.api_url}/app")
        assert answer.status_code == 401
