"""What becomes of the findings that we post: noted as reviews, threads and people tell of it."""

from collections.abc import Iterable, Sequence

from bot.domain.events import PullRequestChanged
from bot.domain.model import LLM_SOURCE, Batch, Effort, Finding, Report, Repository
from bot.domain.outcomes import (
    FindingOutcome,
    PostedFinding,
    Signal,
    holds_suggestion,
    suggestion_name,
)
from bot.github import pulls
from bot.github.client import GitHub
from bot.policy.permissions import may_write
from bot.store import Seen
from workers.reports.markers import FindingMarker, finding_marker, read_finding_marker
from workers.review.threads import MAX_PERMISSION_CHECKS, BotThread, is_fixed, is_gone
from workers.services import Services

_MAX_TITLE = 200


async def record_review(
    services: Services,
    report: Report,
    bot_threads: Sequence[BotThread],
    *,
    effort: Effort,
    committed: Iterable[str],
) -> None:
    """Note what the review has posted, and which findings of earlier ones are fixed or outdated.
    `committed` are the fingerprints of findings whose suggestions are in the code now; the threads
    are those of before the review. Safe to repeat."""
    store, settings, review = services.store, services.settings, report.review
    where = review.repository.id, review.number
    known = await store.outcomes.of_pull(*where)
    dismissed = await store.suppressions.dismissals(*where, settings.suppression_days)
    seen: list[Seen] = []
    for one in known:
        name = one.finding.fingerprint
        if name in dismissed.fingerprints:  # why it is in no report any more
            suppression = dismissed.in_repository.get(name)
            by_thumb = Signal.THUMBS_DOWN in one.signals
            if suppression is not None and not by_thumb:
                seen.append(Seen(name, Signal.DISMISSED, suppression.reason))
        elif is_gone(report, _marker_of(one.finding), one.finding.path):
            seen.append(Seen(name, Signal.FIXED))
            if name in set(committed):
                seen.append(Seen(name, Signal.COMMITTED))
    seen += [
        Seen(one.fingerprint, Signal.OUTDATED)
        for one in bot_threads
        if one.thread.outdated
        and report.fingerprints.isdisjoint(one.marker.fingerprints)
        and not is_fixed(report, one)
    ]
    days = settings.outcome_days
    await store.outcomes.record_seen(*where, seen, review=review.id, days=days)
    posted = [_posted(report, finding, effort) for finding in report.findings]
    await store.outcomes.record_posted(*where, posted, review=review.id, days=days)


def _posted(report: Report, finding: Finding, effort: Effort) -> PostedFinding:
    marker = read_finding_marker(finding_marker(finding))  # which bounds what is kept
    return PostedFinding(
        repository=report.review.repository.full_name,
        review=report.review.id,
        fingerprint=finding.fingerprint,
        path=finding.path,
        title=finding.title[:_MAX_TITLE],
        category=finding.category,
        severity=finding.severity,
        source="+".join(sorted(finding.tools, key=lambda tool: (tool != LLM_SOURCE, tool))),
        sources=finding.sources,
        model=" + ".join(report.models) if LLM_SOURCE in finding.tools else "",
        effort=effort,
        inline=finding.fingerprint in report.inline,
        suggestion=suggestion_name(finding.suggestion),
        others=marker.places if marker else {},
        more=marker is not None and marker.more,
    )


def _marker_of(finding: PostedFinding) -> FindingMarker:
    return FindingMarker(
        fingerprint=finding.fingerprint,
        severity=finding.severity,
        sources=finding.sources,
        title=finding.title,
        places=finding.others,
        more=finding.more,
    )


def committed_suggestions(
    known: Iterable[FindingOutcome], batches: Iterable[Batch]
) -> tuple[str, ...]:
    """The fingerprints of posted findings whose suggested lines are in their files at the head."""
    contents = {
        part.file.path: part.content
        for batch in batches
        for part in batch.files
        if part.content is not None
    }
    return tuple(
        one.finding.fingerprint
        for one in known
        if one.finding.suggestion
        and one.finding.path in contents
        and holds_suggestion(contents[one.finding.path], one.finding.suggestion)
    )


async def record_threads(
    services: Services,
    gh: GitHub,
    repository: Repository,
    number: int,
    bot_threads: Sequence[BotThread],
) -> None:
    """Note replies by people, and thumbs up of those who may write. Safe to repeat."""
    where = repository.id, number
    known = {one.finding.fingerprint: one for one in await services.store.outcomes.of_pull(*where)}
    permissions: dict[str, str] = {}
    seen: list[Seen] = []
    for one in bot_threads:
        before = known.get(one.fingerprint)
        if before is None:
            continue
        if one.thread.answered:
            seen.append(Seen(one.fingerprint, Signal.ANSWERED))
        for login in () if Signal.THUMBS_UP in before.signals else one.thread.thumbs_up_by:
            if login not in permissions and len(permissions) < MAX_PERMISSION_CHECKS:
                permissions[login] = await pulls.permission(gh, repository.full_name, login)
            if may_write(permissions.get(login, "")):
                seen.append(Seen(one.fingerprint, Signal.THUMBS_UP))
                break
    await services.store.outcomes.record_seen(*where, seen, days=services.settings.outcome_days)


async def record_end(
    services: Services,
    event: PullRequestChanged,
    bot_threads: Sequence[BotThread],
) -> None:
    """Note how a pull request ended, and which lines were changed after the last look at them.
    Safe to repeat."""
    store, where = services.store, (event.repository.id, event.number)
    days = services.settings.outcome_days
    reported = await _reported_at(services, event)
    outdated = [
        Seen(one.fingerprint, Signal.OUTDATED)
        for one in bot_threads
        if one.thread.outdated and not one.closed and one.fingerprint not in reported
    ]
    await store.outcomes.record_seen(*where, outdated, days=days)
    await store.outcomes.record_end(*where, merged=event.merged, days=days)


async def _reported_at(services: Services, event: PullRequestChanged) -> frozenset[str]:
    """The findings that are still there at the last commit, if that was reviewed."""
    summary = await services.store.pulls.posted_summary(event.repository.id, event.number)
    review = summary and await services.store.reviews.review(summary.last_review)
    if summary is None or not review or review.head_sha != event.head_sha:
        return frozenset()
    return summary.fingerprints
