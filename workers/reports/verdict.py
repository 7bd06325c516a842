"""The first sentence of a review, and how many findings of each kind it has (pure)."""

from collections import Counter
from collections.abc import Sequence

from bot.domain.model import Category, Finding, Severity
from workers.reports.sources import LLM, tools_of


def counts(findings: Sequence[Finding]) -> list[tuple[Severity, int]]:
    """How many of each severity, most severe first; only those that occur."""
    seen = Counter(finding.severity for finding in findings)
    return [(severity, seen[severity]) for severity in Severity if seen[severity]]


def categories(findings: Sequence[Finding]) -> list[tuple[Category, int]]:
    """How many of each category; only those that occur."""
    seen = Counter(finding.category for finding in findings)
    return [(category, seen[category]) for category in Category if seen[category]]


def finders(findings: Sequence[Finding]) -> list[tuple[str, int]]:
    """How many `llm` and each analyser found, `llm` first, then who found most. What several
    found counts for each of them."""
    seen = Counter(name for finding in findings for name in tools_of(finding))
    return sorted(seen.items(), key=lambda item: (item[0] != LLM, -item[1], item[0]))


def breakdown(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """The counts beside those of severities as lines for people, each a name and a text. A
    single finding says all of that itself."""
    if len(findings) < 2:
        return []
    found = [("LLM" if name == LLM else name, number) for name, number in finders(findings)]
    lines = ("By category", categories(findings)), ("By source", found)
    return [(name, ", ".join(f"{n} {kind}" for kind, n in totals)) for name, totals in lines]


def verdict(findings: Sequence[Finding], files_left_out: int, files_reviewed: int) -> str:
    """What to do, in one sentence."""
    totals = counts(findings)
    severe = [item for item in totals if item[0].rank <= Severity.HIGH.rank]
    if severe:
        return f"Fix before merging: {_listed(severe)}."
    if totals and totals[0][0] is Severity.MEDIUM:
        return f"Worth a look before merging: {_listed(totals)}."
    if totals:
        return f"Nothing that stands in the way of merging; {_listed(totals)}."
    if files_left_out and not files_reviewed:
        return f"Nothing was reviewed: {plural(files_left_out, 'changed file')} left out."
    if files_left_out:
        return f"No problems found in what was reviewed; {plural(files_left_out, 'file')} not."
    return "No problems found."


def plural(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _listed(totals: Sequence[tuple[Severity, int]]) -> str:
    parts = [f"{number} {severity}" for severity, number in totals]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
