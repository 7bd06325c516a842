"""A pull request that goes to another branch has another diff, though its head is the same."""

from tests.flows.conversation import AFTER, BEFORE
from tests.flows.environment import REPO, World


async def test_another_base_branch_is_reviewed_as_a_push_is(world: World) -> None:
    first = await world.sandbox.commit(REPO, BEFORE, message="Begin")
    second = await world.sandbox.commit(REPO, AFTER, parent=first, message="On main already")
    head = await world.sandbox.commit(REPO, {"other.py": "x = 1\n"}, parent=second)
    await world.sandbox.set_branch(REPO, "stable", first)
    number = await world.sandbox.open_pull(REPO, second, head)
    await world.settle()
    assert ["No problems" in review.body for review in world.reviews] == [True]

    await world.sandbox.retarget(REPO, number, "stable")
    await world.settle()
    assert [run.head_sha for run in world.check_runs] == [head, head]
    assert [run.conclusion for run in world.check_runs] == ["success", "neutral"]
    assert [comment.path for comment in world.inline_comments] == ["app.py"]

    # Other edits change nothing, and what was reviewed against this base has its review.
    await world.sandbox.edit_title(REPO, number, "A better title")
    await world.sandbox.close(REPO, number)
    await world.sandbox.reopen(REPO, number)
    await world.settle()
    assert len(world.reviews) == 2

    await world.sandbox.retarget(REPO, number, "main")
    await world.settle()
    assert [review.minimized for review in world.reviews] == ["outdated", None]
    assert [run.conclusion for run in world.check_runs] == ["success", "neutral", "success"]
    [thread] = world.repository.threads.values()
    comment_posted = world.inline_comments[0]
    assert (comment_posted.thread_id, comment_posted.minimized) == (thread.id, "resolved"), (
        "it changes no more"
    )
