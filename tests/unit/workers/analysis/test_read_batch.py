"""What is asked for, by whom, and what becomes of each part of an answer."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.diff import ChangedFile, FileStatus
from bot.domain.model import BatchFile, BatchResult, Category, Severity
from bot.domain.reasons import RejectionReason
from tests.support.llm_server import LLMServer, agreeable, review
from tests.unit.workers.analysis.conftest import BRIEF, batch, batch_file, finding
from workers.analysis.llm.client import LLM
from workers.analysis.read_batch import analyze

Make = Callable[..., tuple[LLM, Settings]]


async def run(
    made: tuple[LLM, Settings],
    *files: BatchFile,
    config: RepoConfig | None = None,
    focus: Category | None = None,
) -> BatchResult:
    llm, settings = made
    return await analyze(batch(*files), BRIEF, llm, settings, config or RepoConfig(), focus=focus)


def finds(server: LLMServer, *findings: dict[str, Any], **summaries: str) -> None:
    """The first pass finds these; the second holds them for true."""
    answer = review(*findings, **summaries)
    server.default = lambda llm_request: (
        agreeable(llm_request) if llm_request.asks_for_verdicts else answer
    )


async def test_a_batch_gives_findings_summaries_and_their_cost(
    server: LLMServer, make_llm: Make
) -> None:
    finds(server, finding(), **{"src/search.py": "Searches row by row.", "no.py": "Not there."})
    prices = {"tiny": {"prompt": 1, "completion": 10}}
    result = await run(make_llm(llm_prices=prices))

    [found] = result.findings
    assert (found.start_line, found.confidence, found.source) == (4, 0.9, "llm")
    assert found.suggestion == "        cursor.execute(query, row)"
    assert result.summaries == (("src/search.py", "Searches row by row."),)
    assert result.reviewed == ("src/search.py",)
    assert (result.model, result.notes, result.skipped) == ("tiny", (), ())
    assert (result.usage.calls, result.usage.prompt_tokens) == (2, 2000)
    assert result.usage.cost == pytest.approx(2 * (1000 + 100 * 10) / 1e6)


async def test_files_without_lines_cost_no_question(server: LLMServer, make_llm: Make) -> None:
    renamed = BatchFile(
        file=ChangedFile(path="new.py", status=FileStatus.RENAMED, old_path="old.py"),
        language="python",
        content="x = 1\n",
    )
    result = await run(make_llm(), renamed)
    assert result.reviewed == ("new.py",)
    assert server.requests == []


@pytest.mark.parametrize(
    ("requests_seen", "focus", "kept"),
    [
        ({}, None, ["security", "quality"]),
        ({"categories": (Category.QUALITY,)}, None, ["quality"]),
        ({"categories": (Category.QUALITY,)}, Category.SECURITY, ["security"]),
        ({"min_severity": Severity.HIGH}, None, ["security"]),
    ],
    ids=["all", "the repository's categories", "a person's focus", "the repository's severity"],
)
async def test_a_finding_that_was_not_requested_is_dropped_with_a_reason(
    server: LLMServer,
    make_llm: Make,
    requests_seen: dict[str, Any],
    focus: Category | None,
    kept: list[str],
) -> None:
    small = finding(
        category="quality",
        severity="low",
        quote="    for row in rows:",
        title="Small",
        suggestion=None,
    )
    finds(server, finding(), small)
    result = await run(make_llm(), config=RepoConfig(**requests_seen), focus=focus)

    assert [each.category for each in result.findings] == kept
    assert len(result.rejected) == 2 - len(kept)
    assert all(each.reason for each in result.rejected)


async def test_the_same_code_in_two_places_is_reported_twice(
    server: LLMServer, make_llm: Make
) -> None:
    lines = [
        "    run(query % row)",
        *(f"    x{n} = {n}" for n in range(80)),
        "    run(query % row)",
    ]
    finding_data = finding(quote="    run(query % row)", suggestion=None)
    finds(server, finding_data | {"line": 3}, finding_data | {"line": 84})
    result = await run(make_llm(), batch_file(new=lines))
    assert [each.start_line for each in result.findings] == [3, 84]


async def test_a_repeated_finding_is_reported_once(server: LLMServer, make_llm: Make) -> None:
    finds(server, finding(), finding(title="Again", body="In other words."))
    assert [each.title for each in (await run(make_llm())).findings] == [
        "SQL is built from the row's text"
    ]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (
            {"suggestion": "        cursor.execute(query,"},
            RejectionReason.SUGGESTION_MISPLACED,
        ),
        ({"quote": "nowhere_in_the_diff(1)"}, RejectionReason.SUGGESTION_WITHOUT_LINES),
    ],
)
async def test_a_suggestion_that_does_not_apply_is_dropped_and_reported(
    server: LLMServer, make_llm: Make, changed: dict[str, Any], reason: RejectionReason
) -> None:
    finds(server, finding(**changed))
    result = await run(make_llm())

    assert [each.suggestion for each in result.findings] == [None]
    assert [each.reason for each in result.rejected] == [reason]
    assert all(each.is_suggestion_only for each in result.rejected)


async def test_a_path_outside_the_batch_is_dropped_in_one_line(
    server: LLMServer, make_llm: Make
) -> None:
    finds(server, finding(path="/etc/pass\u202ewd\nx"))
    [rejected] = (await run(make_llm())).rejected
    assert rejected.path == "/etc/pass\\u{202E}wd\\nx"
    assert rejected.reason is RejectionReason.NOT_IN_CHANGE
    assert not rejected.is_suggestion_only
