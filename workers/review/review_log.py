"""One line of the log for each review that ended, whatever way it took."""

from bot.domain.model import Report
from bot.runtime.tasks import run_to_completion
from bot.store import Store
from bot.telemetry import log
from workers.services import Services

_log = log.get(__name__)


async def log_review_end(store: Store, review_id: str) -> None:
    """Write it, once however often this is repeated; `seconds` are those since the review was
    asked for."""
    # Who took it on and is stopped before it is written would leave it to nobody.
    await run_to_completion(_write(store, review_id))


async def log_report(services: Services, report: Report) -> None:
    """Write it, and count what was found, for a review whose report stands on GitHub."""
    for finding in report.findings:
        services.metrics.count(
            "glossator_findings_total", finding.occurrences, severity=finding.severity
        )
    await log_review_end(services.store, report.review.id)


async def _write(store: Store, review_id: str) -> None:
    state = await store.reviews.get(review_id)
    if state is None or not await store.reviews.claim_end_log(review_id):
        return
    review = state.review
    finished_at = state.finished_at or store.now()  # in whole seconds
    known = {
        "findings": state.findings,
        "calls": state.calls,
        "tokens": state.tokens,
        "cost": state.cost,
        "error": state.error,
    }
    _log.info(
        "review_ended",
        review=review.id,
        repository=review.repository.full_name,
        number=review.number,
        state=state.state,
        seconds=round(max(0.0, finished_at - review.created_at), 1),
        files=state.files_total,
        **{name: value for name, value in known.items() if value},
    )
