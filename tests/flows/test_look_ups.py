"""A model that looks things up in the repository, whatever it asks for."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.domain.model import State
from tests.flows.environment import REPO, World, git_processes, running
from tests.support.llm_server import (
    LLMServer,
    Reply,
    Request,
    Status,
    Text,
    agreeable,
    looking,
    review,
    verdict,
)
from tests.support.secret_shapes import SHAPES

SECRET = SHAPES["github personal"]
BEFORE = {
    ".github/glossator.yml": "paths:\n  exclude: [private/]\n",
    "app.py": "def home():\n    return 1\n",
    "lib/prices.txt": f"token: {SECRET}\nprice of 1: none\n",
    "private/plan.py": "PLAN = 'buy everybody'\n",
}
AFTER = {"app.py": "from prices import price\n\n\ndef home():\n    return price(1) + 1\n"}

FINDING = {
    "trace": "home() adds 1 to None.",
    "path": "app.py",
    "quote": "    return price(1) + 1",
    "side": "new",
    "line": 5,
    "category": "correctness",
    "severity": "high",
    "title": "Adds one to None",
    "body": "`price` returns None.",
    "confidence": 0.9,
    "suggestion": None,
    "rule": None,
    "looked_at": [1],
}
READ = {"operation": "read", "path": "lib/prices.txt", "start": 1, "end": 9}


@pytest.fixture
async def llm() -> AsyncIterator[LLMServer]:
    async with LLMServer() as server:
        yield server


@pytest.fixture
async def world(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> AsyncIterator[World]:
    settings = {"llm_backoff_ms": 10, "look_up_rounds": 2, **llm.settings}
    async with running(redis_url, redis, tmp_path, **settings) as world:
        yield world


def readings(llm: LLMServer) -> list[Request]:
    return [each for each in llm.requests if not each.asks_for_verdicts]


async def test_what_is_looked_up_shows_the_defect(world: World, llm: LLMServer) -> None:
    def answer(request: Request) -> Reply:
        if request.asks_for_verdicts:
            return agreeable(request)
        return review(FINDING) if "price of 1: none" in request.user else looking(READ)

    llm.default = answer
    await world.open_pull(BEFORE, AFTER)
    await world.settle()

    [comment] = world.inline_comments
    assert (comment.path, comment.line) == ("app.py", 5)
    first, second = readings(llm)
    assert "You may ask for at most 8 look-ups" in first.user
    assert "price of 1: none" not in first.user
    assert "=== BEGIN looked up 1 ===" in second.user
    assert not any(SECRET in json.dumps(each.body) for each in llm.requests)


HOSTILE: list[dict[str, Any]] = [
    {"operation": "read", "path": "../../../../etc/passwd"},
    {"operation": "read", "path": "/etc/passwd"},
    {"operation": "read", "path": "--output=/tmp/x"},
    {"operation": "read", "path": "private/plan.py"},
    {"operation": "search", "pattern": "buy everybody"},
    {"operation": "search", "pattern": "/(a+)+$/"},
    {"operation": "search", "pattern": "ghp_", "glob": "--no-index"},
    {"operation": "list", "path": ".git"},
    READ,
    {"operation": "definition", "symbol": "price; rm -rf /"},
    {"operation": "run", "path": "app.py"},
]


async def test_whatever_is_asked_for_is_bounded_and_refused_in_words(
    world: World, llm: LLMServer
) -> None:
    many = [{"operation": "read", "path": "app.py", "end": n} for n in range(1, 1000)]

    def answer(request: Request) -> Reply:
        if request.asks_for_verdicts:
            wanted = [*HOSTILE, *many]
            judged = [verdict(id, "undecided", 0.5, *wanted) for id in request.finding_ids]
            return Text(json.dumps({"verdicts": judged}))
        start = 8 * (len(readings(llm)) - 1)
        return looking(*HOSTILE[start:], *many[start:], findings=[FINDING])

    llm.default = answer
    await world.open_pull(BEFORE, AFTER)
    await world.settle()

    assert [run.status for run in world.check_runs] == ["completed"]
    assert len(readings(llm)) == 3, "two rounds, and the answer after them"
    assert len(llm.requests) == 5, "one check, and one verdict that is due"
    shown = "\n".join(each.user for each in llm.requests)
    for leaked in (SECRET, "root:", "PLAN ="):
        assert leaked not in shown
    assert "were not done: there are at most 8 at a time" in shown
    assert len(world.inline_comments) + len(world.reviews) >= 1


async def test_a_try_that_ends_between_rounds_is_not_paid_for_twice(
    world: World, llm: LLMServer
) -> None:
    failures = iter([Status(500)] * 3)  # so often is asked in one try

    def answer(request: Request) -> Reply:
        if request.asks_for_verdicts:
            return agreeable(request)
        if "price of 1: none" in request.user:
            return next(failures, review(FINDING))
        return looking(READ)

    llm.default = answer
    await world.open_pull(BEFORE, AFTER)
    await world.settle()

    assert [each.line for each in world.inline_comments] == [5]
    assert ["looked up 1" in each.user for each in readings(llm)] == [False, *[True] * 4]


async def test_look_ups_that_hang_are_named_and_end_with_the_review(
    world: World, llm: LLMServer
) -> None:
    reads = "GET /octo/hello.git/info/refs"

    def answer(request: Request) -> Reply:
        world.sandbox.faults.add(reads, "timeout", times=9)
        return looking(READ, {**READ, "path": "app.py"})

    llm.default = answer
    number = await world.open_pull(BEFORE, AFTER)

    async def hangs() -> bool:
        return any(fault.triggered for fault in world.sandbox.faults.planned)

    async def is_named() -> bool:
        return any("Looking up 2 places" in json.dumps(run.output) for run in world.check_runs)

    async def has_ended() -> bool:
        return not git_processes(world.sandbox.url)

    await world.until_true(hangs)
    await world.until_true(is_named)
    assert git_processes(world.sandbox.url)
    await world.sandbox.comment(REPO, number, "/review cancel")
    await world.until(number, State.CANCELLED)
    began = time.monotonic()
    await world.until_true(has_ended)
    print(f"the look-ups ended {time.monotonic() - began:.1f} s after the review")
    await world.settle()
    assert [run.conclusion for run in world.check_runs] == ["cancelled"]
    assert len(llm.requests) == 1
    assert world.reviews == []
