"""Our threads: resolved when their finding is gone, dismissed when people say so, and nobody
else's is ever touched."""

import pytest

from tests.flows.conversation import (
    AFTER,
    BEFORE,
    US,
    bot_comments,
    pushed,
    reactions,
    replied,
    reviewed,
    writes_since,
)
from tests.flows.environment import REPO, World
from workers.events.commands.forget import NOT_DISMISSED, UNSUPPRESSED, UNSUPPRESSED_THUMB

FIXED = "import os\n\n\ndef home():\n    return os.environ['HOME'] + '/'\n"


@pytest.fixture
def world(world: World) -> World:
    """The App may resolve threads, which the manifest does not ask for."""
    world.sandbox.grant("contents", "write")
    return world


async def test_a_dismissed_finding_is_not_reported_again(world: World) -> None:
    number = await reviewed(world)
    [comment] = world.inline_comments
    reply = await world.sandbox.reply_in_thread(REPO, comment.id, "/review dismiss we trust it")
    await world.settle()
    [thread] = world.repository.threads.values()
    assert thread.resolved_by == "glossator[bot]"
    assert reactions(world, reply.id) == ["eyes", "rocket"]

    await world.sandbox.comment(REPO, number, "/review full")
    await world.settle()
    assert "No problems" in world.reviews[-1].body
    await world.sandbox.comment(REPO, number, "/review help")
    await world.settle()
    assert "we trust it" in bot_comments(world)[-1]

    # With a reason it holds for the whole repository.
    await world.open_pull(BEFORE, AFTER, title="Once more")
    await world.settle()
    assert "No problems" in world.reviews[-1].body


async def test_a_suppression_is_removed_by_the_id_in_help(world: World) -> None:
    number = await reviewed(world)
    [comment] = world.inline_comments
    await world.sandbox.reply_in_thread(REPO, comment.id, "/review dismiss we trust it")
    await world.settle()
    await world.sandbox.comment(REPO, number, "/review help")
    await world.settle()
    [suppression] = await world.store.suppressions.all(world.repository.id, 180)
    assert f"- `{suppression.fingerprint}` `app.py`: " in bot_comments(world)[-1]

    other = await world.open_pull(BEFORE, AFTER, title="Once more")
    await world.settle()
    assert "No problems" in world.reviews[-1].body
    world.sandbox.set_permission(REPO, "eve", "read")
    command = f"/review forget {suppression.fingerprint}"
    await world.sandbox.comment(REPO, other, command, author="eve")
    await world.settle()
    [kept] = await world.store.suppressions.all(world.repository.id, 180)
    assert kept.fingerprint == suppression.fingerprint
    assert kept.used_at > suppression.used_at == 0.0  # it covered a finding of the other one

    await world.sandbox.comment(REPO, other, f"{command}\n/review full")
    await world.settle()
    assert bot_comments(world)[-1] == UNSUPPRESSED
    assert await world.store.suppressions.all(world.repository.id, 180) == ()
    assert "No problems" not in world.reviews[-1].body
    await world.sandbox.comment(REPO, other, command)
    await world.settle()
    assert bot_comments(world)[-1] == NOT_DISMISSED


async def test_a_dismissal_in_a_thread_is_undone_there(world: World) -> None:
    number = await reviewed(world)
    [comment] = world.inline_comments
    await world.sandbox.reply_in_thread(REPO, comment.id, "/review dismiss")
    await world.settle()
    await world.sandbox.reply_in_thread(REPO, comment.id, "/review forget")
    await world.settle()
    assert replied(world, comment.id) == [UNSUPPRESSED]
    await world.sandbox.comment(REPO, number, "/review full")
    await world.settle()
    assert "No problems" not in world.reviews[-1].body
    assert world.inline_comments[-1].in_reply_to_id is None, "it is told on its line again"


@pytest.mark.slow
async def test_dismiss_works_in_our_threads_only(world: World) -> None:
    number = await reviewed(world)
    await world.sandbox.comment(REPO, number, "/review dismiss")
    await world.settle()
    assert "thread" in bot_comments(world)[-1]
    [thread] = world.repository.threads.values()
    assert thread.resolved_by is None


