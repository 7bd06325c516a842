"""Publish: the report is built and posted once, the check run completed with it, and other formats
rendered on demand."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from bot.domain.model import Report, Review, State, Trigger
from bot.domain.report_format import ReportFormat
from bot.github import pulls
from bot.github.client import GitHub
from bot.github.comments import Subject, react
from bot.github.errors import GitHubError, Transient
from bot.policy.labels import labels_to_change
from bot.policy.precedence import effective
from bot.runtime.tasks import run_to_completion
from bot.security.links import review_links
from bot.store import Handoff, ReviewState
from bot.telemetry import log
from workers.queue.actor import Attempt
from workers.reports.dependency_updates import as_update_report
from workers.reports.formats import render as render_format
from workers.reports.github_review import complete_check_run, describe
from workers.reports.merge import build_report
from workers.review import check_run, outcomes, threads
from workers.review.code_scanning import upload_alerts
from workers.review.dismiss_requests import dismiss_change_requests
from workers.review.notifications import about_review
from workers.review.open_findings import still_open
from workers.review.posted_review import fold_earlier, publish_or_edit, result_of
from workers.review.review_log import log_report
from workers.review.stage import StageFailed, stage
from workers.services import Services

#: A publisher that died can be followed by another after so many seconds.
LEASE_SECONDS = 30

#: Who finds another at it waits so long, and then comes again: whoever is killed in the midst of a
#: step is suspected to have taken its worker down, and most of a long wait is no work.
WAIT_SECONDS, RETRY_SECONDS = 0.5, 2.0

_DAY_MS = 86_400_000

_log = log.get(__name__)


@stage("publish", during=(State.REPORTING,))
async def publish_review(services: Services, attempt: Attempt, state: ReviewState) -> None:
    """Build the report once, post it once, complete the check run. Raises what a retry may
    heal."""
    store, settings, review = services.store, services.settings, state.review
    handoff = state.require_handoff()
    links = review_links(settings, review.id)
    # A worker that is only thought dead may still be publishing, or one whose review was
    # superseded while it posted: one at a time, or what is said last would be of an older commit.
    name = f"publish:{review.repository.id}:{review.number}"
    async with store.locks.hold(name, seconds=LEASE_SECONDS, wait=WAIT_SECONDS) as acquired:
        if not acquired:
            busy = "Another worker is publishing a review of this pull request."
            raise Transient(busy, RETRY_SECONDS)
        if await store.reviews.state(review.id) is not State.REPORTING:
            return
        gh = await check_run.client(services, review, check_run.PUBLISH)
        where = review.repository, review.number
        unknown = review.trigger is not Trigger.OPENED and not await _has_posted(services, review)
        bot_threads = await threads.find_bot_threads(services, gh, *where, unknown=unknown)
        report = await report_of(services, gh, review, handoff, bot_threads or ())
        request_changes = effective(settings, handoff.config).request_changes
        current = await store.reviews.get(review.id)
        if current is None:  # Redis has lost it
            return
        review_url = current.review_url
        if not review_url:
            posting = publish_or_edit(
                services,
                gh,
                report,
                replace(links, comments=threads.thread_urls(bot_threads or ())),
                request_changes=request_changes,
            )
            # Were it cut short, a later review would say again what it said.
            posted = await run_to_completion(posting)
            if posted is None:
                return
            await _delete_old_results(services, review)
            review_url = posted.url
        await _record_outcomes(services, gh, report, handoff, bot_threads or ())
        await _change_labels(gh, report, handoff)
        await _describe(services, gh, report, handoff)
        await fold_earlier(services, gh, report)
        await threads.resolve_fixed(services, gh, report, bot_threads or ())
        if request_changes or bot_threads:  # else no earlier review can have asked for any
            await dismiss_change_requests(services, gh, report, bot_threads)
        await upload_alerts(services, report)
        await _add_rocket_reaction(services, gh, review)
        async with check_run.exclusive_writer(services, review):
            run = await check_run.ensure_exclusive(services, gh, review)
            held = None if current.check_run_completing else 0
            await store.reviews.update(review.id, check_run_completing=True)
            await complete_check_run(
                gh, run, report, links, (check_run.rerun_action(),), already_sent=held
            )
            completed = await store.reviews.move(
                review.id,
                State.COMPLETED,
                from_states=[State.REPORTING],
                messages=about_review(settings, review.id),
                percent=100,
                findings=report.total,
                result=result_of(report, review_url),
            )
        if completed:  # from now on the step may be stopped: its review is finished
            await log_report(services, report)


async def _record_outcomes(
    services: Services,
    gh: GitHub,
    report: Report,
    handoff: Handoff,
    bot_threads: Sequence[threads.BotThread],
) -> None:
    review = report.review
    scanned = await services.store.stage_data.scan(review.id)
    await outcomes.record_threads(services, gh, review.repository, review.number, bot_threads)
    await outcomes.record_review(
        services,
        report,
        bot_threads,
        effort=review.effort or effective(services.settings, handoff.config).effort,
        committed=scanned.committed if scanned else (),
    )


async def _change_labels(gh: GitHub, report: Report, handoff: Handoff) -> None:
    """Put on and take off the labels that the repository names; what GitHub refuses is logged."""
    repo, number = report.review.repository.full_name, report.review.number
    # It matches the repository's own path patterns.
    wanted, stale = await asyncio.to_thread(labels_to_change, handoff.config, report)
    try:
        if wanted:
            await pulls.add_labels(gh, repo, number, wanted)
        for name in stale:
            await pulls.remove_label(gh, repo, number, name)
    except GitHubError as exc:
        _log.info("labels_not_changed", review=report.review.id, why=str(exc))


async def _describe(services: Services, gh: GitHub, report: Report, handoff: Handoff) -> None:
    """Write the overview into the description, where the repository wants it; what GitHub refuses
    is logged once a day for each pull request."""
    if not handoff.config.description_overview:
        return
    try:
        await describe(gh, report)
    except GitHubError as exc:
        name = f"description:{report.review.repository.id}:{report.review.number}"
        if await services.store.locks.once_per(name, _DAY_MS):
            _log.warning("description_not_changed", review=report.review.id, why=str(exc))


async def _has_posted(services: Services, review: Review) -> bool:
    """Whether a review of the pull request was posted, as far as Redis knows."""
    pulls = services.store.pulls
    return await pulls.posted_summary(review.repository.id, review.number) is not None


async def _add_rocket_reaction(services: Services, gh: GitHub, review: Review) -> None:
    """Tell the person who asked, on the comment in which they asked."""
    if review.comment_id is None:
        return
    try:
        repo = review.repository.full_name
        subject = Subject.REVIEW_COMMENT if review.in_thread else Subject.ISSUE_COMMENT
        await react(gh, repo, subject, review.comment_id, "rocket")
    except GitHubError as exc:  # the comment may be gone; the review stands
        _log.info("reaction_not_added", review=review.id, why=str(exc))


async def _delete_old_results(services: Services, review: Review) -> None:
    scanned = await services.store.stage_data.scan(review.id)
    if scanned is not None and review.focus is None:
        await services.store.pulls.delete_file_results(
            review.repository.id, review.number, but=scanned.file_result_keys
        )


async def report_of(
    services: Services,
    gh: GitHub,
    review: Review,
    handoff: Handoff,
    bot_threads: Sequence[threads.BotThread],
) -> Report:
    """The review's report; the one that an earlier attempt built, if there was one."""
    store = services.store
    if (report := await store.stage_data.report(review.id)) is not None:
        return report
    await threads.record_thumbs_down(services, gh, review.repository, review.number, bot_threads)
    scanned, results, posted, posted_summary, earlier, dismissed = await asyncio.gather(
        store.stage_data.scan(review.id),
        store.stage_data.results(review.id),
        store.pulls.posted(review.repository.id, review.number),
        store.pulls.posted_summary(review.repository.id, review.number),
        store.pulls.open_findings(review.repository.id, review.number),
        store.suppressions.dismissals(
            review.repository.id, review.number, services.settings.suppression_days
        ),
    )
    if scanned is None:
        raise StageFailed("The review's results expired in Redis; start it again.")
    scanned = replace(scanned, notes=(*handoff.notes, *scanned.notes))
    report = build_report(
        review,
        handoff.pull,
        scanned,
        results,
        services.settings,
        handoff.config,
        now=store.now(),
        posted_before=posted,
        # Whoever asks for a review gets on the lines what had no place there before.
        reported_before=posted_summary.fingerprints
        if posted_summary and review.trigger.automatic
        else frozenset(),
        dismissed=dismissed,
        earlier_reviews=posted_summary.reviews_before(review.id) if posted_summary else 0,
    )
    if not report.diagram and any(result.diagram for result in results):
        _log.info("diagram_dropped", review=review.id)
    if handoff.dependencies_only:
        report = as_update_report(report, scanned, services.settings, handoff.config)
    if services.settings.has_llm:
        open_findings = still_open(earlier, scanned, results, report, dismissed)
        await store.pulls.save_open_findings(review.repository.id, review.number, open_findings)
    await store.stage_data.save_report(report)
    findings = chain(scanned.evidence, scanned.reused_findings, *(r.findings for r in results))
    found = {finding.fingerprint for finding in findings}
    used = [one for name, one in dismissed.in_repository.items() if name in found]
    await store.suppressions.mark_used(review.repository.id, used)
    return report


async def render_report(services: Services, attempt: Attempt, review_id: str, form: str) -> None:
    """Render a stored report in one format, for the page and the API to hand out. Raises
    ValueError for a format that there is not."""
    format = ReportFormat(form)
    report = await services.store.stage_data.report(review_id)
    state = await services.store.reviews.get(review_id)
    if state is not None and state.handoff is not None:
        services.speak(state.handoff.config)
    if report is not None:
        links = review_links(services.settings, review_id)
        data = await asyncio.to_thread(render_format, report, format, links)
        await services.store.stage_data.save_rendering(review_id, format, data)
