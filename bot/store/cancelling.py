"""End a review because somebody, or something that happened, wants no more of it."""

from bot.model import UNFINISHED, State
from bot.queue import message
from bot.store.store import Store


async def cancel(store: Store, review_id: str, why: str) -> bool:
    """Cancel it, `why` being for its check run, in sentences that say what to do; False if it is
    finished or unknown. Whatever worker reads for it notices within a second."""
    return await store.move(
        review_id,
        State.CANCELLED,
        of=UNFINISHED,
        messages=[message("conclude_review", review_id)],
        error=why,
    )
