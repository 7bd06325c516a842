"""What counts as found, as right and as silence, inline and in all."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import (
    Category,
    Finding,
    Rejected,
    Report,
    Severity,
    Usage,
)
from bot.domain.reasons import RejectionReason
from tests.support.tally import Tally, tallied
from tests.support.web_server import PULL, REVIEW
from workers.offline.evaluation.cases import Expected
from workers.offline.evaluation.score import (
    NEAR_LINES,
    Outcome,
    Standing,
    named_by_place,
    outcome,
    points_at,
    summarize,
)

REPORT = Report(
    review=REVIEW,
    pull=PULL,
    merge_base="b" * 40,
    verdict="",
    conclusion="success",
    findings=(),
    inline=(),
    files=(),
    skipped=(),
    rejected=(),
    usage=Usage(),
    models=(),
    notes=(),
    reviewed_paths=(),
    finished_at=0,
)
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


def judged(
    expected: list[Expected],
    findings: list[Finding],
    *,
    inline: int | None = None,
    named: list[set[int]] | None = None,
    **changes: Any,
) -> Outcome:
    """The outcome of a review with these findings, of which the first `inline` are comments; judged
    by meaning if it is `named` what they are about."""
    numbered = tuple(replace(each, fingerprint=str(n)) for n, each in enumerate(findings))
    shown = tuple(each.fingerprint for each in numbered[:inline])
    report = replace(REPORT, findings=numbered, inline=shown, **changes)
    by_place = named_by_place(expected, findings)
    return outcome(
        "case",
        expected,
        report,
        by_place if named is None else named,
        by_meaning=named is not None,
    )


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


def test_a_defect_without_category_or_lines_is_anywhere_in_its_file_and_without_path_nowhere() -> (
    None
):
    assert points_at(finding(start_line=90, end_line=90), replace(DEFECT, first=0, last=0))
    assert points_at(finding(category=Category.QUALITY), replace(DEFECT, category=None))
    assert not points_at(finding(), Expected("", 0, 0, None, "why"))


def test_a_second_comment_on_one_defect_is_noise_by_place() -> None:
    result = judged([DEFECT], [finding(), finding(start_line=12, end_line=12)])
    counts = result.everything
    assert (counts.found, counts.right, counts.wrong, counts.comments) == (1, 1, 1, 2)
    assert [each.standing for each in result.comments] == [Standing.RIGHT, Standing.REPEATED]


def test_by_meaning_a_second_comment_counts_neither_way_and_one_may_name_two_defects() -> None:
    counts = judged([DEFECT], [finding()] * 3, named=[{0}, {0}, set()]).everything
    assert (counts.found, counts.right, counts.wrong, counts.precision) == (1, 1, 1, 0.5)
    counts = judged([DEFECT, DEFECT], [finding()], named=[{0, 1}]).everything
    assert (counts.found, counts.right, counts.wrong) == (2, 2, 0)


def test_each_defect_has_a_comment_of_its_own_whichever_is_read_first() -> None:
    beside = Expected("a.py", 14, 14, Category.SECURITY, "why")
    reported = [finding(start_line=12, end_line=12), finding(start_line=8, end_line=8)]
    counts = judged([DEFECT, beside], reported).everything
    assert (counts.found, counts.right) == (2, 2)


def test_what_is_folded_counts_apart() -> None:
    severe = replace(DEFECT, severity=Severity.HIGH)
    folded = Expected("a.py", 30, 30, Category.SECURITY, "why", Severity.CRITICAL)
    reported = [
        finding(),
        finding(path="b.py"),
        finding(start_line=30, end_line=30),
        finding(path="c.py"),
    ]
    result = judged([severe, folded], reported, inline=2)
    assert [(each.found, each.inline) for each in result.defects] == [(True, True), (True, False)]
    assert (result.inline.precision, result.inline.recall, result.inline.f1) == (0.5, 0.5, 0.5)
    assert (result.everything.precision, result.everything.recall) == (0.5, 1)
    summary = summarize([result])
    assert (summary.severe, summary.severe_inline) == (2, 1)
    assert (summary.inline.comments, summary.everything.comments) == (2, 4)


def test_unanchored_findings_and_suggestions_are_counted() -> None:
    reported = [finding(suggestion="x"), finding(start_line=None, end_line=None)]
    dropped = Rejected(path="a.py", title="t", reason=RejectionReason.SUGGESTION_MISPLACED)
    refuted = Rejected(path="a.py", title="t", reason=RejectionReason.REFUTED)
    result = judged([DEFECT], reported, rejected=(dropped, dropped, refuted), complete=False)
    assert (result.anchored, result.suggestions, result.refused_suggestions) == (1, 1, 2)
    summary = summarize([result, judged([], [])])
    assert (summary.anchored_share, summary.suggestion_applies_share) == (0.5, 1 / 3)
    assert (summary.cases, summary.complete_cases) == (2, 1)


def test_shares_are_of_all_findings_and_all_defects() -> None:
    elsewhere = Expected("z.py", 1, 1, Category.SECURITY, "why")
    noisy = judged([DEFECT, elsewhere], [finding(), finding(path="b.py"), finding(path="c.py")])
    both = judged([DEFECT, DEFECT], [finding()])
    everything = summarize([noisy, both]).everything
    assert (everything.precision, everything.recall) == (0.5, 0.75)
    assert everything.f1 == pytest.approx(0.6)


def test_silence_counts_only_where_there_is_no_defect() -> None:
    summary = summarize(
        [
            judged([], []),
            judged([], [finding()]),
            judged([DEFECT], []),
            judged([DEFECT], [finding()]),
        ]
    )
    assert (summary.clean_cases, summary.silent_cases) == (2, 1)


def test_nothing_to_count_is_no_share() -> None:
    summary = summarize([judged([], [])])
    assert summary.inline.precision is None
    assert summary.inline.recall is None
    assert summary.inline.f1 is None
    assert summary.suggestion_applies_share is None
    assert summarize([]).anchored_share is None


def test_only_wrong_comments_give_f1_of_zero() -> None:
    assert judged([DEFECT], [finding(path="b.py")] * 2).everything.f1 == 0


def test_what_was_spent_is_added_up() -> None:
    spent = Usage(calls=1, prompt_tokens=10, completion_tokens=2, cost=0.5)
    assert summarize([judged([], [], usage=spent)] * 3).usage == Usage(
        calls=3, prompt_tokens=30, completion_tokens=6, cost=1.5
    )


@tallied
@given(starts=st.lists(st.tuples(*[st.integers(1, 60)] * 2), max_size=6))
def test_found_and_right_never_exceed_what_there_is(
    tally: Tally, starts: list[tuple[int, int]]
) -> None:
    tally.at_least(right=0.1, wrong=0.1)
    reported = [finding(start_line=min(pair), end_line=max(pair)) for pair in starts]
    counts = judged([DEFECT], reported).everything
    assert counts.right + counts.wrong == len(reported)
    assert counts.found == counts.right <= 1
    tally.add(right=counts.right > 0, wrong=counts.wrong > 0)
