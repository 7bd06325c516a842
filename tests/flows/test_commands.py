"""People steer it by comments; this is what stands on the pull request afterwards."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.flows.conversation import (
    AFTER,
    BEFORE,
    bot_comments,
    reactions,
    replied,
    reviewed,
    writes_since,
)
from tests.flows.environment import REPO, World, running
from tests.support.llm_server import LLMServer, Reply, Request, Text, agreeable
from workers.events import questions
from workers.events.commands.fix_prompt import NOTHING

#: What a review writes.
A_REVIEW = {"POST check-runs", "PATCH check-runs", "POST reviews"}


async def test_review_starts_again_and_reacts_when_it_is_done(world: World) -> None:
    number = await reviewed(world)
    mark = len(world.writes())
    comment = await world.sandbox.comment(REPO, number, "Thanks!\n\n/review full\n\nplease")
    await world.settle()
    assert set(writes_since(world, mark)) == A_REVIEW | {"POST reactions", "POST graphql"}
    assert [review.minimized for review in world.reviews] == ["outdated", None]
    assert reactions(world, comment.id) == ["eyes", "rocket"]
    assert bot_comments(world) == []
    assert len(world.inline_comments) == 1, "what stands is not said twice"


async def test_review_of_what_is_reviewed_says_so_in_one_line(world: World) -> None:
    number = await reviewed(world)
    mark = len(world.writes())
    comment = await world.sandbox.comment(REPO, number, "/review, please")
    comment = await world.sandbox.comment(REPO, number, "/review please")
    await world.settle()
    assert sorted(writes_since(world, mark)) == [
        "POST comments",
        "POST reactions",
        "POST reactions",
    ]
    assert reactions(world, comment.id) == ["eyes", "confused"]
    head = world.repository.pulls[number].head_sha
    [answer] = bot_comments(world)
    assert answer.startswith(f"Nothing has changed since the review of `{head[:12]}`.")


async def test_a_command_in_the_summary_of_a_review_is_carried_out(world: World) -> None:
    number = await reviewed(world)
    mark = len(world.writes())
    await world.sandbox.submit_review(REPO, number, "Looks good.\n\n/review full\n/review nonsense")
    await world.settle()
    # A review takes no reactions, so that the answer alone says what came of it.
    assert set(writes_since(world, mark)) >= {"PATCH check-runs", "POST reviews"}
    assert "POST reactions" not in writes_since(world, mark)
    [answer] = bot_comments(world)
    assert "nonsense" in answer


async def test_two_commands_in_one_comment_both_run(world: World) -> None:
    number = await reviewed(world)
    await world.sandbox.comment(REPO, number, "/review pause\n/review help")
    await world.settle()
    assert (await world.store.pulls.get(world.repository.id, number)).paused
    assert any("/review full" in text for text in bot_comments(world))
    assert len(world.reviews) == 1


async def test_a_focus_looks_for_one_category_only(world: World) -> None:
    number = await reviewed(world)
    mark = len(world.writes())
    await world.sandbox.comment(REPO, number, "/review performance")
    await world.settle()
    assert set(writes_since(world, mark)) == A_REVIEW | {"POST reactions"}
    assert "No problems" in world.reviews[-1].body
    [thread] = world.repository.threads.values()
    assert thread.resolved_by is None, "what was not looked for is not gone"


@pytest.mark.variations(2)
@pytest.mark.parametrize("permission", ["read", "triage", "none"])
async def test_who_may_only_read_is_refused_once_and_nothing_runs(
    world: World, permission: str
) -> None:
    number = await reviewed(world)
    world.sandbox.set_permission(REPO, "eve", permission)
    mark = len(world.writes())
    comment = await world.sandbox.comment(
        REPO, number, "/review\n/review full\n/review cancel", author="eve"
    )
    await world.settle()
    assert len(world.reviews) == 1
    assert set(reactions(world, comment.id)) == {"confused"}
    [answer] = bot_comments(world)
    assert "write access" in answer
    assert writes_since(world, mark, but=["POST reactions"]) == ["POST comments"]


async def test_reading_is_enough_for_help(world: World) -> None:
    number = await reviewed(world)
    world.sandbox.set_permission(REPO, "eve", "read")
    mark = len(world.writes())
    comment = await world.sandbox.comment(REPO, number, "/review help", author="eve")
    await world.settle()
    [answer] = bot_comments(world)
    assert "/review dismiss" in answer
    assert reactions(world, comment.id) == ["eyes", "rocket"]
    assert writes_since(world, mark, but=["POST reactions"]) == ["POST comments"]


async def test_a_wrong_command_gets_one_short_answer(world: World) -> None:
    number = await reviewed(world)
    comment = await world.sandbox.comment(REPO, number, "/review secruity")
    await world.settle()
    [answer] = bot_comments(world)
    assert "Did you mean" in answer
    assert reactions(world, comment.id) == ["confused"]


@pytest.mark.variations(2)
@pytest.mark.parametrize(
    "body",
    ["> /review", "```\n/review\n```", "see `/review`", "no command", "<!-- /review -->"],
)
async def test_what_is_no_command_changes_nothing(world: World, body: str) -> None:
    number = await reviewed(world)
    mark = len(world.writes())
    await world.sandbox.comment(REPO, number, body)
    await world.settle()
    assert writes_since(world, mark) == []


async def test_edits_and_bots_are_ignored(world: World) -> None:
    number = await reviewed(world)
    comment = await world.sandbox.comment(REPO, number, "hello")
    mark = len(world.writes())
    await world.sandbox.edit_comment(REPO, comment.id, "/review full")
    await world.sandbox.comment(REPO, number, "/review full", author="glossator[bot]")
    await world.settle()
    assert writes_since(world, mark) == []
    assert len(world.reviews) == 1


async def test_the_same_command_delivered_twice_runs_once(world: World) -> None:
    number = await reviewed(world)
    await world.sandbox.comment(REPO, number, "/review help\n/review full")
    delivery = world.sandbox.state.deliveries[-1]
    await world.sandbox.redeliver(delivery.id)
    await world.settle()
    assert len(world.reviews) == 2
    assert len(bot_comments(world)) == 1


async def test_a_paused_pull_request_is_skipped_until_it_is_resumed(world: World) -> None:
    number = await reviewed(world)
    mark = len(world.writes())
    paused = await world.sandbox.comment(REPO, number, "/review pause")
    await world.settle()
    assert reactions(world, paused.id) == ["eyes", "rocket"]
    assert writes_since(world, mark, but=["POST reactions"]) == ["POST comments"]
    pushed = await world.sandbox.commit(
        REPO, {"app.py": "x = 1\n"}, parent=world.repository.pulls[number].head_sha
    )
    await world.sandbox.push(REPO, number, pushed)
    await world.settle()
    assert len(world.reviews) == 1
    assert world.check_runs[-1].conclusion == "skipped"
    assert "/review resume" in (world.check_runs[-1].output["summary"] or "")

    mark = len(world.writes())
    resumed = await world.sandbox.comment(REPO, number, "/review resume")
    await world.settle()
    assert reactions(world, resumed.id) == ["eyes", "rocket"]
    # What the push has mended is resolved with it, and nothing else is to be told.
    edited = A_REVIEW - {"POST reviews"} | {"PUT reviews"}
    assert set(writes_since(world, mark)) == edited | {"POST reactions", "POST graphql"}
    [review_posted] = world.reviews
    assert pushed[:12] in review_posted.body


async def test_without_an_llm_a_question_gets_a_plain_sentence(world: World) -> None:
    number = await reviewed(world)
    await world.sandbox.comment(REPO, number, "/review ask Why shell=True?")
    await world.settle()
    assert "no LLM is configured" in bot_comments(world)[-1]


@pytest.fixture
async def asking(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> AsyncIterator[World]:
    async with running(redis_url, redis, tmp_path, **llm.settings) as world:
        yield world


def knows(request: Request) -> Reply:
    """Answers questions; finds nothing in reviews."""
    if request.response_format or request.asks_for_verdicts:
        return agreeable(request)
    return Text("Because @eve said so; see ![x](https://evil.example/y). `shell=True` is risky.")


async def test_a_question_is_answered_from_the_change(asking: World, llm: LLMServer) -> None:
    llm.default = knows
    number = await reviewed(asking)
    await asking.sandbox.comment(REPO, number, "It has to call a shell.", author="eve")
    mark = len(asking.writes())
    comment = await asking.sandbox.comment(REPO, number, "/review ask Why is this risky?")
    await asking.settle()
    assert writes_since(asking, mark, but=["POST reactions"]) == ["POST comments"]
    question = llm.requests[-1].user
    assert question.count("Why is this risky?") == 1
    assert "shell=True" in question
    assert "|eve: It has to call a shell." in question, "what was said before"
    assert "glossator:finding" not in question, "that is another thread's"
    [answer] = bot_comments(asking)
    assert "`shell=True` is risky" in answer
    assert "`![x](https://evil.example/y)`" in answer, "what would act is shown as code"
    assert "`@eve`" in answer
    assert reactions(asking, comment.id) == ["eyes", "rocket"]


async def test_a_reply_in_our_thread_is_answered_there(asking: World, llm: LLMServer) -> None:
    llm.default = knows
    await reviewed(asking)
    [comment] = asking.inline_comments
    await asking.sandbox.reply_in_thread(REPO, comment.id, "Is that really a problem here?")
    await asking.settle()
    [answer] = replied(asking, comment.id)
    assert "risky" in answer
    assert bot_comments(asking) == []
    question = llm.requests[-1].user
    assert "|app.py, line 10\n" in question
    assert comment.body.partition("**")[2].partition("**")[0] in question, "what it is about"
    assert question.count("Is that really a problem here?") == 1


async def test_a_mention_is_answered_and_small_talk_is_not(asking: World, llm: LLMServer) -> None:
    llm.default = knows
    number = await reviewed(asking)
    [comment] = asking.inline_comments
    mark = len(asking.writes())
    await asking.sandbox.comment(REPO, number, "Thanks, @alice. Is it ready?")
    await asking.sandbox.reply_in_thread(REPO, comment.id, "@alice what do you think?")
    await asking.sandbox.reply_in_thread(REPO, comment.id, "We know; later.")
    await asking.settle()
    assert writes_since(asking, mark) == []

    await asking.sandbox.comment(REPO, number, "@glossator Why is it risky?")
    await asking.settle()
    [answer] = bot_comments(asking)
    assert "risky" in answer
    assert llm.requests[-1].user.count("Why is it risky?") == 1


@pytest.mark.parametrize("allowed", ["true", "false"])
async def test_an_author_without_write_access_takes_part_where_the_repository_allows_it(
    asking: World, llm: LLMServer, allowed: str
) -> None:
    llm.default = knows
    config = {".github/glossator.yml": f"author_commands: {allowed}\n"}
    number = await asking.open_pull({**BEFORE, **config}, AFTER, author="eve")
    await asking.settle()
    asking.repository.permissions["eve"] = "read"
    [comment] = asking.inline_comments
    question = await asking.sandbox.comment(REPO, number, "/review ask Why?", author="eve")
    full = await asking.sandbox.comment(REPO, number, "/review full", author="eve")
    dismissal = await asking.sandbox.reply_in_thread(
        REPO, comment.id, "/review dismiss it is ours", author="eve"
    )
    await asking.settle()

    assert reactions(asking, full.id) == ["confused"], "a review costs more than a question"
    done = ["eyes", "rocket"] if allowed == "true" else ["confused"]
    assert reactions(asking, question.id) == done
    assert reactions(asking, dismissal.id) == done
    kept = await asking.store.suppressions.all(asking.repository.id, 180)
    assert kept == (), "the repository keeps none"


async def test_an_answer_knows_the_issue_that_the_change_closes(
    asking: World, llm: LLMServer
) -> None:
    llm.default = knows
    issue = await asking.open_pull(BEFORE, {"a.py": "x = 1\n"}, title="Users want a shell")
    number = await asking.open_pull(BEFORE, AFTER, body=f"Fixes #{issue}")
    await asking.settle()
    await asking.sandbox.comment(REPO, number, "/review ask Why?")
    await asking.settle()
    assert "|linked issues\n|#1 Users want a shell" in llm.requests[-1].user


async def test_what_the_repository_keeps_from_reviews_is_kept_from_answers(
    asking: World, llm: LLMServer
) -> None:
    llm.default = knows
    config = {".github/glossator.yml": "paths:\n  exclude: [secret.py]\n"}
    number = await asking.open_pull(
        BEFORE | config | {"secret.py": "x = 1\n"}, AFTER | {"secret.py": "recipe = 'thyme'\n"}
    )
    await asking.settle()
    await asking.sandbox.comment(REPO, number, "/review ask What is in it?")
    await asking.settle()
    assert "shell=True" in llm.requests[-1].user
    assert "thyme" not in llm.requests[-1].user


async def test_a_question_that_cannot_be_read_up_on_is_answered_with_the_reason(
    asking: World, llm: LLMServer
) -> None:
    number = await reviewed(asking)
    call_count = len(llm.requests)
    asking.repository.pulls[number].base_sha = "f" * 40  # a commit that is gone
    comment = await asking.sandbox.comment(REPO, number, "/review ask Why?")
    await asking.settle()
    [answer] = bot_comments(asking)
    assert "I can't answer this" in answer
    assert reactions(asking, comment.id) == ["eyes", "confused"]
    assert len(llm.requests) == call_count


async def test_a_question_on_which_we_break_is_answered_with_that(
    asking: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*args: Any, **more: Any) -> None:
        raise ValueError("This was not to be expected.")

    number = await reviewed(asking)
    monkeypatch.setattr(questions, "scan", broken)
    comment = await asking.sandbox.comment(REPO, number, "/review ask Why?")
    await asking.settle()
    [answer] = bot_comments(asking)
    assert answer.startswith("I can't answer this: Internal error")
    assert reactions(asking, comment.id) == ["eyes", "confused"]
    assert await asking.store.queues.dead_letters() == [], "it is answered"


async def test_rerun_of_a_look_at_one_category_looks_for_that_again(world: World) -> None:
    number = await reviewed(world)
    await world.sandbox.comment(REPO, number, "/review performance")
    await world.settle()
    await world.sandbox.request_action(world.check_runs[-1].id, "rerun")
    await world.settle()
    assert [run.conclusion for run in world.check_runs] == ["neutral", "success", "success"]
    assert "No problems" in world.reviews[-1].body


async def test_each_way_to_rerun_asks_the_model_again(asking: World, llm: LLMServer) -> None:
    await reviewed(asking)
    [check_run] = asking.check_runs
    ways = (
        partial(asking.sandbox.rerun, check_run.id),
        partial(asking.sandbox.rerun_suite, REPO, check_run.head_sha),
        partial(asking.sandbox.request_action, check_run.id, "rerun"),
    )
    for reviews, press in enumerate(ways, start=2):
        call_count = len(llm.requests)
        await press()
        await asking.settle()
        assert (len(asking.reviews), len(llm.requests)) == (reviews, call_count + 1)
    assert {run.status for run in asking.check_runs} == {"completed"}


async def test_a_prompt_for_a_coding_agent_is_posted_where_it_is_asked_for(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER)
    await world.sandbox.comment(REPO, number, "/review fix-prompt", author="stranger")
    await world.settle()
    [comment] = world.inline_comments
    assert "<summary>Prompt for a coding agent</summary>" in comment.body
    await world.sandbox.comment(REPO, number, "/review fix-prompt")
    await world.settle()
    answer = bot_comments(world)[-1]
    assert answer.startswith("```\nFix 1 defect that a code review found in octo/hello")
    assert "| app.py:11" in answer or "| app.py:10" in answer
    asked = await world.sandbox.reply_in_thread(REPO, comment.id, "/review fix-prompt")
    await world.settle()
    assert replied(world, comment.id) == [answer]
    assert reactions(world, asked.id) == ["eyes", "rocket"]

    await world.sandbox.reply_in_thread(REPO, comment.id, "/review dismiss we trust it")
    await world.settle()
    await world.sandbox.comment(REPO, number, "/review fix-prompt")
    await world.settle()
    assert bot_comments(world)[-1] == NOTHING
