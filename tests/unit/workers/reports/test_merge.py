"""Joining, ranking and judging what was found."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.repository_config import RepoConfig
from bot.config.settings import FailOn
from bot.domain.model import (
    BatchResult,
    Category,
    Finding,
    Report,
    Review,
    Scan,
    Severity,
    SkippedFile,
)
from bot.domain.reasons import FileSkipReason
from workers.reports.dedupe import deduplicate
from workers.reports.merge import conclusion
from workers.reports.rank import rank_score
from workers.reports.verdict import verdict

Build = Callable[..., Report]

NAMES = [f"{path}:{name}" for path in ("a.py", "b.py") for name in "abcde"]
FINDINGS = st.builds(
    Finding,
    path=st.sampled_from(["a.py", "b.py"]),
    category=st.sampled_from(Category),
    severity=st.sampled_from(Severity),
    title=st.sampled_from(["A title", "Another"]),
    body=st.text(max_size=5),
    confidence=st.floats(0, 1),
    source=st.sampled_from(["llm", "ruff:F401", "bandit:B608"]),
    quote=st.sampled_from(["", "x = 1", "x  =  1", "y = 2"]),
    start_line=st.integers(1, 5),
    end_line=st.integers(5, 9),
    fingerprint=st.sampled_from("abcde"),
).map(lambda f: replace(f, fingerprint=f"{f.path}:{f.fingerprint}"))  # it names the path too


def by(report: Report, fingerprint: str) -> Finding:
    return next(f for f in report.findings if f.fingerprint == fingerprint)


def test_a_finding_of_analyzer_and_llm_is_reported_once_with_both_sources(report: Report) -> None:
    joined = by(report, "00000000000000b1")
    assert joined.source == "llm+bandit:B608"
    assert joined.severity is Severity.CRITICAL
    assert joined.confidence == 1.0
    assert joined.title == "The search text goes into the SQL as it is"
    assert "Possible SQL injection" in joined.body
    assert joined.suggestion is not None
    assert "00000000000000a2" not in {f.fingerprint for f in report.findings}


def test_a_joined_finding_keeps_the_name_under_which_it_was_posted(build: Build) -> None:
    report = build(posted_before=frozenset({"00000000000000a2"}))
    assert by(report, "00000000000000a2").source == "llm+bandit:B608"
    assert report.still_open == ("00000000000000a2",)
    assert "00000000000000a2" not in report.inline


def test_a_joined_finding_is_dismissed_under_either_name(build: Build) -> None:
    for name in ("00000000000000a2", "00000000000000b1"):
        standing = frozenset({"00000000000000a2"})
        report = build(dismissed=frozenset({name}), posted_before=standing)
        assert not {"00000000000000a2", "00000000000000b1"} & {
            f.fingerprint for f in report.findings
        }
        assert "dismissed" in {item.reason for item in report.rejected}


def test_a_suggestion_is_kept_where_the_analyzer_finds_more(one: Finding) -> None:
    pr_context = replace(one, source="llm", body="b", suggestion="x = 1", fingerprint="a")
    rich = replace(one, source="ruff:F1", body="b" * 99, suggestion=None, fingerprint="b")
    (merged,) = deduplicate([rich, pr_context], frozenset())
    assert (merged.body[:99], merged.suggestion) == (rich.body, "x = 1")
    assert pr_context.end_line is not None
    longer = replace(rich, end_line=pr_context.end_line + 1)
    (merged,) = deduplicate([longer, pr_context], frozenset())
    assert merged.suggestion is None  # it would replace other lines


def test_what_ranks_highest_comes_first(report: Report) -> None:
    ranks = [rank_score(f) for f in report.findings]
    assert ranks == sorted(ranks, reverse=True)


def test_only_new_anchored_findings_go_on_lines_and_only_so_many(build: Build) -> None:
    everything = build()
    assert set(everything.inline) == {f.fingerprint for f in everything.findings if f.anchored}
    few = build(config=RepoConfig(max_comments=2))
    assert few.inline == everything.inline[:2]
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
        scan, reviewed_paths=("shop/orders.py",), skipped_unlisted=3, failed_sources=("bandit",)
    )
    report = build(scan=scan)
    assert (report.reviewed_paths, report.skipped_unlisted, report.failed_sources) == (
        ("shop/orders.py",),
        3,
        ("bandit",),
    )
    assert build(scan=scan, llm="").failed_sources == ("bandit", "llm")


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
    assert report.verdict == "Nothing was reviewed: 301 changed files left out."


def test_an_analyzers_only_report_is_marked(build: Build) -> None:
    report = build(results=(), llm="")
    assert report.notes[0] == "No LLM is configured: static analysers alone made this review."
    silent = build(results=(BatchResult(),))
    assert silent.notes[0] == "The LLM gave no answer: static analysers alone made this review."
    assert {f.source for f in report.findings} >= {"bandit:B608", "ruff:F401"}


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


def test_findings_of_two_llm_answers_on_one_line_are_two(one: Finding) -> None:
    other = replace(one, title="Another", fingerprint="b")
    assert len(deduplicate([one, other], frozenset())) == 2


def test_repeated_findings_are_listed_with_the_first(one: Finding) -> None:
    """They share a fingerprint, and with it a comment: who mends that one alone sees no other."""
    first = replace(one, source="ruff:E722", start_line=3, end_line=3)
    again = [replace(first, start_line=line, end_line=line) for line in (40, 9, 40)]
    (merged,) = deduplicate([first, *again], frozenset())
    assert (merged.start_line, merged.fingerprint) == (3, first.fingerprint)
    places = f"The same in 2 other places:\n\n- `{one.path}:9`\n- `{one.path}:40`"
    assert merged.body == f"{first.body}\n\n{places}"
    confirmed = replace(first, source="llm", body="b" * 500, start_line=39, end_line=41)
    (merged,) = deduplicate([first, *again, confirmed], frozenset())
    assert "2 other places" in merged.body
    assert f"`{one.path}:40`" not in merged.body
    assert len(deduplicate([first] * 3, frozenset())) == 1
    assert deduplicate([first] * 3, frozenset())[0].body == first.body


def test_a_second_thing_about_the_same_lines_is_not_lost(one: Finding) -> None:
    other = replace(one, title="Something else", severity=Severity.INFO)
    (merged,) = deduplicate([other, one], frozenset())
    assert merged.title == one.title
    assert merged.body == f"{one.body}\n\nAlso: Something else"


@given(st.lists(FINDINGS, max_size=12), st.frozensets(st.sampled_from(NAMES)))
def test_joining_loses_no_file_and_no_severity_and_names_each_finding_once(
    findings: list[Finding], posted: frozenset[str]
) -> None:
    merged = deduplicate(findings, posted)
    names = [f.fingerprint for f in merged]
    assert len(names) == len(set(names))
    assert set(names) <= {f.fingerprint for f in findings}
    for path in {f.path for f in findings}:
        assert _worst(merged, path) == _worst(findings, path)


def _worst(findings: list[Finding], path: str) -> int:
    return min(f.severity.rank for f in findings if f.path == path)


@pytest.mark.parametrize(
    ("severities", "skipped", "reviewed", "sentence"),
    [
        ((), 0, 1, "No problems found."),
        ((), 2, 1, "No problems found in what was reviewed; 2 files not."),
        ((), 1, 0, "Nothing was reviewed: 1 changed file left out."),
        (("critical", "high", "high", "low"), 0, 1, "Fix before merging: 1 critical and 2 high."),
        (("medium", "low"), 0, 1, "Worth a look before merging: 1 medium and 1 low."),
        (("low", "info"), 0, 1, "Nothing that stands in the way of merging; 1 low and 1 info."),
    ],
)
def test_the_verdict_states_what_to_do(
    severities: tuple[str, ...], skipped: int, reviewed: int, sentence: str, one: Finding
) -> None:
    findings = [replace(one, severity=Severity(name)) for name in severities]
    assert verdict(findings, skipped, reviewed) == sentence
