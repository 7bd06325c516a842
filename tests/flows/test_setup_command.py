"""`glossator setup` as a command: what is printed where, and what is asked before.

A person's clicks are played over HTTP here; a real browser does it in tests/browser.
"""

import asyncio
import html
import re
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from bot.config.env_file import SECRETS
from bot.runtime.tcp_ports import free_port
from bot.security.tls import trusted
from tests.support.sandbox.server import Sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


async def setup(sandbox: Sandbox, cwd: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await glossator(sandbox, cwd, "setup", *arguments)


async def glossator(
    sandbox: Sandbox, cwd: Path, *arguments: str, **more: str
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *arguments),
        cwd=cwd,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "GITHUB_API_URL": sandbox.api_url,
            "GITHUB_URL": sandbox.url,
            "DATA_DIR": str(cwd / "data"),
            **more,
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def click_through(command: asyncio.subprocess.Process) -> str:
    """Everything that a person does; returns what was announced until then."""
    assert command.stderr is not None
    output = ""
    async with asyncio.timeout(20):
        while not (address := re.search(r"Open (\S+) in", output)):
            output += (await command.stderr.readline()).decode()
    async with httpx2.AsyncClient(verify=trusted(), follow_redirects=True) as http:
        start = (await http.get(address[1])).text
        action = re.search(r'action="([^"]+)"', start)
        manifest = re.search(r'value="([^"]+)"', start)
        assert action
        assert manifest
        fields = {"manifest": html.unescape(manifest[1])}
        page = await http.post(html.unescape(action[1]), data=fields)
        confirm = re.search(r'action="([^"]+)"', page.text)
        assert confirm, page.text
        last = await http.post(str(page.url.join(html.unescape(confirm[1]))))
        assert "App created" in last.text
    return output


def files(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


async def test_secrets_are_saved_and_the_install_link_is_printed(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    command = await setup(sandbox, tmp_path, "--url", "https://glossator.example")
    output = await click_through(command)
    out, _ = await command.communicate()
    assert command.returncode == 0
    assert "GitHub cannot reach" not in output
    kept = (tmp_path / "data" / "glossator.env").read_text()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert files(tmp_path) == ["data"]
    assert re.findall(r"^(\w+)=", kept, re.MULTILINE) == [*SECRETS, "PUBLIC_URL", "API_TOKENS"]
    token = re.search(r"^API_TOKENS=(.+)$", kept, re.MULTILINE)
    assert token
    assert len(token[1]) >= 32
    assert token[1] not in out.decode() + output
    assert f"{sandbox.url}/apps/" in out.decode()
    assert sandbox.webhook_secret not in out.decode() + output


async def test_print_writes_nothing_and_prints_nothing_else(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    command = await setup(sandbox, tmp_path, "--print")
    output = await click_through(command)
    out, _ = await command.communicate()
    assert command.returncode == 0
    assert "GitHub cannot reach http://localhost:8000" in output
    names = [line.partition("=")[0] for line in out.decode().splitlines()]
    assert names == [*SECRETS, "API_TOKENS"]
    assert files(tmp_path) == []


async def test_an_admin_token_that_is_there_is_kept(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text("API_TOKENS=mine\n")
    command = await setup(sandbox, tmp_path, "--env-file", "secrets")
    await click_through(command)
    await command.communicate()
    assert re.findall(r"^API_TOKENS=(.*)$", file.read_text(), re.MULTILINE) == ["mine"]


async def test_what_is_there_is_not_overwritten_unasked(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text("GITHUB_APP_ID=1\n")
    command = await setup(sandbox, tmp_path, "--env-file", "secrets")
    _, captured = await command.communicate()
    assert command.returncode == 1
    assert "secrets already has GITHUB_APP_ID." in captured.decode()
    assert file.read_text() == "GITHUB_APP_ID=1\n"
    assert sandbox.requests == []


async def test_a_port_in_use_is_reported_in_one_sentence(sandbox: Sandbox, tmp_path: Path) -> None:
    port = sandbox.url.rpartition(":")[2]
    command = await setup(sandbox, tmp_path, "--port", port)
    _, captured = await command.communicate()
    assert command.returncode == 1
    assert f"glossator: Port {port} cannot be used" in captured.decode()


@pytest.mark.variations(1)
@pytest.mark.parametrize("named", [(), ("--env-file", "secrets")])
async def test_setup_and_serve_are_all_it_takes_to_the_first_review(
    sandbox: Sandbox, tmp_path: Path, named: tuple[str, ...]
) -> None:
    port = str(free_port())
    making = await setup(sandbox, tmp_path, "--url", f"http://127.0.0.1:{port}", *named)
    await click_through(making)
    assert await making.wait() == 0
    repository = await sandbox.add_repository("octo/hello")
    serving = await glossator(sandbox, tmp_path, "serve", *named, PORT=port, LOG_LEVEL="WARNING")
    try:
        assert serving.stdout is not None
        async with asyncio.timeout(60):
            while b"listens" not in (line := await serving.stdout.readline()):
                assert line, "it ended"
        examining = await glossator(sandbox, tmp_path, "doctor", "--deliver", *named, PORT=port)
        examined = (await examining.communicate())[0].decode()
        assert "✓ delivery     a signed ping to " in examined
        assert "✓ forgery      a ping with a wrong signature was refused" in examined
        base = await sandbox.commit("octo/hello", {"a.py": "x = 1\n"}, message="Begin")
        after = {"a.py": "import subprocess\nsubprocess.call(input(), shell=True)\n"}
        head = await sandbox.commit("octo/hello", after, parent=base, message="Change")
        await sandbox.open_pull("octo/hello", base, head)
        async with asyncio.timeout(60):
            while not repository.reviews:
                await asyncio.sleep(0.05)
    finally:
        serving.terminate()
        assert (await serving.wait(), (await serving.communicate())[0]) == (0, b"")
