"""People steer it by comments; this is what stands on the pull request afterwards."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.model import State
from tests.flows.world import REPO, World, running
from tests.support.llm_server import Hang, LLMServer, Reply, Request, Text, agreeable, review

BEFORE = {"app.py": "import os\n\n\ndef home():\n    return os.environ['HOME']\n"}
AFTER = {
    "app.py": (
        "import os\nimport subprocess\n\n\ndef home():\n    return os.environ['HOME']\n\n\n"
        "def run(command):\n    return subprocess.call(command, shell=True)\n"
    )
}


def reactions(world: World, comment_id: int) -> list[str]:
    """What the App put on a comment, in order."""
    comments = world.repository.issue_comments | world.repository.review_comments
    return [r.content for r in comments[comment_id].reactions if r.user == "glossator[bot]"]


def said(world: World) -> list[str]:
    """What the App wrote on the conversation, without the markers."""
    bodies = [c.body for c in world.conversation if c.user == "glossator[bot]"]
    return [body.partition("\n")[2].strip() for body in bodies]


def writes_since(world: World, mark: int) -> list[str]:
    return [line for line in world.writes()[mark:] if "access_tokens" not in line]


async def reviewed(world: World) -> int:
    number = await world.open_pull(BEFORE, AFTER)
    await world.settle()
    return number


async def test_review_reads_again_and_says_when_it_is_done(world: World) -> None:
    number = await reviewed(world)
    comment = await world.sandbox.comment(REPO, number, "Thanks!\n\n/review\n\nplease")
    await world.settle()
    assert len(world.reviews) == 2
    assert reactions(world, comment.id) == ["eyes", "rocket"]
    assert said(world) == []
    assert len(world.inline_comments) == 1, "what stands is not said twice"


async def test_two_commands_in_one_comment_are_both_obeyed(world: World) -> None:
    number = await reviewed(world)
    await world.sandbox.comment(REPO, number, "/review pause\n/review help")
    await world.settle()
    fields = await world.store.pull_fields(world.repository.id, number)
    assert "paused" in fields
    assert any("/review full" in text for text in said(world))
    assert len(world.reviews) == 1


async def test_a_focus_looks_for_one_category_only(world: World) -> None:
    number = await reviewed(world)
    await world.sandbox.comment(REPO, number, "/review performance")
    await world.settle()
    assert "No problems" in world.reviews[-1].body
    [thread] = world.repository.threads.values()
    assert thread.resolved_by is None, "what was not looked for is not gone"


@pytest.mark.parametrize("permission", ["read", "triage", "none"])
async def test_who_may_only_read_is_refused_once_and_nothing_runs(
    world: World, permission: str
) -> None:
    number = await reviewed(world)
    world.sandbox.permit(REPO, "eve", permission)
    mark = len(world.writes())
    comment = await world.sandbox.comment(
        REPO, number, "/review\n/review full\n/review cancel", author="eve"
    )
    await world.settle()
    assert len(world.reviews) == 1
    assert set(reactions(world, comment.id)) == {"confused"}
    [answer] = said(world)
    assert "write access" in answer
    kinds = {line.split(" ")[0] for line in writes_since(world, mark)}
    assert kinds == {"POST"}
    assert len([w for w in writes_since(world, mark) if w.endswith("/comments")]) == 1


async def test_reading_is_enough_for_help(world: World) -> None:
    number = await reviewed(world)
    world.sandbox.permit(REPO, "eve", "read")
    await world.sandbox.comment(REPO, number, "/review help", author="eve")
    await world.settle()
    [answer] = said(world)
    assert "/review dismiss" in answer


async def test_a_wrong_command_gets_one_short_answer(world: World) -> None:
    number = await reviewed(world)
    comment = await world.sandbox.comment(REPO, number, "/review secruity")
    await world.settle()
    [answer] = said(world)
    assert "Did you mean" in answer
    assert reactions(world, comment.id) == ["confused"]


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


async def test_edits_and_bots_are_not_heard(world: World) -> None:
    number = await reviewed(world)
    comment = await world.sandbox.comment(REPO, number, "hello")
    mark = len(world.writes())
    await world.sandbox.edit_comment(REPO, comment.id, "/review full")
    await world.sandbox.comment(REPO, number, "/review full", author="glossator[bot]")
    await world.settle()
    assert writes_since(world, mark) == []
    assert len(world.reviews) == 1


async def test_the_same_command_delivered_twice_is_obeyed_once(world: World) -> None:
    number = await reviewed(world)
    await world.sandbox.comment(REPO, number, "/review help\n/review")
    delivery = world.sandbox.state.deliveries[-1]
    await world.sandbox.redeliver(delivery.id)
    await world.settle()
    assert len(world.reviews) == 2
    assert len(said(world)) == 1


async def test_a_paused_pull_request_is_left_alone_until_it_is_resumed(world: World) -> None:
    number = await reviewed(world)
    await world.sandbox.comment(REPO, number, "/review pause")
    await world.settle()
    pushed = await world.sandbox.commit(
        REPO, {"app.py": "x = 1\n"}, parent=world.repository.pulls[number].head_sha
    )
    await world.sandbox.push(REPO, number, pushed)
    await world.settle()
    assert len(world.reviews) == 1
    assert world.check_runs[-1].conclusion == "skipped"
    assert "/review resume" in (world.check_runs[-1].output["summary"] or "")

    await world.sandbox.comment(REPO, number, "/review resume")
    await world.settle()
    assert len(world.reviews) == 2
    assert world.reviews[-1].commit_id == pushed


async def test_a_finding_is_dismissed_and_not_said_again(world: World) -> None:
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
    assert "we trust it" in said(world)[-1]

    # With a reason it holds for the whole repository.
    await world.open_pull(BEFORE, AFTER, title="Once more")
    await world.settle()
    assert "No problems" in world.reviews[-1].body


async def test_dismiss_works_in_our_threads_only(world: World) -> None:
    number = await reviewed(world)
    await world.sandbox.comment(REPO, number, "/review dismiss")
    await world.settle()
    assert "thread" in said(world)[-1]
    [thread] = world.repository.threads.values()
    assert thread.resolved_by is None


async def test_a_thumb_down_by_a_writer_teaches(world: World) -> None:
    number = await reviewed(world)
    [comment] = world.inline_comments
    world.sandbox.permit(REPO, "eve", "read")
    world.sandbox.react(REPO, comment.id, "-1", author="eve")
    await world.sandbox.comment(REPO, number, "/review full")
    await world.settle()
    assert "No problems" not in world.reviews[-1].body

    world.sandbox.react(REPO, comment.id, "-1")
    await world.sandbox.comment(REPO, number, "/review full")
    await world.settle()
    assert "No problems" in world.reviews[-1].body


async def test_a_mended_finding_has_its_thread_resolved_and_no_other(world: World) -> None:
    number = await reviewed(world)
    mended = await world.sandbox.commit(
        REPO,
        {"app.py": "import os\n\n\ndef home():\n    return os.environ['HOME'] + '/'\n"},
        parent=world.repository.pulls[number].head_sha,
    )
    await world.sandbox.push(REPO, number, mended)
    await world.settle()
    [thread] = world.repository.threads.values()
    assert thread.resolved_by == "glossator[bot]"

    # It comes back, and is said again.
    again = await world.sandbox.commit(REPO, {"app.py": AFTER["app.py"]}, parent=mended)
    await world.sandbox.push(REPO, number, again)
    await world.settle()
    assert len(world.inline_comments) == 2


async def test_without_an_llm_a_question_gets_a_plain_sentence(world: World) -> None:
    number = await reviewed(world)
    await world.sandbox.comment(REPO, number, "/review ask Why shell=True?")
    await world.settle()
    assert "no LLM is configured" in said(world)[-1]


@pytest.fixture
async def llm() -> AsyncIterator[LLMServer]:
    async with LLMServer() as server:
        yield server


@pytest.fixture
async def asking(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> AsyncIterator[World]:
    model = {"openai_base_url": llm.url, "openai_api_key": "sk-x", "llm_model": "small"}
    async with running(redis_url, redis, tmp_path, **model) as world:
        yield world


def knows(request: Request) -> Reply:
    """Answers questions; finds nothing in reviews."""
    if request.response_format or request.asks_for_verdicts:
        return agreeable(request)
    return Text("Because @eve said so; see ![x](https://evil.example/y). `shell=True` is risky.")


async def test_a_question_is_answered_from_the_change(asking: World, llm: LLMServer) -> None:
    llm.default = knows
    number = await reviewed(asking)
    comment = await asking.sandbox.comment(REPO, number, "/review ask Why is this risky?")
    await asking.settle()
    question = llm.requests[-1].user
    assert "Why is this risky?" in question
    assert "shell=True" in question
    [answer] = said(asking)
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
    thread = [c for c in asking.inline_comments if c.in_reply_to_id == comment.id]
    assert [c.user for c in thread] == ["octocat", "glossator[bot]"] or len(thread) == 2
    assert "risky" in thread[-1].body
    assert said(asking) == []


@pytest.fixture
async def hanging(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> AsyncIterator[World]:
    llm.default = Hang()
    model = {"openai_base_url": llm.url, "openai_api_key": "sk-x", "llm_model": "small"}
    async with running(redis_url, redis, tmp_path, llm_timeout=60, **model) as world:
        yield world


async def asked(world: World, llm: LLMServer, number: int) -> None:
    await world.until(number, State.ANALYZING)
    await llm.until(lambda: llm.active == 1)


async def test_cancel_stops_the_call_and_nothing_is_posted(hanging: World, llm: LLMServer) -> None:
    number = await hanging.open_pull(BEFORE, AFTER)
    await asked(hanging, llm, number)
    await hanging.sandbox.comment(REPO, number, "/review cancel")
    await llm.until(lambda: llm.active == 0, seconds=5)
    await hanging.settle()
    assert hanging.reviews == []
    [check_run] = hanging.check_runs
    assert (check_run.status, check_run.conclusion) == ("completed", "cancelled")


async def test_the_cancel_button_is_for_writers(hanging: World, llm: LLMServer) -> None:
    number = await hanging.open_pull(BEFORE, AFTER)
    await asked(hanging, llm, number)
    [check_run] = hanging.check_runs
    hanging.sandbox.permit(REPO, "eve", "read")
    await hanging.sandbox.press_button(check_run.id, "cancel", author="eve")
    await hanging.sandbox.press_button(check_run.id, "cancel")
    await llm.until(lambda: llm.active == 0, seconds=5)
    await hanging.settle()
    assert check_run.conclusion == "cancelled"
    assert hanging.reviews == []


async def test_closing_stops_the_review(hanging: World, llm: LLMServer) -> None:
    number = await hanging.open_pull(BEFORE, AFTER)
    await asked(hanging, llm, number)
    await hanging.sandbox.close(REPO, number)
    await llm.until(lambda: llm.active == 0, seconds=5)
    await hanging.settle()
    assert hanging.reviews == []
    assert [run.conclusion for run in hanging.check_runs] == ["cancelled"]


async def test_rerun_reviews_again(world: World) -> None:
    await reviewed(world)
    [check_run] = world.check_runs
    await world.sandbox.rerun(check_run.id)
    await world.settle()
    assert len(world.reviews) == 2
    await world.sandbox.rerun_suite(REPO, check_run.head_sha)
    await world.settle()
    assert len(world.reviews) == 3
    await world.sandbox.press_button(check_run.id, "rerun")
    await world.settle()
    assert len(world.reviews) == 4
    assert {run.status for run in world.check_runs} == {"completed"}


async def test_of_ten_pushes_within_seconds_the_last_is_reviewed(
    asking: World, llm: LLMServer
) -> None:
    llm.latency = 1.0
    llm.default = lambda request: agreeable(request) if request.asks_for_verdicts else review()
    number = await asking.open_pull(BEFORE, AFTER)
    head = asking.repository.pulls[number].head_sha
    for count in range(10):
        head = await asking.sandbox.commit(
            REPO, {"more.py": f"x = {count}\n" * (count + 1)}, parent=head
        )
        await asking.sandbox.push(REPO, number, head)
    await asking.settle()
    [posted] = asking.reviews
    assert posted.commit_id == head
    last = [run for run in asking.check_runs if run.head_sha == head]
    assert [run.status for run in last] == ["completed"]
    others = [run.conclusion for run in asking.check_runs if run.head_sha != head]
    assert set(others) == {"cancelled"}
    assert llm.active == 0
