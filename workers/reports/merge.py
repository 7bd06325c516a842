"""Everything that was found about one change, as one Report (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from bot.config.settings import Settings
from bot.domain.fingerprint import have_same_words
from bot.domain.model import (
    LLM_SOURCE,
    BatchResult,
    Category,
    CheckAnnotation,
    CheckResult,
    FileSummary,
    Finding,
    PullRequest,
    Rejected,
    Report,
    Review,
    Scan,
    Severity,
    SkippedFile,
    Usage,
    joined_requirements,
)
from bot.domain.reasons import RejectionReason
from bot.domain.suppressions import Dismissals
from bot.domain.team_checks import CheckStatus
from bot.policy.finding_filter import doubts, finding_filter
from bot.policy.precedence import Effective, effective
from templates.languages import _
from workers.reports.dedupe import deduplicate, group
from workers.reports.diagrams import safe_diagram
from workers.reports.rank import choose_inline, ranked
from workers.reports.verdict import Coverage, conclusion, verdict

if TYPE_CHECKING:
    from bot.config.repository_config import RepoConfig, TeamCheck

T = TypeVar("T")

#: After so many reviews of a pull request only severe findings become comments.
CONVERGES_AFTER = 2

_NOTHING = Dismissals()


def build_report(
    review: Review,
    pull: PullRequest,
    scan: Scan,
    results: Sequence[BatchResult],
    settings: Settings,
    config: RepoConfig,
    *,
    now: float,
    posted_before: frozenset[str] = frozenset(),
    reported_before: frozenset[str] = frozenset(),
    dismissed: Dismissals = _NOTHING,
    earlier_reviews: int = 0,
) -> Report:
    """The report of a review: `results` in the order of their batches, one for each, and perhaps
    one of the team's checks; `now` in seconds since the epoch.

    `posted_before` are the fingerprints of what is on lines of the pull request already, and
    `reported_before` those that people have read in our last review: listed, not posted on lines.
    From `earlier_reviews` 2 on, only severe findings in files that were read again are comments.
    """
    known = dismissed.fingerprints, posted_before
    checks = tuple(_checks(scan, results, settings, config))
    asked, results = results, [result for result in results if not result.checks]
    reported, less_severe = _reported(review, scan, results, settings, config, known)
    rules = effective(settings, config)
    told = [finding for finding in reported if _is_told(finding, rules.min_confidence, dismissed)]
    repeated = _repeating_checks(told, scan, posted_before | reported_before)
    told = [finding for finding in told if finding.fingerprint not in repeated]
    findings = group(told, posted_before, reported_before)
    missed = _unique(chain(*(result.skipped for result in results)))
    skipped = _unique((*scan.skipped, *missed))
    coverage = _coverage(scan, skipped, missed, answered=any(each.model for each in results))
    return Report(
        review=review,
        pull=pull,
        merge_base=scan.merge_base,
        overview=" ".join(result.overview for result in results if result.overview),
        verdict=verdict(findings, coverage, checks),
        conclusion=_conclusion(findings, coverage, rules, checks),
        findings=tuple(findings),
        inline=choose_inline(
            findings,
            posted_before | reported_before,
            rules.max_comments,
            only_severe=review.trigger.automatic and earlier_reviews >= CONVERGES_AFTER,
            fresh_paths=_fresh_paths(results) if settings.has_llm else None,
        ),
        still_open=_still_open(findings, posted_before),
        files=_walkthrough(scan, results),
        skipped=skipped,
        rejected=(
            *(*_refuted(results), *less_severe, *repeated.values()),
            *_not_reported(reported, rules.min_confidence, dismissed),
        ),
        usage=sum((result.usage for result in asked), Usage()),
        models=_unique(result.model for result in asked if result.model),
        notes=_unique(_notes(scan, results, settings, coverage.model_answered)),
        reviewed_paths=scan.reviewed_paths,
        searched_paths=scan.searched_paths,
        dependencies=scan.dependencies,
        skipped_unlisted=scan.skipped_unlisted,
        failed_sources=_failed_sources(scan, settings),
        reviewed=coverage.reviewed,
        unread=coverage.unread,
        complete=coverage.complete,
        show_usage=settings.show_cost,
        agent_prompts=config.agent_prompts,
        review_minutes=_review_minutes(scan) if config.effort_estimate else None,
        checks=checks,
        diagram=next(filter(None, (safe_diagram(result.diagram) for result in results)), ""),
        requirements=joined_requirements(chain(*(result.requirements for result in results))),
        requirements_partly=_read_partly(scan, results),
        finished_at=now,
    )


def _read_partly(scan: Scan, results: Sequence[BatchResult]) -> bool:
    """Whether the model read some files of the change for an earlier review, or not at all."""
    return not {*scan.reviewed_paths} <= {*chain(*(result.reviewed for result in results))}


#: Lines of a change that a person reads in an hour, and minutes for each file beside them: reviews
#: faster than 500 lines an hour find less (J. Cohen, Best Kept Secrets of Peer Code Review, 2006).
_LINES_AN_HOUR, _FILE_MINUTES = 400, 0.5


def _review_minutes(scan: Scan) -> int:
    """How long a person takes to review what was to be read, in minutes; at least one."""
    read = [file for file in scan.files if file.path in scan.reviewed_paths]
    lines = sum(file.additions + file.deletions for file in read)
    return max(1, round(lines * 60 / _LINES_AN_HOUR + len(read) * _FILE_MINUTES))


def _conclusion(
    findings: Sequence[Finding],
    coverage: Coverage,
    rules: Effective,
    checks: Sequence[CheckResult],
) -> str:
    if coverage.failed and rules.fail_incomplete:
        return "failure"
    return conclusion(findings, rules.fail_on, complete=coverage.complete, checks=checks)


def _still_open(findings: Iterable[Finding], posted: frozenset[str]) -> tuple[str, ...]:
    """The fingerprints of those that are on their lines already."""
    return tuple(f.fingerprint for f in findings if f.anchored and f.fingerprint in posted)


def _checks(
    scan: Scan, results: Sequence[BatchResult], settings: Settings, config: RepoConfig
) -> Iterator[CheckResult]:
    """What became of each check of the repository. What nobody judged could not be told."""
    judged = {check.name: check for result in results for check in result.checks}
    silent = {scope.name for scope in scan.checks if not scope.applies}
    why = _("the model did not judge it") if settings.has_llm else _("no LLM is configured")
    for check in config.checks:
        if check.mistake:  # whatever became of one of the same name
            yield _unjudged(check, CheckStatus.COULD_NOT_TELL, check.mistake)
            continue
        result = judged.get(check.name)
        if result is None and check.name in silent:
            result = _unjudged(check, CheckStatus.DID_NOT_APPLY)
        yield result or _unjudged(check, CheckStatus.COULD_NOT_TELL, why)


def _unjudged(check: TeamCheck, status: CheckStatus, reason: str = "") -> CheckResult:
    return CheckResult(name=check.name, mode=check.mode, status=status, reason=reason)


def _refuted(results: Iterable[BatchResult]) -> Iterator[Rejected]:
    return chain(*(result.rejected for result in results))


def _failed_sources(scan: Scan, settings: Settings) -> tuple[str, ...]:
    """Sources whose silence on what an earlier review found says nothing."""
    without_model = () if settings.has_llm else (LLM_SOURCE,)
    return (*scan.failed_sources, *scan.truncated_sources, *without_model)


def _coverage(
    scan: Scan, skipped: Sequence[SkippedFile], missed: Sequence[SkippedFile], *, answered: bool
) -> Coverage:
    unread = {item.path for item in skipped}
    failed = {item.path for item in missed}
    return Coverage(
        reviewed=sum(
            path not in unread or path in scan.analyzed_paths for path in scan.reviewed_paths
        ),
        # One entry represents all that are not named.
        skipped=len(unread) - bool(scan.skipped_unlisted) + scan.skipped_unlisted,
        unread=len(failed),
        model_answered=answered,
        failed_analyzers=scan.failed_sources,
    )


def _fresh_paths(results: Sequence[BatchResult]) -> frozenset[str]:
    """The files in which something changed that no model had read for an earlier review."""
    missed = (item.path for result in results for item in result.skipped)
    return frozenset(chain(missed, *(result.reviewed for result in results)))


def fails_incomplete(settings: Settings, config: RepoConfig) -> bool:
    """Whether the check run fails where a review could not be finished: also where a check of the
    team is a gate, which nobody judged then."""
    return effective(settings, config).fail_incomplete or config.has_gates


def _reported(
    review: Review,
    scan: Scan,
    results: Sequence[BatchResult],
    settings: Settings,
    config: RepoConfig,
    known: tuple[frozenset[str], ...],
) -> tuple[list[Finding], list[Rejected]]:
    """Each finding once, ranked; and those below the least severity to report."""
    criteria = finding_filter(settings, config, review.focus)
    found = chain(scan.evidence, *(result.findings for result in results), scan.reused_findings)
    reported = deduplicate((f for f in found if f.category in criteria.categories), *known)
    # Of two that were joined the more severe one gave its severity to both.
    wanted: list[Finding] = []
    unwanted: list[Rejected] = []
    for finding in ranked(reported):
        if why := criteria.rejects(finding.category, finding.severity, finding.path):
            unwanted.append(_rejected(finding, *why))
        else:
            wanted.append(finding)
    return wanted, unwanted


def _repeating_checks(
    findings: Iterable[Finding], scan: Scan, known: frozenset[str]
) -> dict[str, Rejected]:
    """Findings that a failed check reports on the same lines, by fingerprint. Severe ones and those
    about security are not among them, for whoever pushes can have a check say anything; nor are
    those that people know from us: that they are gone would be taken for fixed."""
    checks = scan.pr_context.failed_checks
    notes = [(check.name, note) for check in checks for note in check.annotations]
    found: dict[str, Rejected] = {}
    for finding in findings:
        severe = finding.severity.rank <= Severity.HIGH.rank
        if severe or finding.category is Category.SECURITY or finding.fingerprint in known:
            continue
        name = next((name for name, note in notes if _says_the_same(note, finding)), None)
        if name is not None:
            found[finding.fingerprint] = _rejected(finding, RejectionReason.FAILED_CHECK, name)
    return found


def _says_the_same(note: CheckAnnotation, finding: Finding) -> bool:
    """Whether it is on the finding's lines and names its rule, or says most of its words."""
    if note.path != finding.path or finding.start_line is None or finding.end_line is None:
        return False
    if note.end_line < finding.start_line or note.start_line > finding.end_line:
        return False
    rules = {source.partition(":")[2].casefold() for source in finding.sources} - {""}
    words = set(re.findall(r"[\w-]+", note.text.casefold()))
    return not rules.isdisjoint(words) or have_same_words(finding.title, note.text)


