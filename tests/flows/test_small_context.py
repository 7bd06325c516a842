"""A model that reads less than LLM_CONTEXT_TOKENS reads a change in smaller parts, all of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.text.tokens import count_tokens
from tests.flows.environment import REPO, World, running
from tests.support.llm_server import LLMServer, Reply, Request, Status, agreeable, looking

CONTEXT = 16_000
NAMES = [f"shop/part{number}.py" for number in range(3)]


#: Far more than the model reads, which it asks to see.
PRICES = "".join(f"{n}: " + " ".join(map(str, range(40))) + "\n" for n in range(1600))
READS = [
    {"operation": "read", "path": "prices.txt", "start": start, "end": start + 199}
    for start in range(1, 1600, 200)
]


def lines(change: int) -> str:
    prices = (f"def price_{n}(count):\n    return count * {change} + {n}\n" for n in range(110))
    return "".join(prices)


def tokens(request: Request) -> int:
    return sum(count_tokens(message["content"]) for message in request.messages)


@pytest.fixture
async def world(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> AsyncIterator[World]:
    settings = {**llm.settings, "llm_backoff_ms": 10}
    async with running(redis_url, redis, tmp_path, **settings) as world:
        yield world


async def reviewed(world: World, llm: LLMServer) -> list[int]:
    """The tokens of all prompts of a first review, which reads all files."""
    before, after = ({name: lines(change) for name in NAMES} for change in (1, 2))
    await world.open_pull(before | {"prices.txt": PRICES}, after)
    await world.settle()
    return seen(world, llm)


async def reviewed_again(world: World, llm: LLMServer) -> list[int]:
    llm.requests.clear()
    await world.sandbox.comment(REPO, 1, "/review full")
    await world.settle()
    return seen(world, llm)


def seen(world: World, llm: LLMServer) -> list[int]:
    run = world.check_runs[-1]
    assert (run.conclusion, run.output["title"]) == ("success", "No problems found")
    assert all(any(name in request.user for request in llm.requests) for name in NAMES)
    return sorted(map(tokens, llm.requests))


async def test_prompts_are_made_for_what_the_endpoint_says_that_its_model_reads(
    world: World, llm: LLMServer
) -> None:
    """What it says later changes nothing within a review."""

    def listed(context: int) -> dict[str, object]:
        return {"data": [{"id": "small", "max_model_len": context}]}

    def answer(request: Request) -> Reply:
        llm.models = listed(200_000)
        asks = not request.asks_for_verdicts and "looked up 1" not in request.user
        return looking(*READS) if asks else agreeable(request)

    llm.models, llm.default = listed(CONTEXT), answer
    first = await reviewed(world, llm)
    assert len(first) > 2
    assert CONTEXT // 2 < first[-1] <= CONTEXT * 3 // 4

    again = await reviewed_again(world, llm)
    assert again[-1] > CONTEXT, "the next review is made for what it says by then"


async def test_what_a_refusal_said_of_the_context_is_known_to_the_next_review(
    world: World, llm: LLMServer
) -> None:
    def answer(request: Request) -> Reply:
        if tokens(request) > CONTEXT * 3 // 4:
            return Status(400, f"This model's maximum context length is {CONTEXT} tokens")
        return agreeable(request)

    llm.default = answer
    assert (await reviewed(world, llm))[-1] > CONTEXT * 3 // 4, "nobody had said so"
    again = await reviewed_again(world, llm)
    assert len(again) > 1
    assert again[-1] <= CONTEXT * 3 // 4

    llm.requests.clear()
    await world.sandbox.comment(REPO, 1, "/review ask What does it change?")
    await world.settle()
    [question] = llm.requests
    assert tokens(question) < CONTEXT // 2, "of three files one fits"
