"""One at a time for each pull request: who starts or stops its reviews."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.github.errors import Transient
from bot.model import Repository
from bot.store.locks import hold
from workers.services import Services

#: A worker that died while it held a pull request holds others up for so many seconds.
LOCK_SECONDS = 20


@asynccontextmanager
async def alone_with(
    services: Services, repository: Repository, number: int
) -> AsyncIterator[None]:
    """Keep others from starting or stopping reviews of the pull request meanwhile.

    Between reading its state and opening a review another push must not be handled, or the
    review of the older commit would win; nor its closing, or the review would stand on a
    closed pull request. Raises Transient while another holds on for longer than a dead one.
    """
    name = f"start:{repository.id}:{number}"
    async with hold(services.store, name, seconds=LOCK_SECONDS, wait=LOCK_SECONDS + 5) as alone:
        if not alone:
            raise Transient("Another worker is starting a review of this pull request.", 5)
        yield
