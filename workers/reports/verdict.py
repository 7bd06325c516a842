"""What a review says in short: its first sentence, its numbers, the conclusion (pure).

A defect counts once for each place where it was found.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.config.settings import FailOn
from bot.domain.model import LLM_SOURCE, Category, CheckResult, Finding, Severity
from bot.domain.team_checks import CheckStatus
from templates.languages import _, listed, ngettext, plural

#: Checks named in the first sentence; each has a line of its own below.
_MAX_NAMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many changed files were reviewed, and how many were skipped by a rule or a limit. What
    should have been reviewed and was not: how many files the model did not read, whether it
    answered at all, and the analyzers that failed."""

    reviewed: int
    skipped: int = 0
    unread: int = 0
    model_answered: bool = True
    failed_analyzers: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether something that had to be read was not."""
        return self.unread > 0 or bool(self.failed_analyzers)

    @property
    def complete(self) -> bool:
        return not self.failed and (self.reviewed > 0 or self.skipped == 0)


def counts(findings: Sequence[Finding]) -> list[tuple[Severity, int]]:
    """How many of each severity, most severe first; only those that occur."""
    seen: Counter[Severity] = Counter()
    for finding in findings:
        seen[finding.severity] += finding.occurrences
    return [(severity, seen[severity]) for severity in Severity if seen[severity]]


def categories(findings: Sequence[Finding]) -> list[tuple[Category, int]]:
    """How many of each category; only those that occur."""
    seen: Counter[Category] = Counter()
    for finding in findings:
        seen[finding.category] += finding.occurrences
    return [(category, seen[category]) for category in Category if seen[category]]


def finders(findings: Sequence[Finding]) -> list[tuple[str, int]]:
    """How many `llm` and each analyzer found, `llm` first, then who found most. What several
    found counts for each of them."""
    seen: Counter[str] = Counter()
    for finding in findings:
        for name in finding.tools:
            seen[name] += finding.occurrences
    return sorted(seen.items(), key=lambda item: (item[0] != LLM_SOURCE, -item[1], item[0]))


def breakdown(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """The counts beside those of severities as lines for people, each a name and a text. A
    single finding says all of that itself."""
    if len(findings) < 2:
        return []
    found = [("LLM" if name == LLM_SOURCE else name, number) for name, number in finders(findings)]
    kinds = [(_(category), number) for category, number in categories(findings)]
    lines = (_("By category"), kinds), (_("By source"), found)
    return [(name, ", ".join(f"{n} {kind}" for kind, n in totals)) for name, totals in lines]


def verdict(
    findings: Sequence[Finding], coverage: Coverage, checks: Sequence[CheckResult] = ()
) -> str:
    """What to do, and what is missing, in a few sentences: the team's checks first."""
    sentences = [*_open_checks(checks)]
    if any(check.status is CheckStatus.FAILED for check in checks):
        return " ".join(
            (*sentences, _on_findings(findings, coverage, _("No other problems found.")))
        )
    return " ".join((*sentences, _on_findings(findings, coverage, _("No problems found."))))


def _open_checks(checks: Sequence[CheckResult]) -> Iterator[str]:
    """A sentence on those that failed, and one on those that could not be judged."""
    failed = [check.name for check in checks if check.status is CheckStatus.FAILED]
    untold = [check.name for check in checks if check.status is CheckStatus.COULD_NOT_TELL]
    if failed:
        yield ngettext(
            "{number} check failed: {names}.",
            "{number} checks failed: {names}.",
            len(failed),
            names=_first_names(failed),
        )
    if untold:
        yield ngettext(
            "{number} check could not be judged: {names}.",
            "{number} checks could not be judged: {names}.",
            len(untold),
            names=_first_names(untold),
        )


def _first_names(names: Sequence[str]) -> str:
    more = len(names) - _MAX_NAMES
    rest = [_("{number} more", number=more)] if more > 0 else []
    return listed([*names[:_MAX_NAMES], *rest])


