"""Our earlier requests for changes are taken back once nothing that blocks is left."""

from collections.abc import Sequence

from bot.domain.model import Report
from bot.github import reviews
from bot.github.client import GitHub
from bot.github.errors import Forbidden, Invalid, NotFound
from bot.telemetry import log
from workers.reports import render
from workers.reports.github_review import blocks
from workers.review import threads
from workers.services import Services

_log = log.get(__name__)


async def dismiss_change_requests(
    services: Services, gh: GitHub, report: Report, bot_threads: Sequence[threads.BotThread] | None
) -> None:
    """Dismiss them, unless the report or a thread that could not be looked into says that
    something blocks: GitHub lets a request for changes stand whatever is pushed or commented.

    `bot_threads` are our threads as they were before this review, None if they are not known.
    Safe to repeat. What GitHub refuses is logged; raises what a retry may heal.
    """
    if report.review.focus is not None or blocks(report):
        return
    if bot_threads is None or threads.has_unverified_blocker(report, bot_threads):
        return
    repo, number = report.review.repository.full_name, report.review.number
    bot_login = await services.github.login()
    for review_id in await reviews.requests_for_changes(gh, repo, number, bot_login):
        try:
            message = render.dismissal_message(report)
            await reviews.dismiss_review(gh, repo, number, review_id, message)
        except (NotFound, Invalid, Forbidden) as exc:
            _log.warning("change_request_not_dismissed", review=report.review.id, why=str(exc))
