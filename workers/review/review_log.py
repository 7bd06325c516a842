"""One line of the log for each review that ended, whatever way it took."""

from bot.domain.model import Review
from bot.runtime.tasks import to_the_end
from bot.store import Store
from bot.store.recovery import is_first
from bot.telemetry import log

_log = log.get(__name__)

#: What of a review's fields the line tells, where it is known.
_TOLD = {"findings": int, "calls": int, "tokens": int, "cost": float, "error": str}


async def tell_end(store: Store, review: Review) -> None:
    """Write it, once however often this is repeated; `seconds` are those since the review was
    asked for."""
    # Who took it on and is stopped before it is written would leave it to nobody.
    await to_the_end(_tell(store, review))


async def _tell(store: Store, review: Review) -> None:
    fields = await store.fields(review.id)
    if not await is_first(store, review.id, "end_told"):
        return
    ended = float(fields.get("finished_at", store.now()))  # in whole seconds
    _log.info(
        "review_ended",
        review=review.id,
        repository=review.repository.full_name,
        number=review.number,
        state=fields.get("state"),
        seconds=round(max(0.0, ended - review.created_at), 1),
        files=int(fields.get("files_total", 0)),
        **{name: kind(fields[name]) for name, kind in _TOLD.items() if fields.get(name)},
    )
