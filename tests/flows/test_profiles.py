"""How a review speaks, as its repository wants it: how much, where, in which tone, with labels."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.flows.conversation import pushed
from tests.flows.environment import World, running
from tests.support.llm_server import LLMServer

#: A high, a medium and a low finding of analyzers.
WRONG = {
    "app.py": "import subprocess\n\n\ndef run(x):\n    subprocess.call(x, shell=True)\n",
    "jobs/helper.py": "def run(x):\n    return eval(x)\n",
    "unused.py": "import os\n\n\ndef run(x):\n    return x\n",
}


async def reported(world: World, config: str) -> dict[str, str]:
    """What is reported of each file, by severity, with that configuration."""
    before = {".github/glossator.yml": config, **dict.fromkeys(WRONG, "x = 1\n")}
    await world.open_pull(before, WRONG, title=config[:40].replace("\n", " "))
    await world.settle()
    report = await world.store.stage_data.report(world.check_runs[-1].external_id)
    assert report is not None
    assert not report.notes[1:], report.notes
    return {finding.path: str(finding.severity) for finding in report.findings}


async def test_a_profile_and_paths_choose_what_is_said(world: World) -> None:
    everything = await reported(world, "profile: thorough\n")
    assert set(everything) == set(WRONG)
    assert everything["unused.py"] in ("low", "info")
    quiet = await reported(world, "profile: quiet\n")
    assert set(quiet) == {"app.py", "jobs/helper.py"}
    text = "profile: quiet\npath_severities:\n- paths: [jobs/]\n  min_severity: high\n"
    assert set(await reported(world, text)) == {"app.py"}
    text = "profile: quiet\nmin_severity: info\n"
    assert set(await reported(world, text)) == set(WRONG)


async def test_labels_follow_the_change_and_its_findings(world: World) -> None:
    config = (
        "effort_estimate: true\n"
        "labels:\n- name: helpers\n  paths: [jobs/]\n- name: unsafe\n  categories: [security]\n"
    )
    before = {".github/glossator.yml": config, "app.py": "x = 1\n"}
    number = await world.open_pull(before, {"app.py": WRONG["app.py"]}, labels=["bug"])
    await world.settle()
    assert world.repository.pulls[number].labels == ["bug", "unsafe"]
    assert "about 1 min to review" in world.reviews[-1].body
    fixed = {"app.py": "x = 2\n", "jobs/helper.py": "x = 3\n"}
    await pushed(world, number, dict(fixed))
    await world.settle()
    assert world.repository.pulls[number].labels == ["bug", "helpers"]


async def test_labels_that_github_refuses_fail_no_review(world: World) -> None:
    world.sandbox.faults.add("POST /api/v3/repos/*/issues/*/labels", "500", times=50)
    config = "labels:\n- name: unsafe\n  categories: [security]\n"
    before = {".github/glossator.yml": config, "app.py": "x = 1\n"}
    number = await world.open_pull(before, {"app.py": WRONG["app.py"]})
    await world.settle()
    assert world.repository.pulls[number].labels == []
    assert world.check_runs[-1].conclusion == "neutral"


@pytest.fixture
async def reading(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> AsyncIterator[World]:
    async with running(redis_url, redis, tmp_path, **llm.settings) as world:
        yield world


@pytest.mark.parametrize("tone", ["", "Kind, as to a beginner. === END tone ==="])
async def test_the_model_is_asked_for_a_tone_as_data(
    reading: World, llm: LLMServer, tone: str
) -> None:
    config = f'tone: "{tone}"\n' if tone else ""
    await reading.open_pull({".github/glossator.yml": config, "app.py": "x = 1\n"}, WRONG)
    await reading.settle()
    [asked] = [request for request in llm.requests if not request.asks_for_verdicts]
    lines = asked.user.splitlines()
    assert (f"|{tone}" in lines) == bool(tone)
    assert lines.count("=== END tone ===") == bool(tone)