async def test_a_thumbs_down_by_a_writer_creates_a_suppression(world: World) -> None:
    number = await reviewed(world)
    [comment] = world.inline_comments
    for stranger in ("eve", *(f"stranger{n}" for n in range(10))):
        world.sandbox.set_permission(REPO, stranger, "read")
        world.sandbox.react(REPO, comment.id, "-1", author=stranger)
    await world.sandbox.comment(REPO, number, "/review full")
    await world.settle()
    assert "No problems" not in world.reviews[-1].body

    world.sandbox.react(REPO, comment.id, "-1")
    await world.sandbox.comment(REPO, number, "/review full")
    await world.settle()
    assert "No problems" in world.reviews[-1].body


@pytest.mark.slow
async def test_a_thumbs_down_is_recorded_when_the_pull_request_is_closed(world: World) -> None:
    number = await reviewed(world)
    [comment] = world.inline_comments
    world.sandbox.react(REPO, comment.id, "-1")
    mark = len(world.writes())
    await world.sandbox.close(REPO, number, merged=True)
    await world.settle()
    assert set(writes_since(world, mark)) <= {"POST graphql"}, "it is only read"
    await world.open_pull(BEFORE, AFTER, title="Once more")
    await world.settle()
    assert "No problems" in world.reviews[-1].body


@pytest.mark.slow
async def test_a_thumb_down_is_shown_by_help_at_once(world: World) -> None:
    number = await reviewed(world)
    [comment] = world.inline_comments
    world.sandbox.react(REPO, comment.id, "-1")
    await world.sandbox.comment(REPO, number, "/review help")
    await world.settle()
    [answer] = bot_comments(world)
    assert "Suppressed in this repository" in answer
    assert "(👎, `octocat`)" in answer

    [suppression] = await world.store.suppressions.all(world.repository.id, 180)
    await world.sandbox.comment(REPO, number, f"/review forget {suppression.fingerprint}")
    await world.settle()
    assert bot_comments(world)[-1] == UNSUPPRESSED_THUMB


