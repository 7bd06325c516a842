"""The team's checks: asked about together where that fits, believed as far as something shows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.config.repository_config import RepoConfig, TeamCheck
from bot.config.settings import Settings
from bot.domain.look_ups import LookUp, LookUpResult
from bot.domain.model import Batch, BatchFile, BatchResult, Effort, Place
from bot.domain.team_checks import CheckMode, CheckScope, CheckStatus
from bot.text.tokens import count_tokens
from tests.support.llm_server import LLMServer, Reply, Request, Status, Text, check, judged
from tests.unit.workers.analysis.conftest import BRIEF, batch_file
from workers.analysis.llm.client import LLM
from workers.analysis.llm.errors import TransientLLMError
from workers.analysis.read_batch import analyze

Make = Callable[..., tuple[LLM, Settings]]
SAFE = TeamCheck(name="Safe SQL", instruction="No SQL is built from text.", mode=CheckMode.FAIL)
LINE = "        cursor.execute(query % row)"


class Source:
    """A repository in which every look-up finds line 7 of the same file."""

    def __init__(self) -> None:
        self.asked: list[LookUp] = []

    async def answer(self, look_ups: Sequence[LookUp]) -> Sequence[LookUpResult]:
        self.asked += look_ups
        at = Place(path="lib/db.py", start_line=7, end_line=7)
        return [LookUpResult(look_up=each, text="7|safe", places=(at,)) for each in look_ups]


async def judge(
    make_llm: Make,
    *checks: TeamCheck,
    files: Sequence[BatchFile] = (),
    hidden: Mapping[str, tuple[str, ...]] = {},
    overview: tuple[str, ...] = (),
    source: Source | None = None,
    effort: Effort = Effort.STANDARD,
    last_try: bool = True,
    **settings: Any,
) -> BatchResult:
    llm, given = make_llm(**settings)
    scopes = tuple(CheckScope(each.name, True, hidden.get(each.name, ())) for each in checks)
    batch = Batch(0, tuple(files) or (batch_file(),), overview=overview, checks=scopes)
    return await analyze(
        batch,
        BRIEF,
        llm,
        given,
        RepoConfig(checks=checks),
        focus=None,
        effort=effort,
        source=source,
        review_id="a review",
        last_try=last_try,
    )


def said(word: str, *places: tuple[str, int, str], **more: Any) -> Reply:
    return judged(check(1, word, *places, **more))


@pytest.mark.parametrize(
    ("reply", "status", "reason", "lines"),
    [
        (said("passed"), CheckStatus.PASSED, "so it is", []),
        (said("PASS"), CheckStatus.PASSED, "so it is", []),
        (said("failed", ("src/search.py", 4, LINE)), CheckStatus.FAILED, "so it is", [4]),
        (said("violated", ("b/src/search.py", 1, LINE)), CheckStatus.FAILED, "so it is", [4]),
        (said("failed", ("search.py", 2, "")), CheckStatus.FAILED, "so it is", [2]),
        (said("could_not_tell"), CheckStatus.COULD_NOT_TELL, "so it is", []),
        (said("not passed"), CheckStatus.COULD_NOT_TELL, "so it is", []),
        (said("passed or failed"), CheckStatus.COULD_NOT_TELL, "so it is", []),
        (said("failed"), CheckStatus.COULD_NOT_TELL, "named no existing line", []),
        (
            said("failed", ("elsewhere.py", 1, "")),
            CheckStatus.COULD_NOT_TELL,
            "named no existing line",
            [],
        ),
        (
            said("failed", ("src/search.py", 99, ""), ("src/search.py", 4, "drop_all()")),
            CheckStatus.COULD_NOT_TELL,
            "named no existing line",
            [],
        ),
        (
            judged({"id": 1, "verdict": "passed"}),
            CheckStatus.COULD_NOT_TELL,
            "named nothing that shows it",
            [],
        ),
        (judged(check(7, "passed")), CheckStatus.COULD_NOT_TELL, "gave no verdict", []),
        (
            judged(check(1, "passed"), check(1, "could_not_tell", reason="or not")),
            CheckStatus.COULD_NOT_TELL,
            "or not",
            [],
        ),
        (Text("All checks passed!"), CheckStatus.COULD_NOT_TELL, "could not be read", []),
        (Status(401), CheckStatus.COULD_NOT_TELL, "rejected the API key", []),
        (Status(500), CheckStatus.COULD_NOT_TELL, "returned 500 three times", []),
    ],
)
async def test_a_verdict_counts_as_far_as_it_shows_something(
    server: LLMServer,
    make_llm: Make,
    reply: Reply,
    status: CheckStatus,
    reason: str,
    lines: list[int],
) -> None:
    server.default = reply
    [result] = (await judge(make_llm, SAFE)).checks
    assert (result.name, result.mode, result.status) == ("Safe SQL", CheckMode.FAIL, status)
    assert reason in result.reason
    assert [place.start_line for place in result.places] == lines
    assert all(place.path == "src/search.py" for place in result.places)
    assert result.blocks == (status is not CheckStatus.PASSED)


async def test_what_may_heal_is_left_to_a_later_try(server: LLMServer, make_llm: Make) -> None:
    server.default = Status(500)
    with pytest.raises(TransientLLMError):
        await judge(make_llm, SAFE, last_try=False)


async def test_nothing_is_asked_beyond_the_budget(server: LLMServer, make_llm: Make) -> None:
    [result] = (await judge(make_llm, SAFE, llm_review_budget=100)).checks
    assert (result.status, server.requests) == (CheckStatus.COULD_NOT_TELL, [])
    assert "LLM_REVIEW_BUDGET" in result.reason


def passing(request: Request) -> Reply:
    return judged(*(check(id, "passed") for id in request.checks.values()))


async def test_what_is_hidden_keeps_a_check_from_passing(server: LLMServer, make_llm: Make) -> None:
    server.default = passing
    other = replace(SAFE, name="Other")
    hidden = {SAFE.name: ("a.sql", "b.sql", "c.sql", "d.sql")}
    judged_checks = (await judge(make_llm, SAFE, other, hidden=hidden)).checks
    assert [result.status for result in judged_checks] == [
        CheckStatus.COULD_NOT_TELL,
        CheckStatus.PASSED,
    ]
    assert judged_checks[0].reason == "the model was not shown a.sql, b.sql, c.sql and 1 more"


async def test_a_change_that_is_too_large_is_shown_to_each_check_as_far_as_it_is_about_it(
    server: LLMServer, make_llm: Make
) -> None:
    """The files of its paths go first; one that would have to see all cannot pass."""
    server.default = passing
    long = [f"line_{number} = compute({number})" for number in range(300)]
    files = [batch_file(f"src/{name}.py", long) for name in "abc"] + [batch_file("db/1.sql")]
    everything, sql, half = (
        SAFE,
        replace(SAFE, name="SQL", paths=("*.sql",)),
        replace(SAFE, name="B", paths=("src/b.py",)),
    )
    result = await judge(make_llm, everything, sql, half, files=files, llm_context_tokens=8000)
    assert [each.status for each in result.checks] == [
        CheckStatus.COULD_NOT_TELL,
        CheckStatus.PASSED,
        CheckStatus.PASSED,
    ]
    by_names = {tuple(request.checks): request.user for request in server.requests}
    assert set(by_names) == {("Safe SQL",), ("SQL",), ("B",)}
    assert "|path: db/1.sql" in by_names[("SQL",)]
    assert "|path: src/b.py" in by_names[("B",)]
    assert "changed, not shown for want of room" in by_names[("B",)]


async def test_many_checks_are_asked_about_in_one_call_and_the_missing_once_more(
    server: LLMServer, make_llm: Make
) -> None:
    checks = [replace(SAFE, name=f"Check {number}") for number in range(20)]

    def forgetful(request: Request) -> Reply:
        ids = [*request.checks.values()]
        return judged(*(check(id, "passed") for id in ids[: max(len(ids) - 1, 1)]))

    server.default = forgetful
    result = await judge(make_llm, *checks)
    assert {each.status for each in result.checks} == {CheckStatus.PASSED}
    assert [len(request.checks) for request in server.requests] == [20, 1]


async def test_what_decides_is_looked_up_once_and_not_in_a_quick_review(
    server: LLMServer, make_llm: Make
) -> None:
    wish = {"operation": "read", "path": "lib/db.py", "start": 7, "end": 7}

    def answer(request: Request) -> Reply:
        if "=== BEGIN looked up" in request.user:
            places = ("lib/db.py", 7, ""), ("lib/db.py", 8, "")
            return judged(check(1, "failed", *places), look_ups=[wish])
        return judged(check(1, "could_not_tell"), check(2, "passed"), look_ups=[wish])

    server.default = answer
    other, source = replace(SAFE, name="Other"), Source()
    result = await judge(make_llm, SAFE, other, source=source)
    assert [each.status for each in result.checks] == [CheckStatus.FAILED, CheckStatus.PASSED]
    assert [place.start_line for place in result.checks[0].places] == [7]
    assert (len(source.asked), len(server.requests)) == (1, 2)
    assert list(server.requests[1].checks) == ["Safe SQL"]

    quick = await judge(make_llm, SAFE, source=source, effort=Effort.QUICK)
    assert quick.checks[0].status is CheckStatus.COULD_NOT_TELL
    assert (len(source.asked), len(server.requests)) == (1, 3)


WISH = {"operation": "read", "path": "lib/db.py", "start": 7, "end": 7}


@pytest.mark.parametrize("second", [Status(401), Status(500), Text("no JSON")])
async def test_what_was_decided_stands_where_the_look_ups_come_to_nothing(
    server: LLMServer, make_llm: Make, second: Reply
) -> None:
    def answer(request: Request) -> Reply:
        if "=== BEGIN looked up" in request.user:
            return second
        failed = check(3, "failed", ("src/search.py", 4, LINE))
        return judged(check(1, "could_not_tell"), check(2, "passed"), failed, look_ups=[WISH])

    server.default = answer
    checks = [replace(SAFE, name=name) for name in ("A", "B", "C")]
    result = await judge(make_llm, *checks, source=Source())
    assert [each.status for each in result.checks] == [
        CheckStatus.COULD_NOT_TELL,
        CheckStatus.PASSED,
        CheckStatus.FAILED,
    ]
    assert result.checks[0].reason not in ("", "so it is")


async def test_the_look_ups_change_no_verdict_that_was_given(
    server: LLMServer, make_llm: Make
) -> None:
    def answer(request: Request) -> Reply:
        if "=== BEGIN looked up" in request.user:
            return judged(check(1, "passed"), check(2, "passed"))
        failed = check(2, "failed", ("src/search.py", 4, LINE))
        return judged(check(1, "could_not_tell"), failed, look_ups=[WISH])

    server.default = answer
    result = await judge(make_llm, SAFE, replace(SAFE, name="Other"), source=Source())
    assert [each.status for each in result.checks] == [CheckStatus.PASSED, CheckStatus.FAILED]


async def test_there_is_room_for_what_is_looked_up(server: LLMServer, make_llm: Make) -> None:
    class Wordy(Source):
        async def answer(self, look_ups: Sequence[LookUp]) -> Sequence[LookUpResult]:
            found = await super().answer(look_ups)
            return [replace(each, text="7|safe = words(7)\n" * 2000) for each in found]

    server.default = judged(check(1, "could_not_tell"), look_ups=[WISH])
    files = [
        batch_file(f"src/{name}.py", [f"line_{n} = compute({n})" for n in range(40)])
        for name in "abcdefghijk"
    ]
    await judge(make_llm, SAFE, files=files, source=Wordy(), llm_context_tokens=8000)
    assert len(server.requests) == 2
    assert "=== BEGIN looked up" in server.requests[1].user
    sizes = [count_tokens(each.system + each.user) for each in server.requests]
    assert 6000 < sizes[1] <= 8000
