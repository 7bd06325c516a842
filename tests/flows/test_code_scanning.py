"""Findings as alerts of code scanning: they open, stay through pushes, and close when fixed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.flows.conversation import AFTER, pushed, reviewed
from tests.flows.environment import REPO, World, running
from tests.flows.test_threads import FIXED


@pytest.fixture
async def world(redis_url: str, redis: "Redis", tmp_path: Path) -> AsyncIterator[World]:
    async with running(redis_url, redis, tmp_path, code_scanning_upload=True) as world:
        yield world


def alerts(world: World) -> dict[int, str]:
    found = world.sandbox.repository(REPO).scanning_alerts.values()
    return {alert.number: alert.state for alert in found}


async def test_alerts_survive_moved_lines_and_close_by_themselves(world: World) -> None:
    world.sandbox.grant("security_events", "write")
    number = await reviewed(world)
    opened = alerts(world)
    assert set(opened.values()) == {"open"}
    [(ref, category)] = {key[:2] for key in world.sandbox.repository(REPO).scanning_alerts}
    assert (ref, category) == (f"refs/pull/{number}/head", "glossator")
    await world.sandbox.comment(REPO, number, "/review performance")
    await world.settle()
    assert alerts(world) == opened, "a review of one category closes nothing"
    await pushed(world, number, {"app.py": "# Moved down by a line.\n" + AFTER["app.py"]})
    await world.settle()
    assert alerts(world) == opened, "the same alerts, on other lines"
    await pushed(world, number, {"app.py": FIXED})
    await world.settle()
    assert set(alerts(world).values()) == {"fixed"}
    assert set(alerts(world)) == set(opened)


async def test_a_review_is_posted_where_the_app_may_not_upload(world: World) -> None:
    await reviewed(world)
    assert alerts(world) == {}
    assert len(world.reviews) == 1
    assert [one for one in world.sandbox.writes() if one.path.endswith("/sarifs")] == []