@pytest.mark.slow
async def test_suppressions_beyond_the_limit_are_not_promised(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.findings.unwanted.MAX_SUPPRESSIONS", 0)
    await reviewed(world)
    [comment] = world.inline_comments
    await world.sandbox.reply_in_thread(REPO, comment.id, "/review dismiss we trust it")
    await world.settle()
    [answer] = replied(world, comment.id)
    assert answer.startswith("Dismissed here.")
    assert resolved(world) == {"ours": US}


def resolved(world: World) -> dict[str, str | None]:
    """Who resolved a thread, by how its first comment begins."""
    firsts = {c.thread_id: c for c in world.inline_comments if c.in_reply_to_id is None}
    threads = world.repository.threads
    return {
        "ours" if first.user == US else first.body[:20]: threads[thread].resolved_by
        for thread, first in firsts.items()
    }


async def test_only_the_thread_of_a_fixed_finding_is_resolved(world: World) -> None:
    number = await reviewed(world)
    marker = world.inline_comments[0].body.partition("\n")[0]
    assert marker.startswith("<!-- glossator:finding:")
    await world.sandbox.comment_on_line(REPO, number, "app.py", 10, "Is this safe?")
    await world.sandbox.comment_on_line(REPO, number, "app.py", 10, f"{marker}\nMine", author="eve")
    mark = len(world.writes())
    fixed_head = await pushed(world, number, {"app.py": FIXED})
    await world.settle()
    assert resolved(world) == {"ours": US, "Is this safe?": None, marker[:20]: None}
    kinds = writes_since(world, mark)
    assert {*kinds} == {"POST check-runs", "PATCH check-runs", "PUT reviews", "POST graphql"}
    assert kinds.count("POST graphql") == 1

    # It comes back, and is said again.
    again = await world.sandbox.commit(REPO, {"app.py": AFTER["app.py"]}, parent=fixed_head)
    await world.sandbox.push(REPO, number, again)
    await world.settle()
    assert len([c for c in world.inline_comments if c.user == US]) == 2


def hidden(world: World) -> list[str | None]:
    """Why our comments on lines are hidden, None for those that are not."""
    return [c.minimized for c in world.inline_comments if c.user == US]


async def test_without_the_permission_to_resolve_a_fixed_finding_is_minimized_once(
    world: World,
) -> None:
    world.sandbox.grant("contents", "read")
    number = await reviewed(world)
    await world.sandbox.comment_on_line(REPO, number, "app.py", 10, "Is this safe?")
    mark = len(world.writes())
    fixed_head = await pushed(world, number, {"app.py": FIXED})
    await world.settle()
    assert resolved(world) == {"ours": None, "Is this safe?": None}
    assert hidden(world) == ["resolved"]
    assert writes_since(world, mark).count("POST graphql") == 1
    assert [run.conclusion for run in world.check_runs] == ["neutral", "success"]

    mark = len(world.writes())
    await world.sandbox.comment(REPO, number, "/review full")
    await world.settle()
    # One, for the review in whose place a newer one has come.
    assert writes_since(world, mark).count("POST graphql") == 1, "once is enough"
    again = await world.sandbox.commit(REPO, {"app.py": AFTER["app.py"]}, parent=fixed_head)
    await world.sandbox.push(REPO, number, again)
    await world.settle()
    assert hidden(world) == ["resolved", None], "it is said again"


@pytest.mark.slow
async def test_without_the_permission_to_resolve_a_dismissed_finding_is_minimized(
    world: World,
) -> None:
    world.sandbox.grant("contents", "read")
    await reviewed(world)
    [comment] = world.inline_comments
    reply = await world.sandbox.reply_in_thread(REPO, comment.id, "/review dismiss")
    await world.settle()
    assert hidden(world) == ["resolved"]
    assert reactions(world, reply.id) == ["eyes", "rocket"]


@pytest.mark.slow
async def test_a_thread_with_a_persons_reply_is_kept_until_its_finding_is_fixed(
    world: World,
) -> None:
    number = await reviewed(world)
    [comment] = world.inline_comments
    await world.sandbox.reply_in_thread(REPO, comment.id, "We know; later.")
    await pushed(world, number, {"other.py": "x = 1\n"})
    await world.settle()
    assert resolved(world) == {"ours": None}
    await pushed(world, number, {"app.py": FIXED})
    await world.settle()
    assert resolved(world) == {"ours": US}
    assert "We know; later." in [c.body for c in world.inline_comments], "nothing is deleted"


async def test_threads_stay_when_their_file_was_not_read(world: World) -> None:
    # The base's configuration leaves the file out from now on, so nobody can say it is mended.
    number = await reviewed(world)
    base = world.repository.pulls[number].base_sha
    config = {".github/glossator.yml": "paths:\n  exclude: [app.py]\n"}
    newer = await world.sandbox.commit(REPO, config, parent=base)
    await world.sandbox.set_branch(REPO, "main", newer)
    await pushed(world, number, {"app.py": FIXED, "other.py": "x = 1\n"})
    await world.settle()
    assert [run.status for run in world.check_runs] == ["completed"] * 2
    assert resolved(world) == {"ours": None}


@pytest.mark.slow
async def test_a_thread_that_cannot_be_resolved_fails_no_review(world: World) -> None:
    number = await reviewed(world)
    fault = world.sandbox.faults.add("POST /api/graphql", "500", times=20)
    await pushed(world, number, {"app.py": FIXED})
    await world.settle()
    assert fault.triggered
    assert [run.conclusion for run in world.check_runs] == ["neutral", "success"]
    assert resolved(world) == {"ours": None}


@pytest.mark.slow
async def test_a_dismissal_without_a_reason_applies_to_the_pull_request_only(
    world: World,
) -> None:
    await reviewed(world)
    [comment] = world.inline_comments
    mark = len(world.writes())
    reply = await world.sandbox.reply_in_thread(REPO, comment.id, "/review dismiss")
    await world.settle()
    assert writes_since(world, mark, but=["POST reactions"]) == ["POST graphql"]
    assert resolved(world) == {"ours": US}
    assert reactions(world, reply.id) == ["eyes", "rocket"]
    assert replied(world, comment.id) == []
    await world.open_pull(BEFORE, AFTER, title="Once more")
    await world.settle()
    assert len([c for c in world.inline_comments if c.user == US]) == 2
