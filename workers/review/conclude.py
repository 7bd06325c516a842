"""The end of a review whose check run is still open: it says why there is no report or, where the
review stands on GitHub, what is in it."""

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.model import Report, Review, State
from bot.github import checks
from bot.github.client import GitHub
from bot.github.errors import Forbidden, Invalid, NotFound, Unauthorized
from bot.security.links import review_links
from bot.store import ReviewState
from bot.telemetry import log
from workers.queue.actor import Attempt, RetryLater
from workers.reports import render
from workers.reports.github_review import complete_check_run, find_posted
from workers.reports.merge import fails_incomplete
from workers.review import check_run
from workers.review.notifications import about_review
from workers.review.posted_review import result_of
from workers.review.review_log import log_report, log_review_end
from workers.services import Services

_ENDINGS = {
    State.FAILED: render.Ending.FAILED,
    State.CANCELLED: render.Ending.CANCELLED,
    State.SUPERSEDED: render.Ending.SUPERSEDED,
}

_log = log.get(__name__)


async def conclude_review(services: Services, attempt: Attempt, review_id: str) -> None:
    """Complete the check run of a review that ended without a report, and say why; or, with its
    report, that of one that was posted and could not complete it in time.

    Safe to repeat; nothing is done for a review without a check run, or one that completed it.
    Raises Transient, and RetryLater for credentials that whoever runs the App has to mend.
    """
    store = services.store
    state = await store.reviews.get(review_id)
    if state is not None and not state.state.finished:
        return
    if state is not None and state.handoff is not None:
        services.speak(state.handoff.config)
    if state is None or state.concluded or not (state.state in _ENDINGS or state.check_run_open):
        await store.reviews.mark_concluded(review_id)
        return
    if not _may_stand(state):  # else its report is told with it
        await log_review_end(store, review_id)
    try:
        report = await _standing(services, state)
        await _complete(services, state.review, report)
        if report is not None:
            services.metrics.count("glossator_late_check_runs_total")
            await log_report(services, report)
    except Unauthorized as exc:  # it would stay open, as that of each review that ends meanwhile
        _log.warning("check_run_waiting_for_credentials", review=review_id, why=str(exc))
        raise RetryLater(str(exc)) from exc
    except (NotFound, Forbidden, Invalid) as exc:  # no later try may do it either
        _log.warning("check_run_left_open", review=review_id, why=str(exc))
    await log_review_end(store, review_id)
    if notifications := about_review(services.settings, review_id):
        await store.queues.put(*notifications)
    await store.reviews.mark_concluded(review_id)


def _may_stand(state: ReviewState) -> bool:
    return state.posting_started or bool(state.review_url)


async def _standing(services: Services, state: ReviewState) -> Report | None:
    """The report of a review that stands on GitHub, also if its worker ended before it could note
    that; None if it does not."""
    store, review = services.store, state.review
    if not _may_stand(state):
        return None
    report = await store.stage_data.report(review.id)
    if report is None or state.review_url:
        return report
    gh = await check_run.client(services, review, check_run.PUBLISH)
    links = review_links(services.settings, review.id)
    posted = await find_posted(gh, report, links, await services.github.login())
    if posted is None:
        return None
    await store.reviews.mark_standing(
        review.id,
        review_url=posted.url,
        findings=report.total,
        result=result_of(report, posted.url),
    )
    return report


async def _complete(services: Services, review: Review, report: Report | None) -> None:
    """Complete the check run, if there is one, with the report, or with the words for how the
    review ended."""
    store, review_id = services.store, review.id
    links = review_links(services.settings, review_id)
    gh = await check_run.client(services, review, check_run.CHECKS)
    async with check_run.exclusive_writer(services, review):
        state = await store.reviews.get(review_id)  # it may just have been made
        if state is None:  # it has expired
            return
        if not state.check_run_requested and not await _has_check_run(gh, review):
            return
        run = await check_run.ensure_exclusive(services, gh, review)
        if report is not None:
            await complete_check_run(gh, run, report, links, (check_run.rerun_action(),))
            return
        if state.state not in _ENDINGS:  # its report has expired
            return
        ending = render.Ending.TIMED_OUT if state.timed_out else _ENDINGS[state.state]
        await checks.update_check_run(
            gh,
            review.repository.full_name,
            run,
            conclusion=_conclusion(services.settings, state),
            output=render.failure_output(ending, state.error, links),
            actions=[check_run.rerun_action()],
        )


async def _has_check_run(gh: GitHub, review: Review) -> bool:
    """Whether it was made after all, which a Redis that took over from another does not know."""
    repo = review.repository.full_name
    return await checks.find_check_run(gh, repo, review.head_sha, review.id) is not None


def _conclusion(settings: Settings, state: ReviewState) -> str:
    if state.state is not State.FAILED:
        return "cancelled"
    # One that was lost as it was opened has none.
    config = state.handoff.config if state.handoff is not None else RepoConfig()
    return "failure" if fails_incomplete(settings, config) else "neutral"
