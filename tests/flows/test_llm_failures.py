"""Whatever the LLM does, a review is posted with what could be had, and says what could not."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from tests.flows.environment import World, running
from tests.support.llm_endpoints import SERVERS
from tests.support.llm_server import (
    Drop,
    Hang,
    LLMServer,
    Raw,
    Reply,
    Request,
    Status,
    Text,
    agreeable,
    review,
)

BEFORE = {"shop.py": "def total(prices):\n    return sum(prices)\n"}
AFTER = {
    "shop.py": (
        "import subprocess\n\n\n"
        "def total(prices):\n    return sum(prices)\n\n\n"
        "def mean(prices):\n    return total(prices) / len(prices)\n\n\n"
        "def show(command):\n    return subprocess.call(command, shell=True)\n"
    )
}
FINDING = {
    "path": "shop.py",
    "quote": "return total(prices) / len(prices)",
    "line": 9,
    "side": "RIGHT",
    "category": "correctness",
    "severity": "high",
    "title": "Division by zero for an empty list",
    "body": "`len(prices)` is 0 when nothing was bought.",
    "confidence": 0.95,
    "suggestion": None,
}
VALID = review(FINDING, **{"shop.py": "Adds the mean price."})


@pytest.fixture
def llm_timeout() -> float:
    """Seconds for one call; a test that waits them out has fewer."""
    return 1


@pytest.fixture
async def world(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer, llm_timeout: float
) -> AsyncIterator[World]:
    settings: dict[str, Any] = {
        "openai_base_url": llm.url,
        "openai_api_key": "sk-test-0123456789abcdef",
        "llm_model": "small",
        "llm_timeout": llm_timeout,
        "llm_backoff_ms": 10,
        "max_retries": 1,
    }
    async with running(redis_url, redis, tmp_path, **settings) as world:
        yield world


async def test_unreviewed_changes_are_not_praised(world: World, llm: LLMServer) -> None:
    llm.default = Status(401)
    await world.open_pull({"go.mod": "module shop\n"}, {"main.go": "package main\n\nvar x = 1\n"})
    await world.settle()
    [check_run] = world.check_runs
    assert (check_run.conclusion, check_run.output["title"]) == ("neutral", "Could not be reviewed")
    [posted] = world.reviews
    assert "**Nothing was reviewed: the LLM did not respond.**" in posted.body
    assert "Score" not in posted.body
    assert "main.go" in posted.body


async def test_what_the_analyzers_alone_could_read_is_not_enough(
    world: World, llm: LLMServer
) -> None:
    llm.default = Status(401)
    await world.open_pull(BEFORE, {"shop.py": "def total(prices):\n    return sum(prices, 0)\n"})
    await world.settle()
    [check_run] = world.check_runs
    assert check_run.conclusion == "neutral"
    assert check_run.output["title"] == "Partly reviewed · no problems found"


async def reviewed(world: World) -> str:
    """Open the pull request, wait for the end, and give the body of the one review."""
    await world.open_pull(BEFORE, AFTER)
    await world.settle()
    [check_run] = world.check_runs
    assert check_run.status == "completed"
    [posted] = world.reviews
    return posted.body


def lines(world: World) -> list[int]:
    return sorted(comment.line or 0 for comment in world.inline_comments)


async def test_a_valid_answer_becomes_a_comment_on_its_line(world: World, llm: LLMServer) -> None:
    llm.script(VALID)
    body = await reviewed(world)
    assert lines(world) == [9, 13]  # the LLM's finding and the analyser's
    assert "Adds the mean price." in body
    assert "Division by zero" in next(c.body for c in world.inline_comments if c.line == 9)


async def test_fenced_json_is_read(world: World, llm: LLMServer) -> None:
    assert VALID.content is not None
    llm.script(Text(f"Here is my review:\n\n```json\n{VALID.content}\n```\n"))
    await reviewed(world)
    assert lines(world) == [9, 13]


async def test_broken_json_is_repaired_once(world: World, llm: LLMServer) -> None:
    llm.script(Text('{"findings": [{"path": "shop.py", "quo'), VALID)
    await reviewed(world)
    assert lines(world) == [9, 13]


@pytest.mark.variations(2)
@pytest.mark.parametrize("name", SERVERS)
async def test_every_known_server_gives_a_review(world: World, llm: LLMServer, name: str) -> None:
    def answer(request: Request) -> Text:
        return agreeable(request) if request.asks_for_verdicts else VALID

    llm.default = SERVERS[name](answer)
    await reviewed(world)
    assert lines(world) == [9, 13]


async def test_the_endpoints_own_words_reach_whoever_reads_the_review_and_the_log(
    world: World, llm: LLMServer
) -> None:
    llm.default = Status(402, "Insufficient credits. Add more at https://pay.example/sk-12345678")
    with capture_logs() as log:
        body = await reviewed(world)
    [failed] = [line["error"] for line in log if line["event"] == "llm_failed"]
    for told in (body, failed):
        assert "Insufficient credits. Add more at" in told
        assert "pay.example" not in told


async def test_rate_limits_are_waited_out(world: World, llm: LLMServer) -> None:
    llm.script(Status(429, retry_after="1"), VALID)
    await reviewed(world)
    assert lines(world) == [9, 13]


@pytest.mark.variations(2)
@pytest.mark.parametrize(
    "reply",
    [
        Text("I cannot help with that.", refusal="I cannot help with that."),
        Text("{{{"),
        Status(500),
        Status(401, message="Incorrect API key provided"),
        Status(429, retry_after="0"),
        Drop(),
        Raw(b"\x00\xff"),
    ],
    ids=lambda reply: repr(reply)[:30],
)
async def test_without_an_answer_the_analyzers_alone_review(
    world: World, llm: LLMServer, reply: Reply
) -> None:
    llm.default = reply
    await assert_analyzers_only(world)


@pytest.mark.parametrize("llm_timeout", [0.2])
async def test_without_an_answer_in_time_the_analyzers_alone_review(
    world: World, llm: LLMServer
) -> None:
    llm.default = Hang()
    await assert_analyzers_only(world)


async def assert_analyzers_only(world: World) -> None:
    """The review has what the analysers found, and says what the model did not read."""
    body = await reviewed(world)
    assert lines(world) == [13]
    assert "shop.py was not reviewed by the model" in body
    assert "sk-test" not in body


async def test_one_batch_that_fails_costs_only_itself(world: World, llm: LLMServer) -> None:
    def answer(request: Request) -> Reply:
        return Status(500) if "a_0.py" in request.user else agreeable(request)

    llm.default = answer
    names = [f"{folder}_{number}.py" for folder in "abc" for number in range(5)]
    before = dict.fromkeys(names, "x = 1\n")
    await world.open_pull(before, dict.fromkeys(names, "x = 2\ny = 3\n"))
    await world.settle()
    [posted] = world.reviews
    assert "a_0.py" in posted.body
    assert json.dumps("b_0.py was not read")[1:-1] not in posted.body
    requests_for_file = [request for request in llm.requests if "b_0.py" in request.user]
    assert requests_for_file, "the other batches were read"


async def test_half_a_character_in_an_answer_is_accepted(world: World, llm: LLMServer) -> None:
    def answer(request: Request) -> Reply:
        if request.asks_for_verdicts:
            return agreeable(request)
        halves = {"title": "Division \ud83d by zero", "body": "It is 0.\udc00 Or \ud83d\ude00."}
        return review({**FINDING, **halves}, **{"shop.py": "Adds \ud83d the mean."})

    llm.default = answer
    await world.open_pull(BEFORE, AFTER)
    await world.settle()
    [check_run] = world.check_runs
    assert (check_run.status, check_run.conclusion) == ("completed", "neutral")
    assert any("Division ? by zero" in comment.body for comment in world.inline_comments)
