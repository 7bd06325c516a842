"""Stop a review; whatever worker reads for it notices within a second."""

from bot.model import Repository, State
from bot.queue import message
from bot.store import quota, unbegun
from workers.events.alone import alone_with
from workers.services import Services
from workers.step import UNFINISHED


async def cancel_review(services: Services, review_id: str, why: str) -> bool:
    """Cancel a review, `why` being for its check run, in sentences that say what to do; False if
    it is finished or unknown."""
    return await services.store.move(
        review_id,
        State.CANCELLED,
        of=UNFINISHED,
        messages=[message("conclude_review", review_id)],
        error=why,
    )


async def cancel_pull(services: Services, repository: Repository, number: int, why: str) -> bool:
    """Cancel the running review of a pull request, one that is just being started included, and
    what waits for its end; False if none is running. `why` is as of `cancel_review`. Raises
    Transient."""
    async with alone_with(services, repository, number):
        current = (await services.store.pull_fields(repository.id, number)).get("current")
        if current is None:
            return False
        for waiting in await quota.waiting(services.store, current):
            await unbegun.refuse(services.store, waiting, why)
        await quota.forget_waiting(services.store, repository.installation_id, current)
        return await cancel_review(services, current, why)
