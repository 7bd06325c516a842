"""Scan: clone, diff, choose, analyse; then one message for each batch."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from bot.domain.model import Batch, PullRequestContext, Review, Scan, State
from bot.domain.progress import ANALYZED_PERCENT, SCANNED_PERCENT, Activity
from bot.github import pulls
from bot.github.client import GitHub
from bot.github.manifest import JOB_LOGS
from bot.policy.preferences import concerning
from bot.store import Handoff, ReviewState, message
from bot.telemetry import log
from workers.queue.actor import Attempt
from workers.repository.dependency_changes import ask_dependencies
from workers.repository.job_logs import with_job_logs
from workers.repository.pull_context import read_pull_context
from workers.repository.tickets import read_tickets
from workers.review import check_run
from workers.review.open_findings import with_open_findings
from workers.review.outcomes import committed_suggestions
from workers.review.result_reuse import with_reused_results
from workers.review.stage import stage
from workers.scan.repository.clone import Source
from workers.scan.scan import scan
from workers.scan.selection.manifests import is_manifest
from workers.services import Services, in_background

_log = log.get(__name__)


@stage("scan", during=(State.QUEUED, State.SCANNING))
async def scan_review(services: Services, attempt: Attempt, state: ReviewState) -> None:
    """Clone, diff, choose, analyse; then one message for each batch, or straight to the report."""
    store, review = services.store, state.review
    if state.handoff is None:
        # A Redis that took over has lost what the message came after; that is done again first.
        _log.info("scan_came_early", review=review.id)
        return
    handoff = state.handoff
    pull = handoff.pull
    await store.reviews.move(
        review.id,
        State.SCANNING,
        from_states=[State.QUEUED],
        started_at=await store.time(),
        percent=5,
        activity=Activity.FETCHING,
    )
    gh = await check_run.client(services, review, check_run.READ)
    repo = review.repository
    in_background(check_run.show_progress(services, review))
    comparison, pr_context, token, settings = await asyncio.gather(
        pulls.compare(gh, repo.full_name, pull.base_sha, review.head_sha),
        _context(services, gh, review, handoff),
        services.github.installation_token(repo.installation_id, repo.id),
        services.fitted_settings(),
    )

    scanned = await scan(
        Source.of(review, settings, merge_base=comparison.merge_base, token=token),
        pull,
        pr_context,
        settings.without_llm() if handoff.dependencies_only else settings,
        handoff.config,
        focus=review.focus,
        on_progress=partial(check_run.record_progress, services, review),
        known=await _known(services, review),
        ask_dependencies=partial(
            ask_dependencies, gh, repo.full_name, pull, store, read_diff=handoff.dependencies_only
        ),
    )
    batches = scanned.batches if services.llm is not None else ()
    kept, reported, posted = await asyncio.gather(
        store.pulls.file_results(repo.id, review.number, scanned.kept),
        store.pulls.open_findings(repo.id, review.number),
        store.outcomes.of_pull(repo.id, review.number),
    )
    committed = await asyncio.to_thread(committed_suggestions, posted, scanned.batches)
    known = replace(
        with_reused_results(scanned.scan, kept),
        committed=committed,
        context_tokens=settings.llm_context_tokens,
    )
    if handoff.dependencies_only:
        known = _with_unrelated_paths(known)
    if services.llm is not None:
        batches, known = await asyncio.to_thread(
            with_open_findings, batches, known, reported, review.focus
        )
        await _mark_preferences(services, review, batches)
        batches = scanned.with_checks(batches)
    await store.stage_data.save_scan(review.id, known)
    files = sum(len(batch.paths) for batch in batches)
    await store.reviews.move(
        review.id,
        State.ANALYZING if batches else State.REPORTING,
        from_states=[State.SCANNING],
        batches=batches,
        messages=[message("analyze_batch", review.id, batch.number) for batch in batches]
        or [message("publish_review", review.id)],
        percent=SCANNED_PERCENT if batches else ANALYZED_PERCENT,
        # Without a model, analyzers have read them all by now.
        files_total=files or len(scanned.scan.reviewed_paths),
        files_done=0 if batches else len(scanned.scan.reviewed_paths),
        findings=len(scanned.scan.evidence),
    )


def _with_unrelated_paths(scan: Scan) -> Scan:
    """The scan, with the changed files that do more than name dependencies."""
    others = {path for file in scan.files if not is_manifest(path := file.path)}
    return replace(scan, unrelated_paths=tuple(sorted(others.union(scan.undeclared_paths))))


async def _mark_preferences(services: Services, review: Review, batches: Sequence[Batch]) -> None:
    """Note which preferences the model is given: those that nobody uses are removed some day."""
    preferences, repo = services.store.preferences, review.repository
    days = services.settings.suppression_days
    kept = await preferences.all(repo.installation_id, repo.id, days)
    paths = [path for batch in batches for path in batch.paths]
    given = await asyncio.to_thread(concerning, kept, paths)
    await preferences.mark_given(repo.installation_id, repo.id, given)


async def _context(
    services: Services, gh: GitHub, review: Review, handoff: Handoff
) -> PullRequestContext:
    """What the author says of the change, with issues and tickets, and what failed on it."""
    settings, repo = services.settings, review.repository.full_name
    pr_context, tickets = await asyncio.gather(
        read_pull_context(gh, repo, handoff.pull, own_app=settings.github_app_id),
        read_tickets(gh, services.store, settings, repo, handoff),
    )
    if settings.ci_logs and not gh.is_scarce:
        pr_context = await with_job_logs(
            partial(check_run.client, services, review, JOB_LOGS), settings, repo, pr_context
        )
    issues = "\n\n".join(filter(None, (tickets, pr_context.issue)))
    return replace(pr_context, issue=issues)


async def _known(services: Services, review: Review) -> frozenset[str]:
    """The keys of earlier readings that may stand for new ones."""
    if review.full:
        return frozenset()
    where = review.repository.id, review.number
    return await services.store.pulls.file_result_keys(*where)
