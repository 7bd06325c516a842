"""What counts as found, as right and as silence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Category, Finding, Severity, Usage
from workers.offline.evaluation.cases import Expected
from workers.offline.evaluation.score import NEAR_LINES, Outcome, outcome, points_at, summarize

DEFECT = Expected("a.py", 10, 12, Category.SECURITY, "why")


def finding(**changes: Any) -> Finding:
    values: dict[str, Any] = {
        "path": "a.py",
        "category": Category.SECURITY,
        "severity": Severity.HIGH,
        "title": "t",
        "body": "b",
        "confidence": 1.0,
        "source": "llm",
        "start_line": 10,
        "end_line": 10,
    }
    return Finding(**{**values, **changes})


def counted(**changes: Any) -> Outcome:
    values: dict[str, Any] = {
        "name": "case",
        "expected": 0,
        "hits": 0,
        "findings": 0,
        "right": 0,
        "anchored": 0,
        "suggestions": 0,
        "usage": Usage(),
    }
    return Outcome(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "points"),
    [
        ({}, True),
        ({"start_line": 10 - NEAR_LINES, "end_line": 10 - NEAR_LINES}, True),
        ({"start_line": 12 + NEAR_LINES, "end_line": 40}, True),
        ({"start_line": 1, "end_line": 100}, True),
        ({"start_line": 9 - NEAR_LINES, "end_line": 9 - NEAR_LINES}, False),
        ({"start_line": 13 + NEAR_LINES, "end_line": 40}, False),
        ({"path": "b.py"}, False),
        ({"category": Category.QUALITY}, False),
        ({"start_line": None, "end_line": None}, True),
    ],
)
def test_a_finding_points_at_a_defect_of_its_file_and_category_nearby(
    changes: dict[str, Any], points: bool
) -> None:
    assert points_at(finding(**changes), DEFECT) is points


def test_a_second_comment_on_one_defect_is_noise() -> None:
    result = outcome("case", [DEFECT], [finding(), finding(start_line=12, end_line=12)], Usage())
    assert (result.hits, result.right, result.findings) == (1, 1, 2)


def test_each_defect_has_a_comment_of_its_own_whichever_is_read_first() -> None:
    beside = Expected("a.py", 14, 14, Category.SECURITY, "why")
    reported = [finding(start_line=12, end_line=12), finding(start_line=8, end_line=8)]
    result = outcome("case", [DEFECT, beside], reported, Usage())
    assert (result.hits, result.right) == (2, 2)


def test_unanchored_findings_and_suggestions_are_counted() -> None:
    reported = [finding(suggestion="x"), finding(start_line=None, end_line=None)]
    result = outcome("case", [DEFECT], reported, Usage(), refused_suggestions=3)
    assert (result.anchored, result.suggestions, result.refused_suggestions) == (1, 1, 3)


def test_shares_are_of_all_findings_and_all_defects() -> None:
    summary = summarize(
        [
            counted(expected=2, hits=1, findings=3, right=1, anchored=3, suggestions=1),
            counted(expected=2, hits=2, findings=1, right=1, anchored=0, refused_suggestions=3),
        ]
    )
    assert summary.precision == 0.5
    assert summary.recall == 0.75
    assert summary.f1 == pytest.approx(0.6)
    assert summary.comments_per_review == 2
    assert summary.anchored_share == 0.75
    assert summary.suggestion_applies_share == 0.25


def test_silence_counts_only_where_there_is_no_defect() -> None:
    summary = summarize(
        [counted(), counted(findings=1), counted(expected=1), counted(expected=1, findings=1)]
    )
    assert (summary.clean_cases, summary.silent_cases) == (2, 1)


def test_nothing_to_count_is_no_share() -> None:
    summary = summarize([counted()])
    assert summary.precision is None
    assert summary.recall is None
    assert summary.f1 is None
    assert summary.suggestion_applies_share is None
    assert summarize([]).comments_per_review == 0


def test_only_wrong_comments_give_f1_of_zero() -> None:
    assert summarize([counted(expected=1, findings=2)]).f1 == 0


def test_what_was_spent_is_added_up() -> None:
    spent = Usage(calls=1, prompt_tokens=10, completion_tokens=2, cost=0.5)
    assert summarize([counted(usage=spent)] * 3).usage == Usage(
        calls=3, prompt_tokens=30, completion_tokens=6, cost=1.5
    )


@given(st.lists(st.tuples(*[st.integers(1, 60)] * 2), max_size=6))
def test_hits_and_right_never_exceed_what_there_is(starts: list[tuple[int, int]]) -> None:
    reported = [finding(start_line=min(pair), end_line=max(pair)) for pair in starts]
    result = outcome("case", [DEFECT], reported, Usage())
    assert result.right <= len(reported)
    assert result.hits == (1 if result.right else 0)
