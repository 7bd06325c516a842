"""A second push: only what changed is read again, and nothing is said twice."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.domain.model import State
from bot.github.client import GitHub
from bot.github.errors import Forbidden, Transient
from bot.github.threads import minimize_comment
from bot.store import keys
from tests.flows.conversation import pushed
from tests.flows.environment import REPO, World, running
from tests.support.llm_server import (
    LLMServer,
    Reply,
    Request,
    Status,
    Text,
    agreeable,
    review,
    verdicts,
)
from workers.review import posted_review

NAMES = [f"part_{number:02}.py" for number in range(40)]


def finds_slow_sums(request: Request, severity: str = "medium") -> Reply:
    """One finding for each file that is shown with the slow loop in it."""
    if request.asks_for_verdicts:
        return agreeable(request)
    shown = [name for name in NAMES if name in request.user]
    slow = [name for name in shown if f"slow_{name[5:7]}(" in request.user]
    return review(
        *(
            {
                "path": name,
                "quote": f"def slow_{name[5:7]}(items):",
                "line": 1,
                "side": "RIGHT",
                "category": "performance",
                "severity": severity,
                "title": f"The sum in {name} is slow",
                "body": "It walks the items twice.",
                "confidence": 0.9,
                "suggestion": None,
            }
            for name in slow
        )
    )


def finds_grave_slow_sums(request: Request) -> Reply:
    """The same, of a severity that is posted on lines also from the third review on."""
    return finds_slow_sums(request, "high")


def slow(name: str) -> str:
    return f"def slow_{name[5:7]}(items):\n    return sum(items) + sum(items)\n"


@pytest.fixture
async def llm() -> AsyncIterator[LLMServer]:
    async with LLMServer(default=finds_slow_sums) as server:
        yield server


@pytest.fixture
async def world(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> AsyncIterator[World]:
    async with running(
        redis_url, redis, tmp_path, max_comments=50, llm_backoff_ms=10, **llm.settings
    ) as world:
        yield world


async def test_a_push_that_touches_one_of_forty_files_has_one_file_read(
    world: World, llm: LLMServer
) -> None:
    number = await world.open_pull(dict.fromkeys(NAMES, "x = 1\n"), {n: slow(n) for n in NAMES})
    await world.settle()
    assert len(world.inline_comments) == 40
    call_count = len(llm.requests)

    # One file is mended, another finding stays in every other file.
    head = await pushed(
        world, number, {NAMES[7]: "def fast_07(items):\n    return 2 * sum(items)\n"}
    )
    await world.settle()

    again = [request for request in llm.requests[call_count:] if not request.asks_for_verdicts]
    assert len(again) == 1
    assert [name for name in NAMES if f"|path: {name}\n" in again[0].user] == [NAMES[7]]
    assert len(world.inline_comments) == 40, "no comment is repeated"
    [posted] = world.reviews
    assert head[:12] in posted.body, "it speaks of the new commit now"
    assert "39 earlier findings still open" in posted.body
    assert [run.status for run in world.check_runs] == ["completed", "completed"]


async def test_a_push_without_new_findings_edits_the_review_and_one_with_them_replaces_it(
    world: World, llm: LLMServer
) -> None:
    llm.default = finds_grave_slow_sums
    number = await world.open_pull(dict.fromkeys(NAMES[:2], "x = 1\n"), {NAMES[0]: slow(NAMES[0])})
    await world.settle()
    [first] = world.reviews

    await pushed(world, number, {"notes.txt": "Nothing to see.\n"})
    await world.settle()
    assert world.reviews == [first]
    assert (first.minimized, len(world.inline_comments)) == (None, 1)

    head = await pushed(world, number, {NAMES[1]: slow(NAMES[1])})
    await world.settle()
    [first, second] = world.reviews
    assert (first.minimized, second.minimized) == ("outdated", None)
    assert head[:12] in second.body
    assert "1 earlier finding still open" in second.body
    said = second.body.partition("Prompt for a coding agent")[0]
    assert said.count("It walks the items twice.") == 0, "the comments say it"
    assert len(world.inline_comments) == 2

    await world.sandbox.comment(REPO, number, "/review full")
    await world.settle()
    assert [r.minimized for r in world.reviews] == ["outdated", "outdated", None], "who asks hears"
    assert len(world.inline_comments) == 2


async def test_another_apps_review_does_not_interfere(world: World, llm: LLMServer) -> None:
    """The App was made anew, and what is kept of its pull requests with it."""
    number = await world.open_pull({NAMES[0]: "x = 1\n"}, {NAMES[0]: slow(NAMES[0])})
    await world.settle()
    world.reviews[0].user = "earlier[bot]"
    head = await pushed(world, number, {"notes.txt": "Nothing to see.\n"})
    await world.settle()
    assert [run.conclusion for run in world.check_runs] == ["success", "success"]
    [_, second] = world.reviews
    assert head[:12] in second.body


async def test_a_review_that_github_takes_slowly_does_not_come_after_the_next(
    world: World, llm: LLMServer
) -> None:
    """What is being posted is let to its end, though a push supersedes it: the next one waits."""
    slow_post = world.sandbox.faults.add("POST /api/v3/repos/*/pulls/*/reviews", "slow", delay=5)
    number = await world.open_pull(dict.fromkeys(NAMES[:2], "x = 1\n"), {NAMES[0]: slow(NAMES[0])})

    async def posted_review() -> bool:
        return bool(slow_post.triggered)

    await world.until_true(posted_review)
    head = await pushed(world, number, {NAMES[1]: slow(NAMES[1])})
    await world.settle()
    assert [run.conclusion for run in world.check_runs] == ["cancelled", "success"]
    [first, second] = world.reviews
    assert (first.minimized, second.minimized) == ("outdated", None)
    assert second.commit_id == head
    assert len(world.inline_comments) == 2, "what stands already is not said again"


async def test_waiting_for_a_crashed_publisher_is_not_counted_as_a_crash(
    world: World, llm: LLMServer
) -> None:
    """Were it killed while it waits, that would be held against its review."""
    number = 1
    lock = keys.lock(f"publish:{world.repository.id}:{number}")
    await world.store.redis.set(lock, "of a dead worker")
    await world.open_pull({NAMES[0]: "x = 1\n"}, {NAMES[0]: slow(NAMES[0])})
    await world.until(number, State.REPORTING)
    current = (await world.store.pulls.get(world.repository.id, number)).current

    async def waits() -> bool:
        return not await world.store.redis.exists(keys.stage_starts(current, "publish"))

    await asyncio.sleep(1)
    await world.until_true(waits)
    assert await world.store.reviews.state(current) is State.REPORTING
    await world.store.redis.delete(lock)  # as when the dead worker's lease runs out
    await world.settle()
    assert len(world.reviews) == 1


async def test_open_findings_are_listed_with_a_link_to_their_thread(
    world: World, llm: LLMServer
) -> None:
    number = await world.open_pull(dict.fromkeys(NAMES[:2], "x = 1\n"), {NAMES[0]: slow(NAMES[0])})
    await world.settle()
    await pushed(world, number, {NAMES[1]: slow(NAMES[1])})
    await world.settle()
    bot_thread = world.inline_comments[0]
    thread = f"{world.sandbox.url}/{REPO}/pull/{number}#discussion_r{bot_thread.id}"
    assert (
        f"- 🟡 The sum in {NAMES[0]} is slow · [`{NAMES[0]}:1`]({thread})" in world.reviews[1].body
    )


async def test_a_missing_model_answer_is_a_change_once(world: World, llm: LLMServer) -> None:
    number = await world.open_pull(dict.fromkeys(NAMES[:4], "x = 1\n"), {NAMES[0]: slow(NAMES[0])})
    await world.settle()

    llm.default = Status(401)
    for name in NAMES[1:3]:
        await pushed(world, number, {name: "x = 2\n"})
        await world.settle()
    [first, second] = world.reviews
    assert (first.minimized, second.minimized) == ("outdated", None)
    assert f"- `{NAMES[1]}`, `{NAMES[2]}` (" in second.body, "edited to say which"

    llm.default = finds_slow_sums
    head = await pushed(world, number, {NAMES[3]: "x = 2\n"})
    await world.settle()
    assert world.reviews == [first, second], "that all is well again is none"
    assert head[:12] in second.body
    assert "not reviewed by the model" not in second.body


@pytest.mark.variations(1)
@pytest.mark.parametrize(
    ("trouble", "folded"),
    [
        (Forbidden("GitHub can't fold reviews."), [None, None, "outdated", None]),
        (Transient("GitHub is away."), ["outdated", "outdated", "outdated", None]),
        (RuntimeError("The worker died."), ["outdated", "outdated", "outdated", None]),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_failed_minimize_fails_no_review_and_is_not_repeated(
    world: World,
    llm: LLMServer,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Exception,
    folded: list[str | None],
) -> None:
    llm.default = finds_grave_slow_sums
    number = await world.open_pull(dict.fromkeys(NAMES[:4], "x = 1\n"), {NAMES[0]: slow(NAMES[0])})
    await world.settle()
    tried: list[str] = []

    async def troubled(gh: GitHub, node_id: str, reason: str) -> None:
        tried.append(node_id)
        if len(tried) <= 2:
            raise trouble
        await minimize_comment(gh, node_id, reason)

    monkeypatch.setattr(posted_review, "minimize_comment", troubled)
    for name in NAMES[1:4]:
        await pushed(world, number, {name: slow(name)})
        await world.settle()
    assert [run.status for run in world.check_runs] == ["completed"] * 4
    assert [one.minimized for one in world.reviews] == folded
    assert len(world.inline_comments) == 4


@pytest.mark.variations(1)
@pytest.mark.parametrize("after", [False, True])
async def test_an_edit_and_a_fold_that_fail_at_first_are_made_good(
    world: World, llm: LLMServer, after: bool
) -> None:
    number = await world.open_pull(dict.fromkeys(NAMES[:2], "x = 1\n"), {NAMES[0]: slow(NAMES[0])})
    await world.settle()
    edit = world.sandbox.faults.add("PUT /api/v3/repos/*/pulls/*/reviews/*", "500", after=after)
    await pushed(world, number, {"notes.txt": "Nothing to see.\n"})
    await world.settle()
    assert (edit.triggered, len(world.reviews)) == (1, 1)

    await pushed(world, number, {NAMES[1]: slow(NAMES[1])})
    await world.settle()
    assert [r.minimized for r in world.reviews] == ["outdated", None]
    assert [run.status for run in world.check_runs] == ["completed"] * 3


async def test_full_asks_about_everything_again_and_pays_for_nothing_twice(
    world: World, llm: LLMServer
) -> None:
    number = await world.open_pull({"a.py": "x = 1\n"}, {NAMES[0]: slow(NAMES[0])})
    await world.settle()
    call_count = len(llm.requests)
    await world.sandbox.comment(REPO, number, "/review")
    await world.settle()
    assert (len(world.reviews), len(llm.requests)) == (1, call_count), "nothing is new"

    outages = iter([Status(503)] * 4)  # once it was read, until its batch is tried again

    def fails_at_first(request: Request) -> Reply:
        trouble = next(outages, None) if request.asks_for_verdicts else None
        return trouble or finds_slow_sums(request)

    llm.default = fails_at_first
    await world.sandbox.comment(REPO, number, "/review full")
    await world.settle()
    again = [request.asks_for_verdicts for request in llm.requests[call_count:]]
    assert (again.count(False), set(again)) == (1, {True, False})
    assert len(world.reviews) == 2


TWO_BUGS = """\
def first(items):
    return items[0]


