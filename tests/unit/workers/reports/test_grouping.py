"""A rule that fires everywhere is one comment."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.domain.model import Finding, Report, Severity, SkippedFile
from bot.domain.reasons import FileSkipReason
from bot.security.links import Links
from tests.support.runtime_growth import growth
from workers.reports.dedupe import deduplicate
from workers.reports.grouping import SEPARATE, fold_repeats
from workers.reports.render import comment_body, review_body

Build = Callable[..., Report]


@pytest.fixture
def many(one: Finding) -> list[Finding]:
    return [
        replace(one, source="bandit:B608", path=f"m{n}.py", start_line=n, end_line=n,
                fingerprint=f"f{n}")
        for n in range(1, 31)
    ]  # fmt: skip


def test_few_of_a_rule_stay_as_they_are(many: list[Finding]) -> None:
    few = many[:SEPARATE]
    assert fold_repeats(few, frozenset()) == few


def test_many_become_one_that_names_the_other_places(many: list[Finding]) -> None:
    (folded,) = fold_repeats(many, frozenset())
    assert folded.fingerprint == "f1"
    body = comment_body(folded)
    assert "The same in 29 other places:" in body
    assert "`m2.py:2`" in body
    assert "and 9 more" in body
    assert "m1.py" not in body


def test_a_finding_posted_before_represents_the_others(many: list[Finding]) -> None:
    (folded,) = fold_repeats(many, frozenset({"f7"}))
    assert folded.fingerprint == "f7"
    assert "`m1.py:1`" in folded.body


def test_findings_posted_before_are_still_reported(many: list[Finding]) -> None:
    # What is not told counts as gone, and its thread would be resolved.
    folded = fold_repeats(many, frozenset({"f7", "f9"}))
    assert [finding.fingerprint for finding in folded] == ["f7", "f9"]
    assert "The same in 28 other places:" in folded[0].body
    assert "`m9.py:9`" not in folded[0].body
    assert fold_repeats(many, frozenset(f.fingerprint for f in many)) == many


def test_a_single_other_place_is_counted_in_the_singular(many: list[Finding]) -> None:
    folded = fold_repeats(many[:3], frozenset({"f1", "f2"}))
    assert "The same in 1 other place:" in folded[0].body


def test_a_finding_on_each_of_many_lines_is_soon_folded(many: list[Finding]) -> None:
    # 30,000 changed lines are read; each compared with each would take minutes, during which
    # the worker does nothing else.
    def fold(size: int) -> None:
        lines = [
            replace(many[0], start_line=n, end_line=n, fingerprint=f"{n:016x}") for n in range(size)
        ]
        (folded,) = fold_repeats(deduplicate(lines, frozenset({"x"})), frozenset({"x"}))
        assert f"{size - 1:,} other places" in folded.body

    assert growth(fold, 30_000) < 9


def test_other_rules_severities_and_llm_findings_are_kept_apart(many: list[Finding]) -> None:
    graver = [replace(f, severity=Severity.CRITICAL, fingerprint=f"g{f.fingerprint}") for f in many]
    llm_findings = [replace(f, source="llm", fingerprint=f"l{f.fingerprint}") for f in many]
    folded = fold_repeats([*graver, *many, *llm_findings], frozenset())
    assert [f.fingerprint for f in folded] == ["gf1", "f1", *(f.fingerprint for f in llm_findings)]


def test_each_different_title_is_reported(many: list[Finding]) -> None:
    named = [replace(f, title=f"`x{n}` is never used") for n, f in enumerate(many[:4])]
    (folded,) = fold_repeats(named, frozenset())
    assert "- `m2.py:2`: `x1` is never used" in folded.body


def test_skipped_files_are_grouped_by_reason(build: Build, scan: object) -> None:
    skipped = tuple(SkippedFile(f"gen/{n}.py", FileSkipReason.GENERATED) for n in range(12))
    skipped = (*skipped, SkippedFile("a.png", FileSkipReason.BINARY))
    report = build(scan=replace(scan, skipped=skipped))  # type: ignore[type-var]
    body = review_body(report, Links())
    assert "Not reviewed: 13 files" in body
    assert "- generated: 12 files, as `gen/0.py`, `gen/1.py`" in body
    assert "gen/5.py" not in body
    assert "- binary file: `a.png`" in body


def test_low_confidence_evidence_is_dropped_and_counted(build: Build, scan: object) -> None:
    (first, *rest) = scan.evidence  # type: ignore[attr-defined]
    low_confidence = replace(first, confidence=0.4, path="alone.py", fingerprint="d")
    report = build(scan=replace(scan, evidence=(low_confidence, *rest)))  # type: ignore[type-var]
    assert "d" not in {f.fingerprint for f in report.findings}
    assert ("alone.py", "low confidence (0.4 of 0.6)") in {
        (item.path, item.text) for item in report.rejected
    }
