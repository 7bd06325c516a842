"""An endpoint that is down has one line when it goes down and one when it is back, no traceback,
and each message that waits for it one line more."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.config.settings import Settings
from bot.runtime.tcp_ports import free_port
from tests.flows.environment import running
from tests.support.logs import production_log

BEFORE = {"a.go": "package a\n"}
AFTER = {"a.go": "package a\n\nvar x = 1\n"}

PULLS = 2


@pytest.fixture
def set_up_log() -> Iterator[None]:
    with production_log(Settings(_env_file=None, log_json=True)):
        yield


def lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What the App has logged until now, without the sandbox's own server."""
    found = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line[:1] == "{"]
    return [line for line in found if line["logger"] != "uvicorn.error"]


def warned(written: list[dict[str, Any]]) -> Counter[str]:
    assert [line["event"] for line in written if "exception" in line] == []
    return Counter(line["event"] for line in written if line["level"] not in ("info", "debug"))


async def test_a_model_that_refuses_connections(
    set_up_log: None,
    redis_url: str,
    redis: "Redis",
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    async with running(redis_url, redis, tmp_path, openai_base_url=url, llm_model="small") as world:
        for _ in range(PULLS):
            await world.open_pull(BEFORE, AFTER)
        await world.settle()
    written = lines(capfd)
    assert warned(written) == {"endpoint_down": 1, "stage_will_retry": PULLS}
    [down] = [line for line in written if line["event"] == "endpoint_down"]
    assert down["endpoint"] == url


async def test_a_github_that_breaks_connections_and_is_back(
    set_up_log: None,
    redis_url: str,
    redis: "Redis",
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with running(redis_url, redis, tmp_path) as world:
        fault = world.sandbox.faults.add("* /api/*", "reset", times=30)
        for _ in range(PULLS):
            await world.open_pull(BEFORE, AFTER)
        await world.settle()
        assert fault.triggered == 30
    written = lines(capfd)
    found = warned(written)
    assert found.pop("waiting_for_outage") <= PULLS
    assert found == {"endpoint_down": 1, "endpoint_up": 1}
    [up] = [line for line in written if line["event"] == "endpoint_up"]
    assert up["endpoint"] == world.settings.github_api_url
    assert up["failures"] > PULLS
