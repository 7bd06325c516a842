"""A merge queue's commit is answered with what its pull request's review came to."""

import pytest

from tests.flows.conversation import AFTER, BEFORE
from tests.flows.environment import REPO, World


async def test_the_queue_gets_the_conclusion_of_the_pull_request(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER)
    await world.settle()
    [reviewed] = world.check_runs
    pull = world.repository.pulls[number]
    queued = await world.sandbox.commit(REPO, AFTER, parent=pull.base_sha, message="Merge")

    await world.sandbox.queue(REPO, number, queued)
    await world.sandbox.queue(REPO, number, queued)  # GitHub may tell it again
    await world.settle()

    [_, answer] = world.check_runs
    assert (answer.head_sha, answer.name) == (queued, reviewed.name)
    assert (answer.status, answer.conclusion) == ("completed", reviewed.conclusion)
    assert f"#{number}" in str(answer.output["summary"])
    assert len(world.reviews) == 1


@pytest.mark.parametrize(("strict", "conclusion"), [("false", "neutral"), ("true", "failure")])
async def test_what_was_not_reviewed_holds_up_the_queue_only_where_that_is_wanted(
    world: World, strict: str, conclusion: str
) -> None:
    before = {**BEFORE, ".github/glossator.yml": f"fail_incomplete: {strict}\n"}
    number = await world.open_pull(before, AFTER, draft=True)
    await world.settle()
    world.repository.check_runs.clear()
    pull = world.repository.pulls[number]
    queued = await world.sandbox.commit(REPO, AFTER, parent=pull.base_sha, message="Merge")

    await world.sandbox.queue(REPO, number, queued)
    await world.settle()

    [answer] = world.check_runs
    assert answer.conclusion == conclusion
    assert answer.output["title"] == "The pull request was not reviewed"