def _is_told(finding: Finding, min_confidence: float, dismissed: Dismissals) -> bool:
    return finding.confidence >= min_confidence and dismissed.why(finding) is None


def _not_reported(
    reported: Sequence[Finding], min_confidence: float, dismissed: Dismissals
) -> Iterable[Rejected]:
    """What people dismissed; and what an analyzer alone says and is not sure of, which is
    evidence for an LLM but no comment."""
    for finding in reported:
        if why := dismissed.why(finding):
            yield _rejected(finding, RejectionReason.DISMISSED, why)
        elif doubt := doubts(finding.confidence, min_confidence):
            yield _rejected(finding, *doubt)


def _rejected(finding: Finding, reason: RejectionReason, detail: str = "") -> Rejected:
    return Rejected(path=finding.path, title=finding.title, reason=reason, detail=detail)


def _walkthrough(scan: Scan, results: Sequence[BatchResult]) -> tuple[FileSummary, ...]:
    summary_by_path = dict(chain(*(result.summaries for result in results)))
    return tuple(
        replace(file, summary=summary_by_path[file.path]) if file.path in summary_by_path else file
        for file in scan.files
    )


def _notes(
    scan: Scan, results: Sequence[BatchResult], settings: Settings, answered: bool
) -> Iterable[str]:
    if not settings.has_llm:
        yield _("No LLM is configured; this review comes from static analyzers only.")
    elif results and not answered:
        yield _("The LLM did not respond; this review comes from static analyzers only.")
    yield from scan.notes
    for result in results:
        yield from result.notes


def _unique(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))
