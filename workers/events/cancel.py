"""Stop the review of a pull request, and what waits for its end."""

from bot.model import Repository
from bot.store import cancelling, quota, unbegun
from workers.events.alone import alone_with
from workers.services import Services


async def cancel_pull(services: Services, repository: Repository, number: int, why: str) -> bool:
    """Cancel the running review of a pull request, one that is just being started included, and
    what waits for its end; False if none is running. `why` is as of `cancelling.cancel`. Raises
    Transient."""
    async with alone_with(services, repository, number):
        current = (await services.store.pull_fields(repository.id, number)).get("current")
        return current is not None and await cancel_all(services, repository, current, why)


async def cancel_all(services: Services, repository: Repository, review_id: str, why: str) -> bool:
    """Cancel the review and what waits for its end, of which whoever asked is told; False if it
    is not running. For who is `alone_with` its pull request: nothing begins to wait meanwhile."""
    for waiting in await quota.waiting(services.store, review_id):
        await unbegun.refuse(services.store, waiting, why)
    await quota.forget_waiting(services.store, repository.installation_id, review_id)
    return await cancelling.cancel(services.store, review_id, why)
