"""Each job on its own clock: none waits for another, and none takes the others down."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bot.config.settings import Settings
from tests.support.sandbox.server import Sandbox
from workers.schedule import maintenance
from workers.schedule.maintenance import Job, run_maintenance
from workers.services import Services


@pytest.fixture
async def settings(redis_url: str, redis: "Redis") -> AsyncIterator[Settings]:
    async with Sandbox() as sandbox:
        yield Settings(
            _env_file=None,
            redis_url=redis_url,
            github_api_url=sandbox.api_url,
            github_app_id=str(sandbox.app_id),
            github_private_key=sandbox.private_key_pem,
        )


class Often:
    """A job that is done in no time; `done` is set once it was done three times."""

    def __init__(self) -> None:
        self.times, self.done = 0, asyncio.Event()

    async def __call__(self, services: Services) -> None:
        self.times += 1
        if self.times == 3:
            self.done.set()


async def hang(services: Services) -> None:
    await asyncio.Event().wait()


async def break_down(services: Services) -> None:
    raise ValueError("This was not to be expected.")


@pytest.mark.parametrize("work", [hang, break_down])
async def test_a_job_that_hangs_or_breaks_keeps_no_other_from_being_done(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, work: maintenance.Work
) -> None:
    often, stop_requested = Often(), asyncio.get_running_loop().create_future()
    monkeypatch.setattr(maintenance, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(
        maintenance, "jobs", lambda _: (Job("slow", 0.01, work), Job("often", 0.01, often))
    )
    running = asyncio.create_task(run_maintenance(settings, stop_requested))
    with capture_logs() as lines:
        async with asyncio.timeout(10):
            await often.done.wait()
            stop_requested.set_result(None)
            await running
    broken = [line for line in lines if line["event"] == "maintenance_crashed"]
    assert bool(broken) == (work is break_down)
