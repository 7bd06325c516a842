"""Joining, ranking and judging what was found."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.config.repository_config import RepoConfig, TeamCheck
from bot.config.settings import FailOn
from bot.domain.model import (
    BatchResult,
    Category,
    CheckAnnotation,
    CheckResult,
    FailedCheck,
    Finding,
    Place,
    Report,
    Review,
    Scan,
    Severity,
    SkippedFile,
    Trigger,
    Usage,
)
from bot.domain.reasons import FileSkipReason, RejectionReason
from bot.domain.team_checks import CheckMode, CheckScope, CheckStatus
from workers.reports.rank import may_be_comment, rank_score
from workers.reports.verdict import Coverage, conclusion, counts, verdict

Build = Callable[..., Report]


def by(report: Report, fingerprint: str) -> Finding:
    return next(f for f in report.findings if f.fingerprint == fingerprint)


def test_a_finding_of_analyzer_and_llm_is_reported_once_with_both_sources(report: Report) -> None:
    joined = by(report, "00000000000000b1")
    assert joined.source == "llm+ruff:S608"
    assert joined.severity is Severity.CRITICAL
    assert joined.confidence == 1.0
    assert joined.title == "The search text goes into the SQL as it is"
    assert "Possible SQL injection" in joined.body
    assert joined.suggestion is not None
    assert "00000000000000a2" not in {f.fingerprint for f in report.findings}


def test_a_joined_finding_keeps_the_name_under_which_it_was_posted(build: Build) -> None:
    report = build(posted_before=frozenset({"00000000000000a2"}))
    assert by(report, "00000000000000a2").source == "llm+ruff:S608"
    assert report.still_open == ("00000000000000a2",)
    assert "00000000000000a2" not in report.inline


def test_a_joined_finding_is_dismissed_under_either_name(build: Build) -> None:
    for name in ("00000000000000a2", "00000000000000b1"):
        standing = frozenset({"00000000000000a2"})
        report = build(dismissed=frozenset({name}), posted_before=standing)
        assert not {"00000000000000a2", "00000000000000b1"} & {
            f.fingerprint for f in report.findings
        }
        assert RejectionReason.DISMISSED in {item.reason for item in report.rejected}


def test_what_ranks_highest_comes_first(report: Report) -> None:
    ranks = [rank_score(f) for f in report.findings]
    assert ranks == sorted(ranks, reverse=True)


def test_only_new_anchored_findings_go_on_lines_and_only_so_many(build: Build) -> None:
    everything = build()
    assert set(everything.inline) == {
        f.fingerprint for f in everything.findings if f.anchored and may_be_comment(f)
    }
    few = build(config=RepoConfig(max_comments=2))
    critical = {f.fingerprint for f in few.findings if f.severity is Severity.CRITICAL}
    others = [name for name in everything.inline if name not in critical]
    assert few.inline == tuple(n for n in everything.inline if n in {*critical, *others[:2]})
    assert few.findings == everything.findings
    assert build(config=RepoConfig(max_comments=0)).inline == ()


def test_a_repository_may_ask_for_categories_and_a_least_severity(build: Build) -> None:
    security = build(config=RepoConfig(categories=(Category.SECURITY,)))
    assert {f.category for f in security.findings} == {Category.SECURITY}
    severe = build(config=RepoConfig(min_severity=Severity.HIGH))
    assert [f.severity for f in severe.findings] == [Severity.CRITICAL, Severity.HIGH]


def test_a_focus_leaves_out_all_else(build: Build, review: Review) -> None:
    report = build(review=replace(review, focus=Category.QUALITY))
    assert [f.source for f in report.findings] == ["ruff:F401"]


def test_usage_replies_and_skips_are_summed(build: Build, scan: Scan) -> None:
    again = replace(
        scan,
        skipped=(
            SkippedFile("a", FileSkipReason.TOO_LARGE, "1 MB"),
            SkippedFile("b", FileSkipReason.BINARY),
        ),
    )
    more = BatchResult(
        skipped=(
            SkippedFile("a", FileSkipReason.TOO_LARGE, "1 MB"),
            SkippedFile("c", FileSkipReason.NOT_READ, "no budget"),
        ),
        notes=("Cut.",),
    )
    report = build(scan=again, extra=(more,))
    assert [item.path for item in report.skipped] == ["a", "b", "c"]
    assert report.usage.calls == 3
    assert report.usage.cost == pytest.approx(0.0163)
    assert report.models == ("gpt-5-mini",)
    assert report.notes[-1] == "Cut."
    assert {f.path: f.summary for f in report.files}["shop/orders.py"] == (
        "Pages the list of orders."
    )


def test_the_report_lists_sources_that_failed(build: Build, scan: Scan) -> None:
    scan = replace(
        scan, reviewed_paths=("shop/orders.py",), skipped_unlisted=3, failed_sources=("ruff",)
    )
    report = build(scan=scan)
    assert (report.reviewed_paths, report.skipped_unlisted, report.failed_sources) == (
        ("shop/orders.py",),
        3,
        ("ruff",),
    )
    assert build(scan=scan, llm="").failed_sources == ("ruff", "llm")


def test_what_is_not_even_named_was_not_reviewed(build: Build, scan: Scan) -> None:
    named = (
        SkippedFile("a.lock", FileSkipReason.LOCK_FILE),
        SkippedFile("300 more files", FileSkipReason.UNLISTED),
    )
    scan = replace(
        scan,
        skipped=named,
        skipped_unlisted=300,
        reviewed_paths=(),
        evidence=(),
        reused_findings=(),
    )
    report = build(scan=scan, results=())
    assert (report.reviewed, report.nothing_reviewed, report.complete) == (0, True, False)
    assert report.verdict == "Nothing was reviewed: all 301 changed files were skipped."


def test_an_analyzers_only_report_is_marked(build: Build) -> None:
    report = build(results=(), llm="")
    assert report.notes[0] == "No LLM is configured; this review comes from static analyzers only."
    silent = build(results=(BatchResult(),))
    assert (
        silent.notes[0] == "The LLM did not respond; this review comes from static analyzers only."
    )
    for quiet in (build(), build(results=())):  # it answered, or had nothing to read
        assert not any("static analyzers only" in note for note in quiet.notes)
    assert {f.source for f in report.findings} >= {"ruff:S608", "ruff:F401"}


@pytest.mark.parametrize(
    ("severity", "fail_on", "expected"),
    [
        (Severity.CRITICAL, FailOn.NEVER, "neutral"),
        (Severity.HIGH, FailOn.NEVER, "neutral"),
        (Severity.MEDIUM, FailOn.NEVER, "success"),
        (Severity.HIGH, FailOn.CRITICAL, "neutral"),
        (Severity.HIGH, FailOn.HIGH, "failure"),
        (Severity.MEDIUM, FailOn.LOW, "failure"),
        (Severity.INFO, FailOn.LOW, "success"),
    ],
)
def test_the_check_run_fails_only_where_it_is_asked_to(
    severity: Severity, fail_on: FailOn, expected: str, one: Finding
) -> None:
    assert conclusion([replace(one, severity=severity)], fail_on) == expected


def test_an_unanchored_finding_does_not_fail_the_check(one: Finding) -> None:
    loose = replace(one, severity=Severity.CRITICAL, start_line=None, end_line=None)
    assert conclusion([loose], FailOn.LOW) == "neutral"
    assert conclusion([], FailOn.LOW) == "success"


@pytest.mark.parametrize(
    ("severities", "coverage", "sentence"),
    [
        ((), {}, "No problems found."),
        ((), {"skipped": 2}, "No problems found. 2 files were not reviewed."),
        ((), {"skipped": 1}, "No problems found. 1 file was not reviewed."),
        ((), {"skipped": 1, "reviewed": 0},
         "Nothing was reviewed: the only changed file was skipped."),
        ((), {"skipped": 7, "reviewed": 0},
         "Nothing was reviewed: all 7 changed files were skipped."),
        ((), {"skipped": 1, "reviewed": 0, "unread": 1, "model_answered": False},
         "Nothing was reviewed: the LLM did not respond."),
        (("critical", "high", "high", "low"), {},
         "1 critical and 2 high-severity issues to fix before merging."),
        (("high",), {}, "1 high-severity issue to fix before merging."),
        (("medium", "medium", "low"), {}, "2 medium-severity issues worth a look before merging."),
        (("low",), {}, "Nothing blocking. 1 low-severity note."),
        (("low", "info", "info"), {},
         "Nothing blocking. 1 low-severity and 2 informational notes."),
        ((), {"failed_analyzers": ("ruff",)},
         "No problems found. The review is incomplete: ruff failed."),
        (("high",), {"unread": 3, "skipped": 3},
         "1 high-severity issue to fix before merging. "
         "The review is incomplete: the model did not read 3 files."),
        ((), {"unread": 1, "skipped": 1, "failed_analyzers": ("ruff", "oxlint")},
         "No problems found. The review is incomplete: the model did not read 1 file, "
         "and ruff and oxlint failed."),
    ],
)  # fmt: skip
def test_the_verdict_states_what_to_do_and_what_is_missing(
    severities: tuple[str, ...], coverage: dict[str, Any], sentence: str, one: Finding
) -> None:
    findings = [replace(one, severity=Severity(name)) for name in severities]
    assert verdict(findings, Coverage(**{"reviewed": 1, **coverage})) == sentence


@pytest.mark.parametrize(
    ("mode", "status", "expected"),
    [
        (CheckMode.FAIL, CheckStatus.FAILED, "failure"),
        (CheckMode.FAIL, CheckStatus.COULD_NOT_TELL, "failure"),
        (CheckMode.WARN, CheckStatus.FAILED, "neutral"),
        (CheckMode.WARN, CheckStatus.COULD_NOT_TELL, "neutral"),
        (CheckMode.FAIL, CheckStatus.DID_NOT_APPLY, "success"),
        (CheckMode.FAIL, CheckStatus.PASSED, "success"),
    ],
)
def test_a_check_of_the_team_decides_as_far_as_it_is_a_gate(
    mode: CheckMode, status: CheckStatus, expected: str
) -> None:
    checks = [CheckResult(name="Tested", mode=mode, status=status)]
    assert conclusion([], FailOn.NEVER, checks=checks) == expected
    sentence = verdict([], Coverage(reviewed=1), checks)
    assert sentence == {
        CheckStatus.FAILED: "1 check failed: Tested. No other problems found.",
        CheckStatus.COULD_NOT_TELL: "1 check could not be judged: Tested. No problems found.",
    }.get(status, "No problems found.")


def test_every_check_has_a_result_and_its_call_is_no_reading(build: Build, scan: Scan) -> None:
    """What nobody judged could not be told; the model that judged checks has read no file."""
    checks = tuple(TeamCheck(name=name, instruction="Hold.") for name in ("A", "B", "C"))
    config = RepoConfig(checks=checks)
    scan = replace(scan, checks=(CheckScope("A"), CheckScope("B"), CheckScope("C", applies=False)))
    passed = CheckResult(name="A", mode=CheckMode.WARN, status=CheckStatus.PASSED)
    unread = BatchResult(
        skipped=(SkippedFile("shop/search.py", FileSkipReason.NOT_READ, "it is down"),)
    )
    result = BatchResult(checks=(passed,), model="small", usage=Usage(calls=1))
    report = build(scan=scan, results=(unread, result), config=config)
    assert [check.status for check in report.checks] == [
        CheckStatus.PASSED,
        CheckStatus.COULD_NOT_TELL,
        CheckStatus.DID_NOT_APPLY,
    ]
    assert report.checks[1].reason == "the model did not judge it"
    assert "the LLM did not respond" in report.verdict
    assert (report.models, report.usage.calls) == (("small",), 1)
    alone = build(scan=scan, results=(result,), config=config)
    assert not any("did not respond" in note for note in alone.notes), "nothing else was asked"


def test_each_place_of_a_defect_counts(one: Finding) -> None:
    places = tuple(Place(path="b.py", start_line=n, end_line=n) for n in (1, 2, 3))
    finding = replace(one, severity=Severity.HIGH, places=places)
    assert verdict([finding], Coverage(reviewed=1)) == (
        "4 high-severity issues to fix before merging."
    )
    assert counts([finding]) == [(Severity.HIGH, 4)]


def test_a_failed_analyzer_makes_the_review_incomplete(build: Build, scan: Scan) -> None:
    """One file that crashes an analyzer must not turn a failing check green."""
    quiet = replace(scan, evidence=(), reused_findings=(), skipped=(), analyzed_paths=("a.py",))
    done = build(scan=quiet, results=(), llm="")
    assert (done.complete, done.conclusion) == (True, "success")
    crashed = replace(quiet, failed_sources=("ruff",))
    report = build(scan=crashed, results=(), llm="")
    assert (report.complete, report.conclusion) == (False, "neutral")
    gated = build(scan=crashed, results=(), llm="", config=RepoConfig(fail_incomplete=True))
    assert gated.conclusion == "failure"


def test_a_model_that_is_away_makes_the_review_incomplete(build: Build, scan: Scan) -> None:
    quiet = replace(scan, evidence=(), reused_findings=(), skipped=(), notes=())
    paths = ("shop/orders.py", "shop/search.py")
    away = BatchResult(
        skipped=tuple(SkippedFile(path, FileSkipReason.NOT_READ, "away") for path in paths)
    )
    report = build(scan=quiet, results=(away,))
    assert report.verdict == "Nothing was reviewed: the LLM did not respond."
    assert (report.complete, report.conclusion, report.unread) == (False, "neutral", 2)
    seen = replace(quiet, analyzed_paths=paths)
    report = build(scan=seen, results=(away,))
    assert report.verdict == (
        "No problems found. The review is incomplete: the LLM did not respond."
    )
    assert (
        build(scan=seen, results=(away,), config=RepoConfig(fail_incomplete=True)).conclusion
        == "failure"
    )


def test_what_is_less_severe_than_wanted_is_counted_as_dropped(build: Build) -> None:
    report = build(config=RepoConfig(min_severity=Severity.HIGH))
    reasons = [item.reason for item in report.rejected]
    assert reasons.count(RejectionReason.SEVERITY) == 4


def test_the_overview_of_the_batches_is_kept(build: Build) -> None:
    more = BatchResult(overview="Tests are added.")
    assert build(extra=(more,)).overview == (
        "Adds a search box to the list of orders. Old code is removed. Tests are added."
    )


def test_later_reviews_comment_only_on_severe_findings_in_changed_files(
    build: Build, review: Review
) -> None:
    second, third = (
        build(review=replace(review, trigger=Trigger.PUSHED), earlier_reviews=n) for n in (1, 2)
    )
    assert len(second.inline) == 4
    assert third.inline == ("00000000000000b1",)
    assert third.findings == second.findings
    asked = build(review=replace(review, trigger=Trigger.COMMAND), earlier_reviews=2)
    assert asked.inline == second.inline


def test_a_later_review_does_not_comment_on_files_that_no_model_read_again(
    build: Build, review: Review, results: tuple[BatchResult, ...]
) -> None:
    pushed = replace(review, trigger=Trigger.PUSHED)
    unread = tuple(replace(result, reviewed=(), skipped=()) for result in results)
    assert build(review=pushed, results=unread, earlier_reviews=1).inline
    assert build(review=pushed, results=unread, earlier_reviews=2).inline == ()
    without_model = build(review=pushed, results=unread, earlier_reviews=2, llm="")
    assert without_model.inline == ("00000000000000b1",), "analyzers read every file each time"
    missed = replace(
        unread[0], skipped=(SkippedFile("shop/search.py", FileSkipReason.NOT_READ, "no budget"),)
    )
    again = build(review=pushed, results=(missed, *unread[1:]), earlier_reviews=2)
    assert again.inline == ("00000000000000b1",), "nor has an earlier review's model read it"


UNUSED = "`os` imported but unused"


@pytest.mark.parametrize(
    ("note", "is_repeated"),
    [
        ({}, True),
        ({"start_line": 4, "end_line": 9}, True),
        ({"start_line": 5, "end_line": 9}, False),
        ({"start_line": 1, "end_line": 3}, True),
        ({"start_line": 1, "end_line": 2}, False),
        ({"path": "b.py"}, False),
        ({"text": "F402: something else"}, False),
        ({"text": "os is imported, but unused"}, True),
    ],
)
def test_what_a_failed_check_says_of_the_same_lines_is_not_said_again(
    build: Build, scan: Scan, one: Finding, note: dict[str, Any], is_repeated: bool
) -> None:
    lint = replace(
        one, path="a.py", source="ruff:F401", title=UNUSED, severity=Severity.LOW,
        start_line=3, end_line=4, confidence=1.0,
    )  # fmt: skip
    said = {"path": "a.py", "start_line": 3, "end_line": 4, "text": "lint F401", **note}
    checks = (FailedCheck(name="lint", annotations=(CheckAnnotation(**said),)),)
    context = replace(scan.pr_context, failed_checks=checks)

    def reported(finding: Finding, known: frozenset[str] = frozenset()) -> bool:
        found = replace(scan, pr_context=context, evidence=(finding,), reused_findings=())
        report = build(scan=found, results=(), posted_before=known)
        assert len(report.findings) + len(report.rejected) == 1
        reasons = [(item.reason, item.detail) for item in report.rejected]
        assert reasons in ([], [(RejectionReason.FAILED_CHECK, "lint")])
        return not reasons

    assert reported(lint) is not is_repeated
    for kept in (
        replace(lint, severity=Severity.HIGH),
        replace(lint, category=Category.SECURITY),
        replace(lint, start_line=None, end_line=None),
    ):
        assert reported(kept), "a check says whatever whoever pushes wants it to say"
    assert reported(lint, known=frozenset({lint.fingerprint})), "it would be taken for fixed"


def test_the_estimate_counts_what_was_to_be_read(build: Build, scan: Scan) -> None:
    """129 lines at 400 an hour, and half a minute for each of two files."""
    assert build(config=RepoConfig(effort_estimate=True)).review_minutes == 20
    nothing = replace(scan, reviewed_paths=())
    assert build(scan=nothing, config=RepoConfig(effort_estimate=True)).review_minutes == 1
