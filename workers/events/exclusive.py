"""One at a time: who starts or stops reviews of a pull request, and who answers a comment."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from bot.domain.model import Repository
from bot.github.errors import Transient
from workers.services import Services

#: A worker that died while it was the only one holds others up for so many seconds.
LOCK_SECONDS = 20


def lock_pull(
    services: Services, repository: Repository, number: int
) -> AbstractAsyncContextManager[None]:
    """Keep others from starting or stopping reviews of the pull request meanwhile.

    Between reading its state and opening a review another push must not be handled, or the
    review of the older commit would win; nor its closing, or the review would stand on a
    closed pull request. Raises as `exclusive_lock`.
    """
    return exclusive_lock(services, f"start:{repository.id}:{number}")


@asynccontextmanager
async def exclusive_lock(services: Services, name: str) -> AsyncIterator[None]:
    """Keep others from what has that name meanwhile: a worker that is only thought dead may still
    be at it. Raises Transient while another holds on for longer than a dead one."""
    async with services.store.locks.hold(
        name, seconds=LOCK_SECONDS, wait=LOCK_SECONDS + 5
    ) as acquired:
        if not acquired:
            raise Transient(f"Another worker is at the same ({name}).", 5)
        yield
