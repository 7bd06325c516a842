"""Models that can do little: a context of 8,000 tokens, no JSON mode, no look-ups. Each gives a
review all the same."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.text.tokens import count_tokens
from tests.flows.environment import World, running
from tests.support.llm_server import (
    LLMServer,
    Reply,
    Request,
    Status,
    Text,
    agreeable,
    looking,
    review,
)

CONTEXT = 8_000
ANSWER = 1_500

NAMES = [f"lib/part_{number}.py" for number in range(6)]


def module(number: int, divisor: str) -> str:
    """A file of some size, whose last function divides."""
    steps = "".join(
        f"def step_{number}_{n}(values, limit={n}):\n"
        f"    kept = [each for each in values if each > limit + {n}]\n"
        f"    return sorted(set(kept), reverse=True)[: limit * {n}]\n\n\n"
        for n in range(30)
    )
    return f"{steps}def mean_{number}(values):\n    return sum(values) / {divisor}\n"


BEFORE = {name: module(n, "1") for n, name in enumerate(NAMES)}
AFTER = {name: module(n, "len(values)").replace("kept", "left") for n, name in enumerate(NAMES)}


def finding(path: str, line: int) -> dict[str, Any]:
    return {
        "path": path,
        "quote": "    return sum(values) / len(values)",
        "line": line,
        "side": "new",
        "category": "correctness",
        "severity": "high",
        "title": f"The mean of no values in {path} divides by zero",
        "body": "Nobody checks that there are values.",
        "confidence": 0.9,
    }


def shown(request: Request) -> list[tuple[str, int]]:
    """Where a prompt shows the line that divides: path and number."""
    found, path = [], ""
    for line in request.user.split("\n"):
        if line.startswith("|path: "):
            path = line.removeprefix("|path: ")
        elif line.endswith("+|    return sum(values) / len(values)"):
            found.append((path, int(line.split()[1])))
    return found


def reads(request: Request) -> Reply:
    """Finds each line that divides, and looks up what it calls."""
    if request.asks_for_verdicts:
        return agreeable(request)
    wanted = {"operation": "definition", "symbol": "mean_1", "path": NAMES[0]}
    return looking(wanted, findings=[finding(*place) for place in shown(request)])


def in_prose(request: Request) -> Reply:
    """As a model answers that has no JSON mode: words around the object."""
    reply = reads(request)
    assert isinstance(reply, Text)
    return Text(f"Sure! I went through the change.\n\n```json\n{reply.content}\n```\nCheers")


def without_look_ups(request: Request) -> Reply:
    """Knows nothing of look-ups: asks for them in words, and is undecided without any."""
    if request.asks_for_verdicts:
        judged = [
            {"id": id, "verdict": "undecided", "confidence": 0.6} for id in request.finding_ids
        ]
        return Text(json.dumps({"verdicts": judged}))
    found = [finding(*place) for place in shown(request)]
    return Text(json.dumps({"findings": found, "look_ups": "please show me mean_1"}))


def within_context(answer: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
    """A server that has no room for more, and says so as OpenAI does."""

    def judged(request: Request) -> Reply:
        if count_tokens(request.system) + count_tokens(request.user) + ANSWER > CONTEXT:
            message = f"This model's maximum context length is {CONTEXT} tokens."
            return Status(400, message, code="context_length_exceeded")
        return answer(request)

    return judged


@pytest.mark.parametrize(
    "answer",
    [reads, in_prose, without_look_ups],
    ids=["8,000 tokens", "no JSON mode", "no look-ups"],
)
async def test_a_model_that_can_do_little_gives_a_review(
    redis_url: str, redis: "Redis", tmp_path: Path, answer: Callable[[Request], Reply]
) -> None:
    async with LLMServer(default=within_context(answer)) as llm:
        if answer is in_prose:
            llm.refuses = frozenset({"json_schema", "json_object"})
        small = {"llm_context_tokens": CONTEXT - ANSWER, "llm_answer_tokens": ANSWER}
        async with running(
            redis_url, redis, tmp_path, llm_backoff_ms=10, max_comments=10, **small, **llm.settings
        ) as world:
            await world.open_pull(BEFORE, AFTER)
            await world.settle()
            assert_reviewed(world)
        readings = [each for each in llm.requests if not each.asks_for_verdicts]
        assert len(readings) >= len(NAMES), "it is read in parts"
        looked = ["=== BEGIN looked up 1 ===" in each.user for each in readings]
        assert any(looked) is (answer is not without_look_ups)


def assert_reviewed(world: World) -> None:
    """Every file was read, and each defect is a comment on its line or named in one."""
    [run] = world.check_runs
    assert (run.status, run.conclusion) == ("completed", "neutral")
    [posted] = world.reviews
    assert "not reviewed by the model" not in posted.body
    assert str(run.output["title"]).startswith("6 high")
    said = posted.body + "".join(comment.body for comment in world.inline_comments)
    assert all(name in said or name in [c.path for c in world.inline_comments] for name in NAMES)
    assert {comment.line for comment in world.inline_comments} == {AFTER[NAMES[0]].count("\n")}


async def test_a_model_with_no_findings_to_show_in_prose_is_read(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    """Silence in words of JSON is silence: nothing is asked twice."""
    empty = review().content
    async with LLMServer(default=f"No issues.\n{empty}") as llm:
        llm.refuses = frozenset({"json_schema", "json_object"})
        async with running(redis_url, redis, tmp_path, **llm.settings) as world:
            await world.open_pull({"a.py": "x = 1\n"}, {"a.py": "x = 2\n"})
            await world.settle()
            assert [run.conclusion for run in world.check_runs] == ["success"]
    modes = [each.response_format for each in llm.requests]
    assert modes == ["json_schema", "json_object", ""], "each mode is tried once"
