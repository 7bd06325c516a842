"""Outcomes: of several things that happened one counts, and shares are of what is settled."""

from typing import Any

import pytest

from bot.domain.model import Category, Effort, Severity
from bot.domain.outcomes import (
    Dimension,
    FindingOutcome,
    Outcome,
    PostedFinding,
    Signal,
    holds_suggestion,
    outcome_report,
    suggestion_name,
)

DAY = 86_400.0
NOW = 1_795_953_600.0  # Sunday, 2026-11-29, 12:00 UTC

FINDING = PostedFinding(
    repository="octo/demo",
    review="01",
    fingerprint="00000000000000a1",
    path="a.py",
    title="t",
    category=Category.SECURITY,
    severity=Severity.HIGH,
    source="llm",
    effort=Effort.STANDARD,
    inline=True,
)


def outcome(
    *signals: Signal, days_ago: float = 1, after: float = 600, **more: Any
) -> FindingOutcome:
    at = NOW - days_ago * DAY
    return FindingOutcome(
        finding=FINDING,
        repository_id=11,
        number=1,
        posted_at=at,
        signals=dict.fromkeys(signals, at + after),
        **more,
    )


@pytest.mark.parametrize(
    ("one", "expected", "settled"),
    [
        (outcome(), Outcome.OPEN, False),
        (outcome(closed_at=NOW), Outcome.CLOSED, False),
        (outcome(merged_at=NOW), Outcome.IGNORED, True),
        (outcome(Signal.ANSWERED), Outcome.ANSWERED, False),
        (outcome(Signal.ANSWERED, merged_at=NOW), Outcome.ANSWERED, True),
        (outcome(Signal.OUTDATED, merged_at=NOW), Outcome.OUTDATED, True),
        (outcome(Signal.OUTDATED, Signal.FIXED), Outcome.FIXED, True),
        (outcome(Signal.FIXED, Signal.COMMITTED, Signal.THUMBS_UP), Outcome.COMMITTED, True),
        (outcome(Signal.FIXED, Signal.DISMISSED, merged_at=NOW), Outcome.DISMISSED, True),
        (outcome(Signal.THUMBS_UP, Signal.ANSWERED), Outcome.THUMBS_UP, True),
        (outcome(Signal.THUMBS_DOWN, closed_at=NOW), Outcome.THUMBS_DOWN, True),
    ],
)
def test_of_what_happened_that_counts_which_says_most(
    one: FindingOutcome, expected: Outcome, settled: bool
) -> None:
    assert (one.outcome, one.settled) == (expected, settled)


def test_shares_are_of_settled_findings_and_times_of_fixed_ones() -> None:
    found = [
        outcome(Signal.FIXED, after=600),
        outcome(Signal.FIXED, Signal.COMMITTED, after=1800),
        outcome(Signal.DISMISSED),
        outcome(merged_at=NOW),
        outcome(),
        outcome(closed_at=NOW),
    ]
    report = outcome_report(found, NOW - 7 * DAY, NOW)
    assert (report.total.posted, report.total.settled) == (6, 4)
    assert (report.total.acceptance, report.total.false_positives) == (0.5, 0.25)
    assert report.total.fix_seconds == 1200
    assert report.total.outcomes == {
        Outcome.DISMISSED: 1,
        Outcome.COMMITTED: 1,
        Outcome.FIXED: 1,
        Outcome.IGNORED: 1,
        Outcome.CLOSED: 1,
        Outcome.OPEN: 1,
    }
    assert set(report.by) == set(Dimension)
    assert [(one.name, one.posted) for one in report.by[Dimension.MODEL]] == [("", 6)]


def test_without_findings_there_are_no_shares() -> None:
    report = outcome_report([], 0.0, NOW)
    assert report.total.acceptance is report.total.false_positives is None
    assert report.total.fix_seconds is None
    assert [(week.name, week.posted) for week in report.weeks] == [("2026-11-23", 0)]


def test_weeks_begin_on_monday_and_none_is_left_out() -> None:
    found = [outcome(days_ago=0), outcome(days_ago=6), outcome(days_ago=20)]
    report = outcome_report(found, 0.0, NOW)
    assert [(week.name, week.posted) for week in report.weeks] == [
        ("2026-11-09", 1),
        ("2026-11-16", 0),
        ("2026-11-23", 2),
    ]


def test_a_suggestion_is_known_by_its_lines_whatever_their_indentation() -> None:
    name = suggestion_name("    x = 1\n\n    y = 2")
    assert not holds_suggestion("x = 2\ny = 2\n", name)
    assert holds_suggestion("def f():\n  x = 1\n\n\n  y = 2\n", name)
    assert not holds_suggestion("x = 1\nz = 0\ny = 2\n", name)
    assert not holds_suggestion("", name)
    assert suggestion_name("") == suggestion_name(None) == suggestion_name("\n") == ""
