"""Every line that a step writes says for which review, whoever writes it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.config.settings import Settings
from tests.flows.environment import REPO, running
from tests.support.llm_server import Hang, LLMServer, Status, review
from tests.support.logs import production_log
from workers.review.review_log import log_review_end

BEFORE = {"app.py": "x = 1\n"}
AFTER = {"app.py": "import subprocess\nsubprocess.call(input(), shell=True)\n"}
FINDING = {
    "path": "app.py",
    "quote": "subprocess.call(input(), shell=True)",
    "line": 2,
    "side": "RIGHT",
    "category": "security",
    "severity": "high",
    "title": "Runs what it is given",
    "body": "Anybody can run anything.",
    "confidence": 0.9,
    "suggestion": None,
}


@pytest.fixture
def set_up_log() -> Iterator[None]:
    with production_log(Settings(_env_file=None, log_json=True)):
        yield


def written(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines of the log until now."""
    return [json.loads(line) for line in capfd.readouterr().err.splitlines() if line[:1] == "{"]


async def test_a_log_line_carries_its_review_without_the_callers_help(
    set_up_log: None,
    redis_url: str,
    redis: "Redis",
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with (
        LLMServer(default=Status(401)) as llm,
        running(redis_url, redis, tmp_path, openai_base_url=llm.url, llm_model="small") as world,
    ):
        for _ in range(2):
            await world.open_pull(BEFORE, AFTER)
        await world.settle()
        pulls = [await world.store.pulls.get(world.repository.id, n) for n in (1, 2)]
        guids = [delivery.guid for delivery in world.sandbox.state.deliveries]
    lines = written(capfd)
    failed = [line for line in lines if line["event"] == "llm_failed"]
    assert sorted(line["review"] for line in failed) == sorted(pull.current for pull in pulls)
    ended = {line["review"]: line for line in lines if line["event"] == "review_ended"}
    assert [ended[pull.current]["state"] for pull in pulls] == ["completed", "completed"]
    assert {line["findings"] for line in ended.values()} == {1}
    assert {line["files"] for line in ended.values()} == {1}, "analyzers read it"
    steps = {line["stage"] for line in lines if line["event"] == "stage_ended"}
    assert steps == {"scan", "analyze 0", "publish"}
    received = [line for line in lines if line["event"] == "delivery"]
    assert sorted(line["delivery"] for line in received) == sorted(guids)
    assert sorted(line["review"] for line in received) == sorted(ended)


async def test_a_review_without_a_report_has_its_last_line_too(
    set_up_log: None,
    redis_url: str,
    redis: "Redis",
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    prices = {"small": {"prompt": 1, "completion": 10}}
    settings = {"llm_model": "small", "llm_verify_model": "small", "llm_prices": prices}
    async with (
        LLMServer(default=Hang()) as llm,
        running(redis_url, redis, tmp_path, openai_base_url=llm.url, **settings) as world,
    ):
        llm.script(review(FINDING))  # whether it holds is answered by nobody
        number = await world.open_pull(BEFORE, AFTER)
        await llm.until(lambda: len(llm.requests) == 2)
        await world.sandbox.close(REPO, number)
        await world.settle()
        current = (await world.store.pulls.get(world.repository.id, number)).current
        await log_review_end(world.store, current)  # as a worker would that knows of no other
    lines = written(capfd)
    [ended] = [line for line in lines if line["event"] == "review_ended"]
    assert ended["state"] == "cancelled"
    assert ended["error"].startswith("The pull request was closed.")
    assert (ended["number"], ended["files"], ended["calls"]) == (number, 1, 1)
    assert 0 < ended["tokens"] / 1e6 < ended["cost"] < 10 * ended["tokens"] / 1e6