def average(items):
    return sum(items) / len(items)
"""


def bug(line: int, quote: str, title: str) -> dict[str, Any]:
    return {
        "path": "stats.py",
        "quote": quote,
        "line": line,
        "side": "new",
        "category": "correctness",
        "severity": "high",
        "title": title,
        "body": "An empty list of items raises here.",
        "confidence": 0.9,
    }


FIRST = bug(2, "    return items[0]", "There may be no first item")
AVERAGE = bug(6, "    return sum(items) / len(items)", "Divides by zero without items")


async def test_an_open_finding_is_resolved_by_the_line_that_fixes_it_and_never_by_silence(
    world: World, llm: LLMServer
) -> None:
    world.sandbox.grant("contents", "write")
    llm.default = lambda request: (
        agreeable(request) if request.asks_for_verdicts else review(FIRST, AVERAGE)
    )
    number = await world.open_pull({"stats.py": ""}, {"stats.py": TWO_BUGS})
    await world.settle()
    assert [comment.line for comment in world.inline_comments] == [2, 6]

    # The first bug goes by a guard above its line. The reader names that, an id that nobody asked
    # about, a line that is nowhere, and the second bug in other words.
    guard = "    if not items:"
    fixed = [
        {"id": 1, "line": guard},
        {"id": 7, "line": guard},
        {"id": 2, "line": "    if not items: return 0"},
    ]
    again = AVERAGE | {"title": "An empty list of items divides by zero"}
    llm.default = lambda request: Text(json.dumps({"fixed": fixed, "findings": [again]}))
    call_count = len(llm.requests)
    fixed_file = TWO_BUGS.replace(
        "    return items[0]", f"{guard}\n        return None\n    return items[0]"
    )
    await pushed(world, number, {"stats.py": fixed_file})
    await world.settle()
    [asked] = llm.requests[call_count:]
    assert (
        "=== BEGIN open findings ===\n"
        "|1: stats.py line 4, high: There may be no first item\n"
        "|2: stats.py line 8, high: Divides by zero without items\n"
        "=== END open findings ==="
    ) in asked.user
    assert resolved_lines(world) == {2: True, 6: False}
    assert len(world.inline_comments) == 2, "nothing is said in other words"
    assert str(world.check_runs[-1].output["title"]).startswith("1 high")

    # The next reader says nothing at all: that shows nothing. A full review checks it again.
    llm.default = review()
    await pushed(world, number, {"stats.py": f"{fixed_file}\n\nLIMIT = 1\n"})
    await world.settle()
    assert resolved_lines(world) == {2: True, 6: False}
    llm.default = lambda request: verdicts(None) if request.asks_for_verdicts else review()
    await world.sandbox.comment(REPO, number, "/review full")
    await world.settle()
    assert resolved_lines(world) == {2: True, 6: True}, "a line refutes it"
    assert len(world.inline_comments) == 2


def resolved_lines(world: World) -> dict[int | None, bool]:
    """Whether the thread of each comment is resolved, by the line on which it was posted."""
    threads = world.repository.threads
    return {
        comment.original_line: threads[comment.thread_id].resolved_by is not None
        for comment in world.inline_comments
    }


def finds_a_bug(request: Request) -> Reply:
    """A finding of `SEVERITY` for each file shown that has the word in it."""
    if request.asks_for_verdicts:
        return agreeable(request)
    return review(
        *(
            {
                "path": name,
                "quote": f"value = '{severity}'",
                "line": 1,
                "side": "RIGHT",
                "category": "correctness",
                "severity": severity,
                "title": f"A {severity} problem in {name}",
                "body": "It fails.",
                "confidence": 0.9,
                "suggestion": None,
            }
            for name in NAMES
            for severity in ("high", "medium")
            if name in request.user and f"{name}: {severity}" in request.user
        )
    )


def buggy(name: str, severity: str) -> str:
    return f"value = '{severity}'  # {name}: {severity}\n"


async def test_from_the_third_review_on_only_severe_findings_are_new_comments(
    world: World, llm: LLMServer
) -> None:
    llm.default = finds_a_bug
    number = await world.open_pull({NAMES[0]: ""}, {NAMES[0]: buggy(NAMES[0], "medium")})
    await world.settle()
    for name in NAMES[1:3]:
        await pushed(world, number, {name: buggy(name, "medium")})
        await world.settle()
    paths = [comment.path for comment in world.inline_comments]
    assert paths == [NAMES[0], NAMES[1]], "the third review lists it"
    assert f"A medium problem in {NAMES[2]}" in world.reviews[-1].body
    await pushed(world, number, {NAMES[3]: buggy(NAMES[3], "high")})
    await world.settle()
    assert world.inline_comments[-1].path == NAMES[3]


def finds_one_bug_everywhere(request: Request) -> Reply:
    """The same defect in each file that is shown with it."""
    if request.asks_for_verdicts:
        return agreeable(request)
    return review(
        *(
            {
                "path": name,
                "quote": f"{name[:7]} = open('x')",
                "line": 1,
                "side": "RIGHT",
                "category": "correctness",
                "severity": "high",
                "title": "Nobody closes the file",
                "body": "It leaks a descriptor.",
                "confidence": 0.9,
                "suggestion": None,
            }
            for name in NAMES
            if f"{name[:7]} = open('x')" in request.user
        )
    )


async def test_a_defect_at_several_places_is_one_thread_until_all_are_fixed(
    world: World, llm: LLMServer
) -> None:
    """Fixing it place by place brings no comment on an old place, and counts fall."""
    world.sandbox.grant("contents", "write")  # what GitHub wants of who resolves threads
    llm.default = finds_one_bug_everywhere
    files = {name: f"{name[:7]} = open('x')\n" for name in NAMES[:3]}
    number = await world.open_pull(dict.fromkeys(files, "x = 1\n"), files)
    await world.settle()
    [comment] = world.inline_comments
    assert (comment.path, "The same in 2 other places" in comment.body) == (NAMES[0], True)
    titles = [world.check_runs[-1].output["title"]]
    for name in NAMES[:3]:
        [thread] = world.repository.threads.values()
        assert thread.resolved_by is None
        await pushed(world, number, {name: "x = 2\n"})
        await world.settle()
        titles.append(world.check_runs[-1].output["title"])
    assert [str(title).partition(" · ")[0] for title in titles] == [
        "3 high",
        "2 high",
        "1 high",
        "No problems found",
    ]
    assert len(world.inline_comments) == 1
    [thread] = world.repository.threads.values()
    assert thread.resolved_by is not None
