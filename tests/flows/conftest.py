from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.flows.environment import World, running
from tests.support.llm_server import LLMServer


@pytest.fixture
async def world(redis_url: str, redis: "Redis", tmp_path: Path) -> AsyncIterator[World]:
    """The App with no LLM configured: analysers alone review."""
    async with running(redis_url, redis, tmp_path) as world:
        yield world


@pytest.fixture
async def llm() -> AsyncIterator[LLMServer]:
    """A model that finds nothing; `llm.settings` have the App ask it."""
    async with LLMServer() as server:
        yield server