def _on_findings(findings: Sequence[Finding], coverage: Coverage, nothing: str) -> str:
    if not findings and not coverage.reviewed:
        if coverage.failed:
            return _("Nothing was reviewed: {why}.", why=_missing(coverage))
        if coverage.skipped:
            return _("Nothing was reviewed: {why}.", why=_all_skipped(coverage.skipped))
    advice = _advice(counts(findings), nothing)
    if coverage.failed:
        return _("{advice} The review is incomplete: {why}.", advice=advice, why=_missing(coverage))
    if coverage.skipped and not findings:
        missed = ngettext(
            "{number} file was not reviewed.", "{number} files were not reviewed.", coverage.skipped
        )
        return f"{advice} {missed}"
    return advice


def _advice(totals: Sequence[tuple[Severity, int]], nothing: str) -> str:
    severe = [item for item in totals if item[0].rank <= Severity.HIGH.rank]
    if severe:
        return _("{issues} to fix before merging.", issues=_issues(severe))
    if totals and totals[0][0] is Severity.MEDIUM:
        return _("{issues} worth a look before merging.", issues=_issues(totals[:1]))
    if totals:
        notes = ngettext("{parts} note", "{parts} notes", totals[-1][1], parts=_parts(totals))
        return _("Nothing blocking. {notes}.", notes=notes)
    return nothing


def _missing(coverage: Coverage) -> str:
    parts = []
    if coverage.unread and not coverage.model_answered:
        parts.append(_("the LLM did not respond"))
    elif coverage.unread:
        parts.append(_("the model did not read {files}", files=plural(coverage.unread, "file")))
    if coverage.failed_analyzers:
        parts.append(_("{analyzers} failed", analyzers=listed(coverage.failed_analyzers)))
    return _("{first}, and {second}", first=parts[0], second=parts[1]) if parts[1:] else parts[0]


def _all_skipped(files: int) -> str:
    return ngettext(
        "the only changed file was skipped", "all {number} changed files were skipped", files
    )


def _issues(totals: Sequence[tuple[Severity, int]]) -> str:
    """`1 critical and 2 high-severity issues`."""
    return ngettext("{parts} issue", "{parts} issues", totals[-1][1], parts=_parts(totals))


def _parts(totals: Sequence[tuple[Severity, int]]) -> str:
    """`1 critical and 2 high-severity`."""
    return listed([_part(severity, number) for severity, number in totals])


def _part(severity: Severity, number: int) -> str:
    match severity:
        case Severity.CRITICAL:
            return ngettext("{number} critical", "{number} critical", number)
        case Severity.HIGH:
            return ngettext("{number} high-severity", "{number} high-severity", number)
        case Severity.MEDIUM:
            return ngettext("{number} medium-severity", "{number} medium-severity", number)
        case Severity.LOW:
            return ngettext("{number} low-severity", "{number} low-severity", number)
        case Severity.INFO:
            return ngettext("{number} informational", "{number} informational", number)


def conclusion(
    findings: Sequence[Finding],
    fail_on: FailOn,
    *,
    complete: bool = True,
    checks: Sequence[CheckResult] = (),
) -> str:
    """Of the check run: `failure` from `fail_on` on, and where a check of the team that is a gate
    failed or could not be judged: GitHub takes `neutral` for a pass where the check is required.
    Else `neutral` at high and above, where another check did not pass, and where the review is not
    `complete`: what it had to read was not read.

    Only a finding that is proven to be on lines of the change can fail it.
    https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/about-status-checks
    """
    worst = min((f.severity.rank for f in findings), default=len(Severity))
    proven = min((f.severity.rank for f in findings if f.anchored), default=len(Severity))
    if fail_on is not FailOn.NEVER and proven <= Severity(fail_on.value).rank:
        return "failure"
    if any(check.blocks for check in checks):
        return "failure"
    unsure = not complete or any(check.is_open for check in checks)
    return "neutral" if worst <= Severity.HIGH.rank or unsure else "success"
