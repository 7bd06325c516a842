"""The process group, and what its command says when it fails."""

import asyncio
import sys
from pathlib import Path

import pytest

from bot.cli import app, processes
from bot.cli.demo.commit_range import DemoFailed
from bot.cli.processes import NotReady, process_group
from bot.config.settings import Settings
from bot.runtime.tcp_ports import free_port


@pytest.fixture
def settings(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of a group with one child that never listens."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'import signal; signal.pause()'\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(processes, "CHILDREN", {"web": ()})
    monkeypatch.setattr(processes, "READY_SECONDS", 0.2)
    return Settings(
        _env_file=None, redis_url=redis_url, port=free_port(), github_webhook_secrets="s3cret"
    )


async def test_a_group_that_is_not_ready_in_time_reports_it(settings: Settings) -> None:
    with pytest.raises(NotReady, match="did not answer"):
        async with process_group(settings, {}):
            raise AssertionError("nobody listens")


async def test_what_fails_inside_a_group_comes_out_as_it_was(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(settings: Settings) -> None:
        """Nothing listens in this group."""

    monkeypatch.setattr(processes, "_until_ready", at_once)
    with pytest.raises(DemoFailed, match="No review was posted"):
        async with process_group(settings, {}):
            raise DemoFailed("No review was posted on the pull request.")


def test_serve_reports_in_one_sentence_that_it_is_not_ready(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(app, "_initialize", lambda _: settings)
    monkeypatch.setattr(app, "_check_app", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["glossator", "serve"])
    with pytest.raises(SystemExit) as ended:
        app.main()
    stderr = capsys.readouterr().err
    assert ended.value.code == 2
    assert stderr.startswith("glossator: The web process did not answer at http://127.0.0.1:")
    assert len(stderr.splitlines()) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "::", "0.0.0.0"])
async def test_the_group_asks_its_own_web_process_whether_it_is_ready(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """Whatever it listens on, and never by way of the network's proxy."""
    monkeypatch.setattr(processes, "CHILDREN", {})
    monkeypatch.setattr(processes, "READY_SECONDS", 2)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, host) as server:
        port = server.sockets[0].getsockname()[1]
        settings = Settings(_env_file=None, redis_url=redis_url, host=host, port=port)
        async with process_group(settings, {}) as url:
            assert url == redis_url
