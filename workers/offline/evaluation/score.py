"""How good reviews were: pure functions over findings and what was expected."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.model import Finding, Usage
from workers.offline.evaluation.cases import Expected

#: A comment so many lines beside the defect still points at it.
NEAR_LINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One case's review. `hits` are the expected defects that a finding points at, `right` the
    findings that point at one which no other finding was counted for: a second comment on the
    same defect is noise."""

    name: str
    expected: int
    hits: int
    findings: int
    right: int
    anchored: int
    suggestions: int
    usage: Usage
    refused_suggestions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All cases together. Shares lie in 0..1; None where there was nothing to count."""

    cases: int
    silent_cases: int  # with no defect, in which nothing was said
    clean_cases: int  # with no defect
    precision: float | None
    recall: float | None
    f1: float | None
    comments_per_review: float
    anchored_share: float | None
    suggestion_applies_share: float | None
    usage: Usage


def points_at(finding: Finding, expected: Expected) -> bool:
    """Whether a finding is about that defect: its file, its category, and its lines or near."""
    if finding.path != expected.path or finding.category is not expected.category:
        return False
    if finding.start_line is None or finding.end_line is None:
        return True  # told in the summary: about the file, and of that kind
    return (
        finding.start_line - NEAR_LINES <= expected.last
        and expected.first <= finding.end_line + NEAR_LINES
    )


def outcome(
    name: str,
    expected: Sequence[Expected],
    findings: Sequence[Finding],
    usage: Usage,
    *,
    refused_suggestions: int = 0,
) -> Outcome:
    """One case, counted. `refused_suggestions` did not apply, parse or change anything."""
    return Outcome(
        name=name,
        expected=len(expected),
        hits=sum(any(points_at(f, defect) for f in findings) for defect in expected),
        findings=len(findings),
        right=_right(expected, findings),
        anchored=sum(finding.anchored for finding in findings),
        suggestions=sum(finding.suggestion is not None for finding in findings),
        usage=usage,
        refused_suggestions=refused_suggestions,
    )


def _right(expected: Sequence[Expected], findings: Sequence[Finding]) -> int:
    """As many findings as can be given a defect of their own (by augmenting paths)."""
    owner: dict[int, int] = {}

    def placed(number: int, tried: set[int]) -> bool:
        for at, defect in enumerate(expected):
            if at not in tried and points_at(findings[number], defect):
                tried.add(at)
                if at not in owner or placed(owner[at], tried):
                    owner[at] = number
                    return True
        return False

    return sum(placed(number, set()) for number in range(len(findings)))


def summarize(outcomes: Sequence[Outcome]) -> Summary:
    """All outcomes in figures; each finding and each defect counts the same."""
    findings, expected = sum(o.findings for o in outcomes), sum(o.expected for o in outcomes)
    precision = _share(sum(o.right for o in outcomes), findings)
    recall = _share(sum(o.hits for o in outcomes), expected)
    clean = [o for o in outcomes if not o.expected]
    given = sum(o.suggestions + o.refused_suggestions for o in outcomes)
    return Summary(
        cases=len(outcomes),
        silent_cases=sum(not o.findings for o in clean),
        clean_cases=len(clean),
        precision=precision,
        recall=recall,
        f1=_f1(precision, recall),
        comments_per_review=findings / len(outcomes) if outcomes else 0.0,
        anchored_share=_share(sum(o.anchored for o in outcomes), findings),
        suggestion_applies_share=_share(sum(o.suggestions for o in outcomes), given),
        usage=sum((o.usage for o in outcomes), Usage()),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _f1(precision: float | None, recall: float | None) -> float | None:
    if precision is None or recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
