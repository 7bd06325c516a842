"""The whole report as JSON, with its findings counted (pure)."""

from dataclasses import dataclass, fields

from bot.domain.model import Category, Report, Severity, encode
from workers.reports.verdict import categories, counts, finders


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many findings there are of each kind.

    `severity` and `category` have all there are, 0 included; `source` has `llm` and those
    analysers that found something. What several found counts for each of them, so that their
    numbers may add up to more than there are findings.
    """

    severity: dict[Severity, int]
    category: dict[Category, int]
    source: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedReport(Report):
    # The published schema tells of the fields in these words.
    __doc__ = Report.__doc__

    counts: Counts


def as_json(report: Report) -> bytes:
    """UTF-8 JSON of a CountedReport, which reads as a Report as well."""
    values = {field.name: getattr(report, field.name) for field in fields(report)}
    return encode(CountedReport(**values, counts=_counts(report)))


def _counts(report: Report) -> Counts:
    """Counted when it is written, and not kept: findings say it all."""
    return Counts(
        severity=dict.fromkeys(Severity, 0) | dict(counts(report.findings)),
        category=dict.fromkeys(Category, 0) | dict(categories(report.findings)),
        source=dict(finders(report.findings)),
    )
