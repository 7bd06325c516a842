"""Shared fixtures: a real Redis for the session, emptied for each test."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings
from redis.asyncio import Redis

from bot.cli.embedded_redis import embedded_redis
from bot.store import Store, connect
from tests.support.tally import Tally

# A busy machine is no defect: how long an example takes is not judged. A run of the suite is
# the same as the one before; `HYPOTHESIS_PROFILE=new` looks at what none has looked at yet.
hypothesis_settings.register_profile("same", deadline=None, derandomize=True, max_examples=50)
hypothesis_settings.register_profile("new", deadline=None, max_examples=1000)
#: For mutants: that there is a counterexample is enough, a small one is not looked for.
hypothesis_settings.register_profile(
    "found",
    hypothesis_settings.get_profile("same"),
    phases=(Phase.explicit, Phase.generate),
)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test marked `variations(n)`, the cases after the first n run with the slow ones."""
    seen = Counter[str]()
    for item in items:
        if marker := item.get_closest_marker("variations"):
            test = item.nodeid.partition("[")[0]
            seen[test] += 1
            if seen[test] > marker.args[0]:
                item.add_marker("slow")


@pytest.fixture
def tally() -> Iterator[Tally]:
    """Counts what the examples of a property were; with hypothesis, the health check
    `function_scoped_fixture` is to be suppressed: all examples share it on purpose."""
    counted = Tally()
    yield counted
    counted.check()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server of this test session's own."""
    directory = tmp_path_factory.mktemp("redis")
    urls: list[str] = []
    ready, done = Event(), Event()

    async def serve(directory: Path) -> None:
        async with embedded_redis(directory) as url:
            urls.append(url)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = Thread(target=asyncio.run, args=(serve(directory),), daemon=True)
    thread.start()
    assert ready.wait(30), "the embedded Redis did not start"
    yield urls[0]
    done.set()
    thread.join(10)


@pytest.fixture
async def redis(redis_url: str) -> "AsyncIterator[Redis]":
    client = connect(redis_url)
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
def store(redis: "Redis") -> Store:
    return Store(redis, keep_seconds=3600)
