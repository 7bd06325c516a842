"""Everything that was found about one change, as one Report (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from bot.config.settings import FailOn, Settings
from bot.domain.model import (
    BatchResult,
    FileSummary,
    Finding,
    PullRequest,
    Rejected,
    Report,
    Review,
    Scan,
    Severity,
    Usage,
)
from bot.domain.reasons import RejectionReason
from bot.policy.criteria import doubts, finding_filter
from bot.policy.precedence import effective
from workers.reports.dedupe import deduplicate
from workers.reports.grouping import fold_repeats
from workers.reports.rank import choose_inline, ranked
from workers.reports.score import score
from workers.reports.sources import LLM
from workers.reports.verdict import verdict

if TYPE_CHECKING:
    from bot.config.repository_config import RepoConfig

T = TypeVar("T")


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
    dismissed: frozenset[str] = frozenset(),
) -> Report:
    """The report of a review: `results` in the order of their batches, one for each batch.

    `posted_before` are the fingerprints that already stand on lines of the pull request, and
    `reported_before` those that people have read in our last review; they are told in the body but
    not posted on lines. `dismissed` are those that people do not want to
    hear. `now` is in seconds since the epoch.
    """
    reported = _reported(review, scan, results, settings, config, (dismissed, posted_before))
    certain = [
        finding
        for finding in reported
        if finding.confidence >= settings.min_confidence and finding.fingerprint not in dismissed
    ]
    findings = fold_repeats(certain, posted_before)
    missed = _unique(chain(*(result.skipped for result in results)))
    skipped = _unique((*scan.skipped, *missed))
    unread = {item.path for item in skipped}
    reviewed = sum(
        path not in unread or path in scan.analyzed_paths for path in scan.reviewed_paths
    )
    # One of the lines stands for all that are not named.
    unread_files = len(unread) - bool(scan.skipped_unlisted) + scan.skipped_unlisted
    complete = not missed and (reviewed > 0 or not skipped)
    max_inline = effective(settings, config).max_comments
    models = _unique(result.model for result in results if result.model)
    return Report(
        review=review,
        pull=pull,
        merge_base=scan.merge_base,
        verdict=verdict(findings, unread_files, reviewed),
        conclusion="failure"
        if missed and fails_incomplete(settings, config)
        else conclusion(findings, effective(settings, config).fail_on, complete=complete),
        score=score(certain, sum(file.additions + file.deletions for file in scan.files)),
        findings=tuple(findings),
        inline=choose_inline(findings, posted_before | reported_before, max_inline),
        still_open=tuple(
            f.fingerprint for f in findings if f.anchored and f.fingerprint in posted_before
        ),
        files=_walkthrough(scan, results),
        skipped=skipped,
        rejected=(
            *chain(*(result.rejected for result in results)),
            *_not_reported(reported, settings, dismissed),
        ),
        usage=sum((result.usage for result in results), Usage()),
        models=models,
        notes=_unique(_notes(scan, results, settings, bool(models))),
        reviewed_paths=scan.reviewed_paths,
        skipped_unlisted=scan.skipped_unlisted,
        failed_sources=scan.failed_sources if settings.has_llm else (*scan.failed_sources, LLM),
        reviewed=reviewed,
        complete=complete,
        finished_at=now,
    )


def conclusion(findings: Sequence[Finding], fail_on: FailOn, *, complete: bool = True) -> str:
    """Of the check run: `failure` from `fail_on` on, else `neutral` at high and above, and where
    the review is not `complete`: what it had to read was not read.

    Only a finding that is proven to stand on lines of the change can fail it.
    """
    worst = min((f.severity.rank for f in findings), default=len(Severity))
    proven = min((f.severity.rank for f in findings if f.anchored), default=len(Severity))
    if fail_on is not FailOn.NEVER and proven <= Severity(fail_on.value).rank:
        return "failure"
    return "neutral" if worst <= Severity.HIGH.rank or not complete else "success"


def fails_incomplete(settings: Settings, config: RepoConfig) -> bool:
    """Whether the check run fails where a review could not be finished."""
    return effective(settings, config).fail_incomplete


def _reported(
    review: Review,
    scan: Scan,
    results: Sequence[BatchResult],
    settings: Settings,
    config: RepoConfig,
    known: tuple[frozenset[str], ...],
) -> list[Finding]:
    criteria = finding_filter(settings, config, review.focus)
    found = chain(scan.evidence, *(result.findings for result in results), scan.reused_findings)
    reported = deduplicate((f for f in found if f.category in criteria.categories), *known)
    # A twin may be more severe than the other, and tells its severity to the one that stays.
    return ranked([f for f in reported if not criteria.rejects(f.category, f.severity)])


def _not_reported(
    reported: Sequence[Finding], settings: Settings, dismissed: frozenset[str]
) -> Iterable[Rejected]:
    """What people dismissed; and what an analyser alone says and is not sure of, which is
    evidence for an LLM but no comment."""
    for finding in reported:
        path, title = finding.path, finding.title
        if finding.fingerprint in dismissed:
            yield Rejected(path=path, title=title, reason=RejectionReason.DISMISSED)
        elif doubt := doubts(finding.confidence, settings.min_confidence):
            yield Rejected(path=path, title=title, reason=doubt[0], detail=doubt[1])


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
        yield "No LLM is configured: static analysers alone made this review."
    elif results and not answered:
        yield "The LLM gave no answer: static analysers alone made this review."
    yield from scan.notes
    for result in results:
        yield from result.notes


def _unique(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))
