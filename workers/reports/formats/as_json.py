"""The whole report as JSON: each finding with its rank and where it is shown, and counts (pure)."""

from dataclasses import dataclass, fields
from inspect import cleandoc
from typing import Any

from bot.domain.model import Category, Finding, Report, Severity, encode
from workers.reports.fix_prompt import fix_prompt
from workers.reports.rank import Shown, rank_score, shown
from workers.reports.verdict import categories, counts, finders


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many findings there are of each kind; one at several places counts for each of them.

    `severity` and `category` have all there are, 0 included; `source` has `llm` and those
    analyzers that found something. What several found counts for each of them, so that their
    numbers may add up to more than there are findings. `shown` is the exception: it counts a
    finding once, as it is one comment or one line.
    """

    total: int
    severity: dict[Severity, int]
    category: dict[Category, int]
    source: dict[str, int]
    shown: dict[Shown, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedFinding(Finding):
    # The published schema describes the fields in these words. Python 3.13 has no indentation in
    # docstrings, versions before it have.
    __doc__ = (
        f"{cleandoc(Finding.__doc__ or '')}\n\n`shown` is where the review has it, `rank` how much "
        "it matters: 0 to 140; `fix_prompt` is what a coding agent can be given to fix it."
    )

    shown: Shown
    rank: float
    fix_prompt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedReport(Report):
    __doc__ = Report.__doc__

    findings: tuple[RankedFinding, ...]
    counts: Counts


def as_json(report: Report) -> bytes:
    """UTF-8 JSON of a CountedReport, which reads as a Report as well."""
    findings = tuple(
        RankedFinding(
            **_values(finding),
            shown=shown(finding, report),
            rank=rank_score(finding),
            fix_prompt=fix_prompt(report, [finding]),
        )
        for finding in report.findings
    )
    values = _values(report) | {"findings": findings, "counts": _counts(report)}
    return encode(CountedReport(**values))


def _values(item: Report | Finding) -> dict[str, Any]:
    return {field.name: getattr(item, field.name) for field in fields(item)}


def _counts(report: Report) -> Counts:
    """Counted when it is written, and not kept: findings say it all."""
    where = [shown(finding, report) for finding in report.findings]
    return Counts(
        total=report.total,
        severity=dict.fromkeys(Severity, 0) | dict(counts(report.findings)),
        category=dict.fromkeys(Category, 0) | dict(categories(report.findings)),
        source=dict(finders(report.findings)),
        shown={each: where.count(each) for each in Shown},
    )
