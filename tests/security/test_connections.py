"""A review connects to GitHub, Redis and the model, and to nothing else."""

import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from tests.flows.environment import running
from tests.support.llm_server import LLMServer

BEFORE = {"app.py": "import subprocess\n"}
AFTER = {"app.py": "import subprocess\n\n\nsubprocess.call(input(), shell=True)\n"}

_seen: list[Any] | None = None


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _seen is not None:
        _seen.append(arguments)


async def test_a_review_connects_to_nothing_but_its_settings(
    redis_url: str,
    redis: "Redis",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the interpreter's own record of every connection that this process makes. What it starts
    has no network (analyzers), or is told where to connect to (git)."""
    sys.addaudithook(_note)
    async with (
        LLMServer() as llm,
        running(redis_url, redis, tmp_path, **llm.settings) as world,
    ):
        connections: list[tuple[socket.socket, Any]] = []
        monkeypatch.setattr(sys.modules[__name__], "_seen", connections)
        await world.open_pull(BEFORE, AFTER)
        await world.settle()
        monkeypatch.setattr(sys.modules[__name__], "_seen", None)
        assert len(world.reviews) == 1
        ours = (world.sandbox.api_url, llm.url, world.url)
        allowed = {(urlsplit(url).hostname, urlsplit(url).port) for url in ours}
        path = redis_url.rpartition("@")[2].partition("?")[0]
        made = {
            address if isinstance(address, str) else tuple(address[:2])
            for _, address in connections
        }
        assert {(host, port) for host, port in allowed} & made
        assert made <= {*allowed, path}
