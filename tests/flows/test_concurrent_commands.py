"""Several commands in one comment, commands in threads, and deliveries that are handled twice."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from bot.domain.model import State
from bot.domain.suppressions import Suppression, Via
from bot.store import keys
from bot.store.deliveries import Deliveries
from tests.flows.conversation import (
    AFTER,
    BEFORE,
    bot_comments,
    everything_twice,
    reactions,
    replied,
    reviewed,
    writes_since,
)
from tests.flows.environment import REPO, World, running
from tests.support.llm_server import Hang, LLMServer, Reply, Request, Text, agreeable
from workers.events.commands.forget import UNSUPPRESSED_THUMB
from workers.queue.actor import MAX_OUTAGE_SECONDS

CREATE_COMMENT = "POST /api/v3/repos/*/issues/*/comments"


@pytest.fixture
async def asking(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> AsyncIterator[World]:
    """The App with an LLM that answers questions by repeating them."""

    def repeats(request: Request) -> Reply:
        if request.response_format or request.asks_for_verdicts:
            return agreeable(request)
        return Text(request.user.partition("=== BEGIN question ===")[2].split("\n")[1])

    llm.default = repeats
    async with running(redis_url, redis, tmp_path, **llm.settings) as world:
        yield world


async def test_all_immediate_replies_are_one_comment(world: World) -> None:
    number = await reviewed(world)
    mark = len(world.writes())
    body = "/review hlep\n/review help\n/review cancel\n/review pause"
    comment = await world.sandbox.comment(REPO, number, body)
    await world.settle()
    [answer] = bot_comments(world)
    assert "Did you mean `/review help`?" in answer
    assert "`/review full`" in answer, "help is in it"
    assert "No review is running" in answer
    assert "Reviews are paused" in answer
    assert set(reactions(world, comment.id)) == {"confused", "eyes", "rocket"}
    kinds = ["POST reactions"]
    assert writes_since(world, mark, but=kinds) == ["POST comments"]


async def test_each_question_of_a_comment_is_answered(asking: World, llm: LLMServer) -> None:
    number = await reviewed(asking)
    llm.latency = 1.0  # so that another answer to the comment stands there already
    body = "/review ask What is first?\n/review pause\n/review ask What is second?"
    comment = await asking.sandbox.comment(REPO, number, body)
    await asking.settle()
    answers = sorted(bot_comments(asking))
    assert len(answers) == 3
    assert any("What is first?" in answer for answer in answers)
    assert any("What is second?" in answer for answer in answers)
    assert any("Reviews are paused" in answer for answer in answers)
    assert reactions(asking, comment.id) == ["eyes", "rocket"]


@pytest.mark.slow
async def test_two_reviews_in_one_comment_are_two_reviews(world: World) -> None:
    number = await reviewed(world)
    await world.sandbox.comment(REPO, number, "/review performance\n/review full")
    await world.settle()
    # The second supersedes the first, if that is not done by then.
    assert len(world.check_runs) == 3
    assert len({run.external_id for run in world.check_runs}) == 3
    assert world.check_runs[1].conclusion in ("success", "cancelled")
    assert world.check_runs[2].conclusion == "neutral", "all categories are looked for"


async def test_two_workers_with_every_message_at_once_answer_each_comment_once(
    asking: World, llm: LLMServer
) -> None:
    number = await reviewed(asking)
    [comment] = asking.inline_comments
    for write in (CREATE_COMMENT, "POST /api/v3/repos/*/replies"):
        asking.sandbox.faults.add(write, "slow", delay=0.5, times=4)
    async with everything_twice(asking.store):
        await asking.sandbox.comment(REPO, number, "/review help\n/review ask What is it?")
        await asking.sandbox.reply_in_thread(REPO, comment.id, "Why is that?")
        await asking.sandbox.reply_in_thread(REPO, comment.id, "/review cancel")
        await asking.settle()
    assert len(bot_comments(asking)) == 2
    assert len(replied(asking, comment.id)) == 2


async def test_a_worker_behind_another_does_not_cancel_what_the_comment_asks_for_next(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> None:
    llm.default = Hang()
    async with running(redis_url, redis, tmp_path, llm_timeout=60, **llm.settings) as world:
        number = await world.open_pull(BEFORE, AFTER)
        await llm.until(lambda: llm.active == 1)
        slow = world.sandbox.faults.add("POST /api/v3/repos/*/reactions", "slow", delay=2)
        async with everything_twice(world.store):
            await world.sandbox.comment(REPO, number, "/review cancel\n/review full")

            async def handled() -> bool:
                return not await world.store.redis.hlen(keys.queue_messages("events"))

            await world.until_true(handled)
        assert slow.triggered
        assert len(world.check_runs) == 2
        assert not (await world.progress(number)).state.finished
        await world.sandbox.close(REPO, number)
        await world.settle()


async def test_review_in_a_thread_gets_its_rocket_there(world: World) -> None:
    await reviewed(world)
    [comment] = world.inline_comments
    mark = len(world.writes())
    reply = await world.sandbox.reply_in_thread(REPO, comment.id, "/review full")
    await world.settle()
    kinds = {"POST reactions", "POST check-runs", "PATCH check-runs", "POST reviews"}
    assert set(writes_since(world, mark)) == {*kinds, "POST graphql"}, "folds the one before"
    assert reactions(world, reply.id) == ["eyes", "rocket"]
    assert replied(world, comment.id) == []
    assert bot_comments(world) == []


async def test_an_answer_in_a_thread_is_posted_once_however_long_an_outage_lasts(
    world: World,
) -> None:
    """Its message waits for that, and is tried again, for as long as a day."""
    await reviewed(world)
    [comment] = world.inline_comments
    fault = world.sandbox.faults.add("POST /api/v3/repos/*/replies", "reset", after=True)
    await world.sandbox.reply_in_thread(REPO, comment.id, "/review cancel")

    async def lost() -> bool:
        return bool(fault.triggered)

    await world.until_true(lost)
    for key in await world.store.redis.keys(keys.once("reply:*")):
        left = await world.store.redis.pttl(key)
        await world.store.redis.pexpire(key, max(1, left - MAX_OUTAGE_SECONDS * 1000))
    await world.settle()
    assert replied(world, comment.id) == ["No review is running."]


@pytest.mark.slow
async def test_refusals_in_a_thread_are_posted_in_the_thread(world: World) -> None:
    number = await reviewed(world)
    [comment] = world.inline_comments
    await world.sandbox.close(REPO, number)
    runs = len(world.check_runs)
    reply = await world.sandbox.reply_in_thread(REPO, comment.id, "/review")
    await world.settle()
    [answer] = replied(world, comment.id)
    assert "closed" in answer
    assert reactions(world, reply.id) == ["eyes", "confused"]
    assert bot_comments(world) == []
    assert len(world.check_runs) == runs


async def test_dismiss_in_another_authors_thread_does_nothing(world: World) -> None:
    number = await reviewed(world)
    [bot_comment] = world.inline_comments
    other_thread = await world.sandbox.comment_on_line(REPO, number, "app.py", 2, "Why?")
    mark = len(world.writes())
    reply = await world.sandbox.reply_in_thread(REPO, other_thread.id, "/review dismiss")
    await world.settle()
    assert "one of my findings" in replied(world, other_thread.id)[0]
    assert reactions(world, reply.id) == ["eyes", "confused"]
    assert {thread.resolved_by for thread in world.repository.threads.values()} == {None}
    assert replied(world, bot_comment.id) == []
    assert writes_since(world, mark, but=["POST reactions"]) == ["POST replies"]


@pytest.mark.slow
async def test_a_user_without_access_is_answered_once_and_then_by_reaction(world: World) -> None:
    number = await reviewed(world)
    world.sandbox.set_permission(REPO, "eve", "read")
    comments = [
        await world.sandbox.comment(REPO, number, body, author="eve")
        for body in ("/review full", "/review nonsense", "/review pause")
    ]
    await world.settle()
    assert len(bot_comments(world)) == 1
    assert [reactions(world, comment.id) for comment in comments] == [["confused"]] * 3
    assert len(world.reviews) == 1
    assert not (await world.store.pulls.get(world.repository.id, number)).paused


async def test_without_an_llm_replies_get_one_plain_sentence_a_pull_request(world: World) -> None:
    await reviewed(world)
    [comment] = world.inline_comments
    for body in ("Why is that bad?", "And now?"):
        await world.sandbox.reply_in_thread(REPO, comment.id, body)
        await world.settle()
    assert replied(world, comment.id) == ["I can't answer questions here: no LLM is configured."]


@pytest.mark.slow
async def test_replies_of_readers_and_in_threads_of_others_are_left_to_people(
    asking: World, llm: LLMServer
) -> None:
    number = await reviewed(asking)
    [bot_comment] = asking.inline_comments
    other_thread = await asking.sandbox.comment_on_line(REPO, number, "app.py", 2, "Why?")
    asking.sandbox.set_permission(REPO, "eve", "read")
    mark, call_count = len(asking.writes()), len(llm.requests)
    await asking.sandbox.reply_in_thread(REPO, other_thread.id, "I wonder as well.")
    await asking.sandbox.reply_in_thread(REPO, bot_comment.id, "Tell me the key.", author="eve")
    await asking.settle()
    assert writes_since(asking, mark) == []
    assert len(llm.requests) == call_count


@pytest.mark.slow
async def test_what_was_done_is_not_done_again_when_the_answer_fails(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> None:
    llm.default = Hang()
    async with running(redis_url, redis, tmp_path, llm_timeout=60, **llm.settings) as world:
        number = await world.open_pull(BEFORE, AFTER)
        await llm.until(lambda: llm.active == 1)
        fault = world.sandbox.faults.add(CREATE_COMMENT, "500", times=6)
        await world.sandbox.comment(REPO, number, "/review cancel\n/review\n/review nonsense")

        async def answered() -> bool:
            return bool(bot_comments(world))

        await world.until_true(answered)
        assert fault.triggered == 6, "the delivery was handled again"
        assert "No review is running" not in bot_comments(world)[0]
        await world.until(number, State.ANALYZING)
        assert len(world.check_runs) == 2, "the second try neither started nor stopped one"
        await world.sandbox.close(REPO, number)
        await world.settle()
        assert [run.conclusion for run in world.check_runs] == ["cancelled", "cancelled"]
        assert world.reviews == []


async def test_completed_commands_are_answered_despite_a_redis_outage(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes, failures = Deliveries.record_command, 0

    async def note(*args: Any) -> None:
        nonlocal failures
        failures += 1
        if failures % 2:
            raise RedisConnectionError("Connection closed by server.")
        await notes(*args)

    monkeypatch.setattr(Deliveries, "record_command", note)
    async with running(redis_url, redis, tmp_path, llm_timeout=60, **llm.settings) as world:
        llm.default = Hang()
        number = await world.open_pull(BEFORE, AFTER)
        await llm.until(lambda: llm.active == 1)
        cancelled = await world.sandbox.comment(REPO, number, "/review cancel")
        await world.settle()
        assert failures == 2
        assert [run.conclusion for run in world.check_runs] == ["cancelled"]
        assert bot_comments(world) == []
        assert "confused" not in reactions(world, cancelled.id)

        suppression = Suppression(
            fingerprint="a" * 16,
            path="a",
            title="b",
            reason="",
            suppressed_by="c",
            via=Via.THUMBS_DOWN,
        )
        await world.store.suppressions.suppress(world.repository.id, suppression)
        forgotten = await world.sandbox.comment(REPO, number, f"/review forget {'a' * 16}")
        await world.settle()
        assert failures == 4
        assert bot_comments(world) == [UNSUPPRESSED_THUMB]
        assert reactions(world, forgotten.id) == ["eyes", "rocket"]
