"""End a review because somebody, or something that happened, wants no more of it."""

from bot.domain.model import UNFINISHED, State
from bot.store.messages import message
from bot.store.store import Store


async def cancel(store: Store, review_id: str, reason: str, *, by: str = "") -> bool:
    """Cancel it, `reason` being for its check run, in sentences that say what to do; False if it is
    finished or unknown, unless an earlier try of the wish that `by` names has cancelled it.
    Whatever worker reads for it notices within a second."""
    cancelled = await store.move(
        review_id,
        State.CANCELLED,
        from_states=UNFINISHED,
        messages=[message("conclude_review", review_id)],
        error=reason,
        cancelled_by=by,
    )
    return cancelled or (bool(by) and (await store.fields(review_id)).get("cancelled_by") == by)
