"""The end of a review that has no report: its check run says why."""

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.model import Review, State
from bot.github import checks
from bot.github.errors import Forbidden, Invalid, NotFound, Unauthorized
from bot.security.links import review_links
from bot.store import ReviewState
from bot.telemetry import log
from workers.queue.actor import Attempt
from workers.queue.retries import RetryLater
from workers.reports import render
from workers.reports.merge import fails_incomplete
from workers.review import check_run
from workers.review.review_log import log_review_end
from workers.services import Services

_ENDINGS = {
    State.FAILED: render.Ending.FAILED,
    State.CANCELLED: render.Ending.CANCELLED,
    State.SUPERSEDED: render.Ending.SUPERSEDED,
}

_log = log.get(__name__)


async def conclude_review(services: Services, attempt: Attempt, review_id: str) -> None:
    """Complete the check run of a review that ended without a report, and say why.

    Safe to repeat; nothing is done for a review without a check run, or one that completed.
    Raises Transient, and RetryLater for credentials that whoever runs the App has to mend.
    """
    store = services.store
    state = await store.reviews.get(review_id)
    if state is not None and not state.state.finished:
        return
    if state is None or state.concluded or state.state not in _ENDINGS:
        await store.reviews.mark_concluded(review_id)
        return
    await log_review_end(store, review_id)
    try:
        await _complete(services, state.review)
    except Unauthorized as exc:  # it would stay open, as that of each review that ends meanwhile
        _log.warning("check_run_waiting_for_credentials", review=review_id, why=str(exc))
        raise RetryLater(str(exc)) from exc
    except (NotFound, Forbidden, Invalid) as exc:  # no later try may do it either
        _log.warning("check_run_left_open", review=review_id, why=str(exc))
    await store.reviews.mark_concluded(review_id)


async def _complete(services: Services, review: Review) -> None:
    """Complete the check run, if there is one, with the words for how the review ended."""
    store, review_id = services.store, review.id
    links = review_links(services.settings, review_id)
    gh = await check_run.client(services, review, check_run.CHECKS)
    async with check_run.exclusive_writer(services, review):
        state = await store.reviews.get(review_id)  # it may just have been made
        if state is None:  # it has expired meanwhile
            return
        ending = render.Ending.TIMED_OUT if state.timed_out else _ENDINGS[state.state]
        if state.check_run_requested:
            await checks.update_check_run(
                gh,
                review.repository.full_name,
                await check_run.ensure_exclusive(services, gh, review),
                conclusion=_conclusion(services.settings, state),
                output=render.failure_output(ending, state.error, links),
                actions=[check_run.RERUN],
            )


def _conclusion(settings: Settings, state: ReviewState) -> str:
    if state.state is not State.FAILED:
        return "cancelled"
    # One that was lost as it was opened has none.
    config = state.handoff.config if state.handoff is not None else RepoConfig()
    return "failure" if fails_incomplete(settings, config) else "neutral"
