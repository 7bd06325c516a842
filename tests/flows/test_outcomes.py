"""What became of each posted finding is known, and counted once whatever is delivered again."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.domain.outcomes import Outcome, Signal, outcome_report
from tests.flows.conversation import everything_twice, pushed
from tests.flows.environment import REPO, World, running
from tests.support.llm_server import LLMServer, Reply, Request, agreeable, review

#: Each file has one thing that an analyzer reports, each another.
WRONG = {
    "a.py": "import subprocess\n\n\ndef run(x):\n    subprocess.call(x, shell=True)\n",
    "b.py": "import hashlib\n\n\ndef run(x):\n    return hashlib.md5(x)\n",
    "c.py": "import tempfile\n\n\ndef run():\n    return tempfile.mktemp()\n",
    "d.py": "def run(x):\n    return eval(x)\n",
    "e.py": "def run():\n    return undefined\n",
}
BEFORE = dict.fromkeys(WRONG, "import sys\n")
SAFE = "def run(x):\n    return x\n"


async def outcomes(world: World, number: int) -> dict[str, str]:
    found = await world.store.outcomes.of_pull(world.repository.id, number)
    return {one.finding.path: str(one.outcome) for one in found}


async def test_what_people_do_with_findings_is_their_outcome(world: World) -> None:
    world.sandbox.grant("contents", "write")
    number = await world.open_pull(BEFORE, WRONG)
    await world.settle()
    assert await outcomes(world, number) == dict.fromkeys(WRONG, "open")
    comments = {comment.path: comment.id for comment in world.inline_comments}
    assert set(comments) == set(WRONG)

    await world.sandbox.reply_in_thread(REPO, comments["a.py"], "/review dismiss x is ours")
    await world.sandbox.reply_in_thread(REPO, comments["b.py"], "I will look at it tomorrow.")
    world.sandbox.set_permission(REPO, "eve", "read")
    world.sandbox.react(REPO, comments["c.py"], "+1", author="eve")
    world.sandbox.react(REPO, comments["c.py"], "+1")
    world.sandbox.react(REPO, comments["e.py"], "+1", author="eve")
    await world.settle()
    await pushed(world, number, {"d.py": SAFE})
    await world.settle()
    said = {"a.py": "dismissed", "b.py": "answered", "c.py": "thumbs_up", "d.py": "fixed"}
    assert await outcomes(world, number) == said | {"e.py": "open"}

    await world.sandbox.close(REPO, number, merged=True)
    await world.settle()
    for delivery in list(world.sandbox.state.deliveries):
        await world.sandbox.redeliver(delivery.id)
    await world.settle()
    assert await outcomes(world, number) == said | {"e.py": "ignored"}
    found = {
        one.finding.path: one
        for one in await world.store.outcomes.of_pull(world.repository.id, number)
    }
    assert found["a.py"].reason == "x is ours"
    assert found["d.py"].fix_seconds is not None
    report = outcome_report(list(found.values()), 0, world.store.now())
    assert (report.total.posted, report.total.settled) == (5, 5)
    assert (report.total.acceptance, report.total.false_positives) == (0.4, 0.2)

    counted = await world.store.metrics.totals()
    sums = Counter[str]()
    for name, value in counted.items():
        if name.startswith("glossator_finding_outcomes_total"):
            sums[name.split('"')[1]] += int(value)
    assert sums == {"posted": 5, "dismissed": 1, "answered": 2, "thumbs_up": 1, "fixed": 1}
    labels = 'category="security",severity="medium",source="ruff"'
    assert counted[f"glossator_finding_fix_seconds_count{{{labels}}}"] == 1


async def test_each_counts_once_though_every_message_comes_twice(world: World) -> None:
    async with everything_twice(world.store):
        number = await world.open_pull(BEFORE, {"a.py": WRONG["a.py"]})
        await world.settle()
        await pushed(world, number, {"a.py": SAFE})
        await world.settle()
        await world.sandbox.close(REPO, number, merged=True)
        await world.settle()
    assert await outcomes(world, number) == {"a.py": "fixed"}
    counted = await world.store.metrics.totals()
    assert [v for name, v in counted.items() if "finding_outcomes" in name] == [1, 1]


async def test_what_comes_back_is_open_again_and_what_is_reopened_too(world: World) -> None:
    number = await world.open_pull(BEFORE, {"a.py": WRONG["a.py"]})
    await world.settle()
    await pushed(world, number, {"a.py": SAFE})
    await world.settle()
    assert await outcomes(world, number) == {"a.py": "fixed"}
    await pushed(world, number, {"a.py": WRONG["a.py"]})
    await world.settle()
    assert await outcomes(world, number) == {"a.py": "open"}
    await world.sandbox.close(REPO, number)
    await world.settle()
    assert await outcomes(world, number) == {"a.py": "closed"}
    await world.sandbox.reopen(REPO, number)
    await world.settle()
    assert await outcomes(world, number) == {"a.py": "open"}


async def test_a_dismissal_that_is_taken_back_is_none_and_holds_on_other_pulls_until_then(
    world: World,
) -> None:
    first = await world.open_pull(BEFORE, {"a.py": WRONG["a.py"]})
    await world.settle()
    other = await world.open_pull(BEFORE, {"a.py": WRONG["a.py"]}, title="The same")
    await world.settle()
    one, _ = (comment.id for comment in world.inline_comments)
    await world.sandbox.reply_in_thread(REPO, one, "/review dismiss it is ours")
    await world.settle()
    await pushed(world, other, {"a.py": WRONG["a.py"] + "\n# more\n"})
    await world.settle()
    assert await outcomes(world, first) == await outcomes(world, other) == {"a.py": "dismissed"}
    await world.sandbox.reply_in_thread(REPO, one, "/review forget")
    await world.settle()
    assert await outcomes(world, first) == {"a.py": "open"}


async def test_lines_that_change_just_before_the_merge_are_outdated(world: World) -> None:
    number = await world.open_pull(BEFORE, {"a.py": WRONG["a.py"]})
    await world.settle()
    world.sandbox.webhook_url, url = "", world.sandbox.webhook_url  # the push is not heard of
    await pushed(world, number, {"a.py": SAFE})
    world.sandbox.webhook_url = url
    await world.sandbox.close(REPO, number, merged=True)
    await world.settle()
    assert await outcomes(world, number) == {"a.py": "outdated"}


SLOW = "def total(items):\n    return sum(items) + sum(items)\n"
FAST = "    return 2 * sum(items)"


def suggests(request: Request) -> Reply:
    if request.asks_for_verdicts or "sum(items) + sum(items)" not in request.user:
        return agreeable(request)
    return review(
        {
            "path": "sums.py",
            "quote": "    return sum(items) + sum(items)",
            "line": 2,
            "category": "performance",
            "severity": "medium",
            "title": "The sum is computed twice",
            "body": "Each call walks through all items twice.",
            "trace": "total(range(9)) -> both calls of sum walk through all items",
            "confidence": 0.9,
            "suggestion": FAST,
        }
    )


@pytest.fixture
async def llm() -> AsyncIterator[LLMServer]:
    async with LLMServer(default=suggests) as server:
        yield server


async def test_a_suggestion_that_is_in_the_code_is_committed(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> None:
    async with running(redis_url, redis, tmp_path, **llm.settings) as world:
        number = await world.open_pull({"sums.py": "\n"}, {"sums.py": SLOW})
        await world.settle()
        [comment] = world.inline_comments
        assert "```suggestion" in comment.body
        await pushed(world, number, {"sums.py": f"def total(items):\n{FAST}\n"})
        await world.settle()
        [one] = await world.store.outcomes.of_pull(world.repository.id, number)
        assert one.outcome is Outcome.COMMITTED
        assert set(one.signals) == {Signal.COMMITTED, Signal.FIXED}
        assert (one.finding.source, one.finding.model) == ("llm", "small")
        assert (str(one.finding.effort), one.finding.inline) == ("standard", True)
