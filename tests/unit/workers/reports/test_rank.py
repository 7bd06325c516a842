"""Few comments, and those that matter."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Category, CheckOutcome, Finding, Report, Severity
from tests.support.tally import Tally, tallied
from workers.reports.rank import (
    IN_FULL_MIN,
    INLINE_CONFIDENCE,
    Shown,
    choose_inline,
    is_lint,
    may_be_comment,
    rank_score,
    ranked,
    shown,
)

CONFIRMED, UNCHECKED, UNDECIDED = (
    CheckOutcome.CONFIRMED,
    CheckOutcome.UNCHECKED,
    CheckOutcome.UNDECIDED,
)
LINTER = {"source": "ruff:F821", "confidence": 1.0}
FINDINGS = st.builds(
    Finding,
    path=st.sampled_from(["a.py", "b.py"]),
    category=st.sampled_from(Category),
    severity=st.sampled_from(Severity),
    title=st.just("A title"),
    body=st.just(""),
    confidence=st.floats(0, 1),
    source=st.sampled_from(["llm", "ruff:F821", "ruff:S608", "llm+ruff:F821"]),
    start_line=st.sampled_from([None, 1, 2]),
    fingerprint=st.text("abcdef", min_size=4, max_size=4),
    check=st.sampled_from(CheckOutcome),
    agreement=st.integers(1, 4),
).map(lambda f: replace(f, end_line=f.start_line))


@pytest.mark.parametrize(
    ("severity", "check", "confidence", "agreement", "anchored", "expected"),
    [
        ("critical", CONFIRMED, 1.0, 1, True, 100.0),
        ("critical", CONFIRMED, 1.0, 3, True, 140.0),
        ("critical", UNDECIDED, 0.0, 1, True, 12.5),
        ("high", CONFIRMED, 0.8, 1, True, 45.0),
        ("high", UNCHECKED, 0.8, 1, True, 31.5),
        ("high", UNDECIDED, 0.8, 1, True, 11.2),
        ("high", CONFIRMED, 0.8, 1, False, 27.0),
        ("medium", CONFIRMED, 0.8, 1, True, 22.5),
        ("medium", CONFIRMED, 0.8, 2, True, 28.1),
        ("medium", UNCHECKED, 0.8, 1, True, 15.8),
        ("medium", UNDECIDED, 0.8, 1, True, 5.6),
        ("low", CONFIRMED, 0.8, 1, True, 7.2),
        ("low", UNCHECKED, 0.8, 1, True, 5.0),
        ("info", CONFIRMED, 1.0, 3, True, 2.8),
    ],
)
def test_the_score_of_a_models_finding(
    severity: str,
    check: CheckOutcome,
    confidence: float,
    agreement: int,
    anchored: bool,
    expected: float,
    one: Finding,
) -> None:
    finding = replace(
        one,
        severity=Severity(severity),
        check=check,
        confidence=confidence,
        agreement=agreement,
        start_line=3 if anchored else None,
        end_line=3 if anchored else None,
    )
    assert rank_score(finding) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"source": "secrets:aws", "severity": "critical", "category": "security"}, 100.0),
        ({"source": "ruff:S608", "severity": "medium", "category": "security"}, 25.0),
        ({"source": "ruff:F821", "severity": "high"}, 7.0),
        ({"source": "ruff:F401", "severity": "low"}, 7.0),
        ({"source": "ruff:X1", "severity": "info"}, 2.0),
        ({"source": "llm+ruff:F821", "severity": "high", "check": CONFIRMED}, 50.0),
    ],
)
def test_the_score_of_an_analyzers_finding(
    changes: dict[str, Any], expected: float, one: Finding
) -> None:
    changes |= {"severity": Severity(changes["severity"]), "confidence": 1.0}
    changes["category"] = Category(changes.get("category", "quality"))
    assert rank_score(replace(one, **changes)) == expected


def test_a_linter_never_takes_a_defects_place(one: Finding) -> None:
    severities = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM)
    for severity, confidence, line in product(severities, (0.2, 0.5, 1.0), (None, 3)):
        defect = replace(
            one,
            severity=severity,
            confidence=confidence,
            check=CONFIRMED,
            start_line=line,
            end_line=line,
        )
        for worst in Severity:
            lint = replace(one, source="ruff:F821", severity=worst, confidence=1.0, agreement=3)
            assert is_lint(lint)
            assert rank_score(lint) < rank_score(defect)


def several(one: Finding, *severities: str, **changes: Any) -> list[Finding]:
    return [
        replace(one, severity=Severity(name), fingerprint=f"{name}{n}", check=CONFIRMED, **changes)
        for n, name in enumerate(severities)
    ]


@pytest.mark.parametrize(
    ("severities", "limit", "expected"),
    [
        ((), 5, ()),
        (("high", "medium", "low"), 5, ("high0", "medium1", "low2")),
        (("high", "medium", "low"), 2, ("high0", "medium1")),
        (("high", "medium", "low"), 0, ()),
        (("critical", "high"), 0, ()),
        (("low", "critical", "critical", "high", "critical"), 2,
         ("critical1", "critical2", "critical4", "high3", "low0")),
        (("low", "critical", "high", "critical"), 1, ("critical1", "critical3", "high2")),
        (("info", "medium"), 5, ("medium1",)),
    ],
)  # fmt: skip
def test_the_best_are_inline_and_every_critical_one(
    severities: tuple[str, ...], limit: int, expected: tuple[str, ...], one: Finding
) -> None:
    findings = ranked(several(one, *severities))
    assert choose_inline(findings, (), limit) == expected


def test_what_is_on_its_line_already_takes_no_place(one: Finding) -> None:
    findings = ranked(several(one, "high", "medium", "low"))
    assert choose_inline(findings, {"high0"}, 2) == ("medium1", "low2")


def test_what_has_no_line_takes_no_place(one: Finding, report: Report) -> None:
    loose, *rest = several(one, "high", "medium")
    loose = replace(loose, start_line=None, end_line=None)
    assert choose_inline(ranked([loose, *rest]), (), 1) == ("medium1",)
    assert shown(loose, report) is Shown.BODY
    assert shown(replace(loose, check=UNDECIDED), report) is Shown.FOLDED
    least = replace(loose, severity=Severity.MEDIUM, check=CONFIRMED, confidence=1.0)
    assert rank_score(least) == IN_FULL_MIN
    assert shown(least, report) is Shown.BODY
    assert shown(rest[0], report) is Shown.FOLDED
    assert shown(rest[0], replace(report, inline=("medium1",))) is Shown.INLINE
    assert shown(rest[0], replace(report, still_open=("medium1",))) is Shown.STILL_OPEN


def test_a_linter_is_inline_only_where_there_is_a_place_left(one: Finding) -> None:
    lint = replace(one, severity=Severity.HIGH, fingerprint="lint", **LINTER)  # type: ignore[arg-type]
    findings = ranked([lint, *several(one, "medium", "medium")])
    assert choose_inline(findings, (), 3) == ("medium0", "medium1", "lint")
    assert choose_inline(findings, (), 2) == ("medium0", "medium1")


def test_later_reviews_comment_on_what_is_severe_and_newly_changed_only(one: Finding) -> None:
    findings = ranked(
        [*several(one, "high", "medium"), *several(one, "critical", "high", path="old.py")]
    )
    fresh = {one.path}
    assert choose_inline(findings, (), 5, only_severe=True, fresh_paths=fresh) == ("high0",)
    everywhere = choose_inline(findings, (), 5, only_severe=True)
    assert set(everywhere) == {"critical0", "high0", "high1"} & set(everywhere)
    assert "medium1" not in everywhere


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"confidence": INLINE_CONFIDENCE}, True),
        ({"confidence": INLINE_CONFIDENCE - 0.01}, False),
        ({"confidence": 0.3, "severity": Severity.HIGH}, False),
        ({"confidence": 0.3, "severity": Severity.CRITICAL}, True),
        ({"confidence": 0.3, "agreement": 2}, True),
    ],
)
def test_what_is_hardly_believed_is_no_comment(changes: dict[str, Any], expected: bool) -> None:
    finding = Finding(
        **{
            "path": "a.py",
            "category": Category.CORRECTNESS,
            "severity": Severity.MEDIUM,
            "title": "The page is not checked",
            "body": "It fails.",
            "check": CONFIRMED,
            "start_line": 3,
            "end_line": 3,
            "fingerprint": "f",
            "source": "llm",
            **changes,
        }
    )
    assert may_be_comment(finding) is expected
    assert choose_inline([finding], (), 5) == (("f",) if expected else ())


@tallied
@given(findings=st.lists(FINDINGS, min_size=6, max_size=20), limit=st.integers(0, 3))
def test_the_choice_is_the_critical_ones_and_the_best_others(
    tally: Tally, findings: list[Finding], limit: int
) -> None:
    tally.at_least(chosen=0.2, cut=0.05)
    findings = [replace(f, fingerprint=f"{n:04}") for n, f in enumerate(findings)]
    order = ranked(findings)
    assert order == ranked(findings[::-1])
    chosen = choose_inline(order, (), limit)
    able = [f for f in order if f.anchored and may_be_comment(f)]
    others = [f for f in able if f.severity is not Severity.CRITICAL][:limit]
    best = [f.fingerprint for f in able if f.severity is Severity.CRITICAL or f in others]
    assert chosen == (tuple(best) if limit else ())
    tally.add(chosen=bool(chosen), cut=0 < len(chosen) < len(able))


@given(FINDINGS, st.sampled_from(Severity), st.sampled_from(CheckOutcome), st.floats(0, 1))
def test_the_score_is_monotonic(
    finding: Finding, severity: Severity, check: CheckOutcome, confidence: float
) -> None:
    graver, milder = sorted((finding.severity, severity), key=lambda each: each.rank)
    assert rank_score(replace(finding, severity=graver)) >= rank_score(
        replace(finding, severity=milder)
    )
    assert rank_score(replace(finding, check=CONFIRMED)) >= rank_score(
        replace(finding, check=check)
    )
    assert rank_score(replace(finding, confidence=1.0)) >= rank_score(
        replace(finding, confidence=confidence)
    )
    assert 0 < rank_score(finding) <= 140
