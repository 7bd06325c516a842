"""One line of the log for each review that ended, whatever way it took."""

from bot import log
from bot.model import Review
from bot.store import Store
from bot.store.recovery import count_up

_log = log.get(__name__)

#: What of a review's fields the line tells, where it is known.
_TOLD = {"findings": int, "calls": int, "tokens": int, "cost": float, "error": str}


async def tell_end(store: Store, review: Review) -> None:
    """Write it, once however often this is repeated; `seconds` are those since the review was
    asked for."""
    if await count_up(store, review.id, "end_told") > 1:
        return
    fields = await store.fields(review.id)
    ended = float(fields.get("finished_at", store.now()))
    _log.info(
        "review_ended",
        review=review.id,
        repository=review.repository.full_name,
        number=review.number,
        state=fields.get("state"),
        seconds=round(ended - review.created_at, 1),
        files=int(fields.get("files_total", 0)),
        **{name: kind(fields[name]) for name, kind in _TOLD.items() if fields.get(name)},
    )
