"""Asking for changes: it blocks the pull request, so it is taken back when all is mended."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.flows.conversation import AFTER, US, pushed, reviewed
from tests.flows.environment import REPO, World, running
from tests.flows.test_threads import FIXED

DISMISS = "PUT /api/v3/repos/octo/hello/pulls/*/reviews/*/dismissals"


@pytest.fixture
async def world(redis_url: str, redis: "Redis", tmp_path: Path) -> AsyncIterator[World]:
    async with running(redis_url, redis, tmp_path, request_changes=True) as world:
        yield world


def states(world: World) -> list[str]:
    return [review.state for review in world.reviews if review.user == US]


async def test_it_is_dismissed_when_a_push_fixes_everything(world: World) -> None:
    number = await reviewed(world)
    assert states(world) == ["CHANGES_REQUESTED"]
    await pushed(world, number, {"other.py": "x = 1\n"})
    await world.settle()
    assert states(world) == ["CHANGES_REQUESTED"], "it is still there"
    await world.sandbox.comment(REPO, number, "/review performance")
    await world.settle()
    assert states(world) == ["CHANGES_REQUESTED", "COMMENTED"], "nobody looked for it"
    head = await pushed(world, number, {"app.py": FIXED})
    await world.settle()
    assert states(world) == ["DISMISSED", "COMMENTED"]
    assert head[:12] in world.reviews[0].dismissed


async def test_each_review_with_new_findings_requests_changes_and_all_are_dismissed_together(
    world: World,
) -> None:
    number = await reviewed(world)
    await pushed(world, number, {"more.py": AFTER["app.py"]})
    await world.settle()
    assert states(world) == ["CHANGES_REQUESTED"] * 2
    assert [one.minimized for one in world.reviews] == ["outdated", None]
    await pushed(world, number, {"app.py": FIXED, "more.py": FIXED})
    await world.settle()
    assert states(world) == ["DISMISSED"] * 2


@pytest.mark.slow
async def test_dismissing_the_finding_takes_it_back_too(world: World) -> None:
    number = await reviewed(world)
    [comment] = world.inline_comments
    await world.sandbox.reply_in_thread(REPO, comment.id, "/review dismiss")
    await world.sandbox.comment(REPO, number, "/review full")
    await world.settle()
    assert states(world) == ["DISMISSED", "COMMENTED"]


async def test_it_is_kept_while_the_fix_cannot_be_confirmed(world: World) -> None:
    number = await reviewed(world)
    base = world.repository.pulls[number].base_sha
    config = {".github/glossator.yml": "paths:\n  exclude: [app.py]\n"}
    newer = await world.sandbox.commit(REPO, config, parent=base)
    await world.sandbox.set_branch(REPO, "main", newer)
    await pushed(world, number, {"app.py": FIXED, "other.py": "x = 1\n"})
    await world.settle()
    assert states(world) == ["CHANGES_REQUESTED"]


@pytest.mark.slow
async def test_it_is_kept_while_github_does_not_return_the_threads(world: World) -> None:
    number = await reviewed(world)
    fault = world.sandbox.faults.add("POST /api/graphql", "500", times=100)
    await pushed(world, number, {"app.py": FIXED})
    await world.settle()
    assert states(world) == ["CHANGES_REQUESTED"]
    fault.times = 0
    await pushed(world, number, {"other.py": "x = 1\n"})
    await world.settle()
    assert states(world) == ["DISMISSED"]


@pytest.mark.slow
async def test_change_requests_of_others_are_not_dismissed(world: World) -> None:
    number = await reviewed(world)
    [change_request] = world.reviews
    await world.sandbox.comment_on_line(REPO, number, "app.py", 10, "No.", author="eve")
    world.reviews[-1].state = "CHANGES_REQUESTED"
    await pushed(world, number, {"app.py": FIXED})
    await world.settle()
    assert [(review.user, review.state) for review in world.reviews] == [
        (US, "DISMISSED"),
        ("eve", "CHANGES_REQUESTED"),
    ]
    assert change_request.dismissed


@pytest.mark.slow
async def test_a_crash_between_post_and_dismissal_is_made_good(world: World) -> None:
    number = await reviewed(world)
    fault = world.sandbox.faults.add(DISMISS, "500", times=20)
    await pushed(world, number, {"app.py": FIXED})

    async def triggered() -> bool:
        return fault.triggered > 0

    await world.until_true(triggered)
    fault.times = 0
    await world.settle()
    assert states(world) == ["DISMISSED"]


@pytest.mark.slow
async def test_what_github_refuses_to_dismiss_fails_no_review(world: World) -> None:
    number = await reviewed(world)
    lost = world.sandbox.faults.add(DISMISS, "500", after=True)  # done, and the answer is lost
    await pushed(world, number, {"app.py": FIXED})
    await world.settle()
    assert lost.triggered == 1
    assert states(world) == ["DISMISSED"]
    refused = [e.status for e in world.sandbox.requests if e.path.endswith("/dismissals")]
    assert 422 in refused, "it is tried again, and is dismissed already"
    assert [run.conclusion for run in world.check_runs] == ["neutral", "success"]
