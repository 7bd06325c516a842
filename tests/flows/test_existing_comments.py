"""What is taken to stand on a pull request's lines is what does stand there."""

from dataclasses import replace

import pytest

from bot.domain.model import Finding, Report
from bot.github.rate_limits import RetryPolicy
from bot.github.reviews import ReviewComment
from bot.github.urls import CodeLinks
from tests.flows.environment import REPO, World
from workers.reports import github_review

BEFORE = {"app.py": "import os\n\n\ndef home():\n    return os.environ['HOME']\n"}
#: Changed so that an analyser has one thing to say.
AFTER = {
    "app.py": (
        "import os\nimport subprocess\n\n\ndef home():\n    return os.environ['HOME']\n\n\n"
        "def run(command):\n    return subprocess.call(command, shell=True)\n"
    )
}


async def push(world: World, number: int, files: dict[str, str | None]) -> None:
    parent = world.repository.pulls[number].head_sha
    head = await world.sandbox.commit(REPO, files, parent=parent)
    await world.sandbox.push(REPO, number, head)


async def test_a_comment_that_github_refused_is_posted_on_the_next_request(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = github_review._comment

    def outside(finding: Finding, code: CodeLinks, report: Report) -> ReviewComment:
        return replace(right(finding, code, report), line=9999, start_line=None)

    with monkeypatch.context() as patched:
        patched.setattr(github_review, "_comment", outside)
        number = await world.open_pull(BEFORE, AFTER)
        await world.settle()
    assert (len(world.reviews), world.inline_comments) == (1, [])
    await push(world, number, {"other.py": "x = 1\n"})
    await world.settle()
    assert (len(world.reviews), world.inline_comments) == (1, []), "its text tells it"
    await world.sandbox.comment(REPO, number, "/review full")
    await world.settle()
    assert len(world.inline_comments) == 1


async def test_refused_comments_are_reported_after_a_worker_restart(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = github_review._comment

    def outside(finding: Finding, code: CodeLinks, report: Report) -> ReviewComment:
        return replace(right(finding, code, report), line=9999, start_line=None)

    update_route = "PUT /api/v3/repos/*/pulls/*/reviews/*"
    failing = world.sandbox.faults.add(update_route, "502", times=RetryPolicy().attempts)
    with monkeypatch.context() as patched:
        patched.setattr(github_review, "_comment", outside)
        number = await world.open_pull(BEFORE, AFTER)
        await world.settle()
    assert failing.triggered == failing.times
    [review] = world.reviews
    assert world.inline_comments == []
    await world.sandbox.comment(REPO, number, "/review full")
    await world.settle()
    [comment] = world.inline_comments  # for it was not taken to stand there
    [_, title, *_] = comment.body.splitlines()
    assert title in review.body


@pytest.mark.slow
async def test_a_review_cancelled_while_it_is_posted_has_its_comments_not_repeated(
    world: World,
) -> None:
    slow = world.sandbox.faults.add("POST /api/v3/repos/*/pulls/*/reviews", "slow", delay=3)
    number = await world.open_pull(BEFORE, AFTER)

    async def posting() -> bool:
        return bool(slow.triggered)

    async def posted() -> bool:
        return bool(world.inline_comments)

    await world.until_true(posting)
    await world.sandbox.comment(REPO, number, "/review cancel")
    await world.until_true(posted)
    await world.settle()
    await push(world, number, {"other.py": "x = 1\n"})
    await world.settle()
    assert [run.conclusion for run in world.check_runs] == ["cancelled", "neutral"]
    assert len(world.inline_comments) == 1


@pytest.mark.slow
async def test_a_finding_that_returns_after_a_manual_resolve_is_reported_again(
    world: World,
) -> None:
    number = await world.open_pull(BEFORE, AFTER)
    await world.settle()
    [thread] = world.repository.threads.values()
    thread.resolved_by = "mona"
    await push(world, number, {"other.py": "x = 1\n"})
    await world.settle()
    assert len(world.inline_comments) == 1, "it is still there, and said"

    await push(world, number, {"app.py": BEFORE["app.py"] + "\n\nx = 1\n"})
    await world.settle()
    assert thread.resolved_by == "mona"
    await push(world, number, dict(AFTER))
    await world.settle()
    assert len(world.inline_comments) == 2
