"""One line of the log for each review that ended, whatever way it took."""

from bot.domain.model import Review
from bot.runtime.tasks import run_to_completion
from bot.store import Store
from bot.store.recovery import claim
from bot.telemetry import log

_log = log.get(__name__)

#: What of a review's fields the line tells, where it is known.
_LOGGED_FIELDS = {"findings": int, "calls": int, "tokens": int, "cost": float, "error": str}


async def log_review_end(store: Store, review: Review) -> None:
    """Write it, once however often this is repeated; `seconds` are those since the review was
    asked for."""
    # Who took it on and is stopped before it is written would leave it to nobody.
    await run_to_completion(_write(store, review))


async def _write(store: Store, review: Review) -> None:
    fields = await store.fields(review.id)
    if not await claim(store, review.id, "end_logged"):
        return
    finished_at = float(fields.get("finished_at", store.now()))  # in whole seconds
    _log.info(
        "review_ended",
        review=review.id,
        repository=review.repository.full_name,
        number=review.number,
        state=fields.get("state"),
        seconds=round(max(0.0, finished_at - review.created_at), 1),
        files=int(fields.get("files_total", 0)),
        **{name: kind(fields[name]) for name, kind in _LOGGED_FIELDS.items() if fields.get(name)},
    )
