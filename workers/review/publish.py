"""Publish: the report is built and posted once, and the check run completed with it."""

from dataclasses import replace

from bot.domain.model import Review, State
from bot.github.client import GitHub
from bot.github.comments import Subject, react
from bot.github.errors import GitHubError, Transient
from bot.policy.precedence import effective
from bot.runtime.tasks import run_to_completion
from bot.security.links import review_links
from bot.store import ReviewState
from bot.telemetry import log
from workers.queue.actor import Attempt
from workers.reports.publish import complete_check_run
from workers.review import check_run, threads
from workers.review.dismiss_requests import dismiss_change_requests
from workers.review.posted_review import fold_earlier, publish_or_edit, result_of
from workers.review.report import report_of
from workers.review.review_log import log_report
from workers.review.stage import stage
from workers.services import Services

#: A publisher that died can be followed by another after so many seconds.
LEASE_SECONDS = 30

#: Who finds another at it waits so long, and then comes again: whoever is killed in the midst of a
#: step is suspected to have taken its worker down, and most of a long wait is no work.
WAIT_SECONDS, RETRY_SECONDS = 0.5, 2.0

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
        bot_threads = await threads.find_bot_threads(services, gh, review.repository, review.number)
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
        await fold_earlier(services, gh, report)
        await threads.resolve_fixed(services, gh, report, bot_threads or ())
        if request_changes or bot_threads:  # else no earlier review can have asked for any
            await dismiss_change_requests(services, gh, report, bot_threads)
        await _add_rocket_reaction(services, gh, review)
        async with check_run.exclusive_writer(services, review):
            run = await check_run.ensure_exclusive(services, gh, review)
            held = None if current.check_run_completing else 0
            await store.reviews.update(review.id, check_run_completing=True)
            await complete_check_run(gh, run, report, links, (check_run.RERUN,), already_sent=held)
            completed = await store.reviews.move(
                review.id,
                State.COMPLETED,
                from_states=[State.REPORTING],
                percent=100,
                findings=report.total,
                result=result_of(report, review_url),
            )
        if completed:  # from now on the step may be stopped: its review is finished
            await log_report(services, report)


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
    scanned = await services.store.review_data.scan(review.id)
    if scanned is not None and review.focus is None:
        await services.store.pulls.delete_file_results(
            review.repository.id, review.number, but=scanned.file_result_keys
        )
