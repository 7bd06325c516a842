"""A change adds packages: what is known to be wrong with them is on the manifest's lines."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.domain.model import Report
from bot.sandbox.state import Advisory, Dependency
from tests.flows.environment import REPO, World, running

ID = "GHSA-35jh-r3h4-6jhm"
LODASH = Advisory(
    id=ID, package="lodash", versions=("4.17.20",), summary="Command injection", fixed="4.17.21"
)
ASKS = "GET /api/v3/repos/*/dependency-graph/compare/*"


def with_lodash(version: str) -> dict[str, str | None]:
    packages = {"express": "5.0.0", "lodash": version}
    return {"package.json": json.dumps({"dependencies": packages}, indent=2) + "\n"}


def lodash(version: str) -> tuple[Dependency, ...]:
    return (
        Dependency(manifest="package.json", ecosystem="npm", name="lodash", version=version),
        Dependency(manifest="yarn.lock", ecosystem="npm", name="lodash", version=version),
    )


async def opened(world: World, after: dict[str, str | None], *there: Dependency) -> int:
    """A pull request at whose head GitHub knows these packages."""
    base = await world.sandbox.commit(REPO, {"package.json": "{}\n", "a.py": ""}, message="Begin")
    head = await world.sandbox.commit(REPO, after, parent=base, message="Add packages")
    if world.repository.dependencies is not None:
        world.repository.dependencies[head] = there
    number = await world.sandbox.open_pull(REPO, base, head)
    await world.settle()
    return number


async def pushed(
    world: World, number: int, after: dict[str, str | None], *there: Dependency
) -> Report:
    """The report of the review of another commit."""
    before = world.repository.pulls[number].head_sha
    head = await world.sandbox.commit(REPO, after, parent=before, message="Update")
    assert world.repository.dependencies is not None
    world.repository.dependencies[head] = there
    await world.sandbox.push(REPO, number, head)
    await world.settle()
    return await report_of(world)


async def report_of(world: World) -> Report:
    report = await world.store.stage_data.report(world.check_runs[-1].external_id)
    assert report is not None
    return report


def asked(world: World) -> list[str]:
    return [each.path for each in world.sandbox.requests if "/dependency-graph/" in each.path]


@pytest.fixture
async def world(redis_url: str, redis: "Redis", tmp_path: Path) -> AsyncIterator[World]:
    async with running(redis_url, redis, tmp_path) as world:
        world.repository.dependencies = {}
        world.sandbox.state.advisories = {ID: LODASH}
        yield world


async def test_a_vulnerable_package_is_on_its_line_and_its_thread_goes_with_it(
    world: World,
) -> None:
    number = await opened(world, with_lodash("4.17.20"), *lodash("4.17.20"))
    [comment] = world.inline_comments
    assert (comment.path, comment.line) == ("package.json", 4)
    assert "lodash 4.17.20 is vulnerable: Command injection" in comment.body
    assert f"https://github.com/advisories/{ID}" in comment.body
    assert "Fixed in 4.17.21." in comment.body
    assert "It is also in `yarn.lock`." in comment.body
    # Not looked at is not fixed, and is said.
    world.sandbox.faults.add(ASKS, "500", times=9)
    after = with_lodash("4.17.21") | {"a.py": "x = 3\n"}
    report = await pushed(world, number, after, *lodash("4.17.21"))
    assert any("New dependencies were not checked: GitHub" in note for note in report.notes)
    assert "dependencies" in report.verdict
    assert not report.complete
    assert world.inline_comments[0].minimized is None
    world.sandbox.faults.planned.clear()
    report = await pushed(world, number, {"a.py": "x = 4\n"}, *lodash("4.17.21"))
    assert report.findings == ()
    assert report.complete
    assert world.inline_comments[0].minimized == "resolved"


async def test_one_in_a_lock_file_is_resolved_once_it_is_gone(world: World) -> None:
    lock = Dependency(manifest="yarn.lock", ecosystem="npm", name="lodash", version="4.17.20")
    locked = 'lodash@^4.17.0:\n  version "4.17.20"\n'
    number = await opened(world, {"yarn.lock": locked}, lock)
    [comment] = world.inline_comments
    assert (comment.path, comment.line) == ("yarn.lock", 2)
    await pushed(world, number, {"yarn.lock": locked.replace("20", "21")})
    assert world.inline_comments[0].minimized == "resolved"


async def test_a_repository_without_the_review_is_noticed_and_not_told_on_pull_requests(
    world: World,
) -> None:
    await opened(world, {"a.py": "x = 1\n"})
    assert asked(world) == [], "no manifest changes"
    world.repository.dependencies = None
    await opened(world, with_lodash("4.17.20"))
    report = await report_of(world)
    assert len(asked(world)) == 1
    assert (report.findings, report.notes[1:], report.dependencies) == ((), (), None)
    assert report.complete
    assert await world.store.pulls.without_dependencies() == [REPO]
    assert not await world.store.pulls.mark_without_dependencies(REPO, missing=True)
