"""Stop the review of a pull request, and what waits for its end."""

from collections.abc import Awaitable, Callable

from bot.domain.audit import AuditEntry
from bot.domain.model import PullRequest, Repository, State
from bot.github import pulls
from bot.github.errors import GitHubError, Transient
from bot.telemetry import log
from workers.review import check_run
from workers.services import Services

_log = log.get(__name__)


async def cancel_pull(
    services: Services,
    repository: Repository,
    number: int,
    why: str,
    *,
    only_if: Callable[[PullRequest | None], Awaitable[bool]] | None = None,
    by: str = "",
    audit: AuditEntry | None = None,
) -> bool:
    """Cancel the running review of a pull request, one that is just being started included, and
    what waits for its end; False if none is running. `why`, `by` and `audit` are as
    of `Reviews.cancel`; `only_if` says of the pull request as it is now (None where GitHub does not
    let us look) whether that holds:
    deliveries come in no order, and late where GitHub was asked to deliver again. Raises
    Transient."""
    async with services.lock_pull(repository, number):
        current = (await services.store.pulls.get(repository.id, number)).current
        if only_if is not None:
            if (await services.store.reviews.state(current) or State.CANCELLED).finished:
                return False  # which most often saves all requests
            pull = await _pull(services, repository, number)
            if not await only_if(pull):
                return False
        return await cancel_all(services, repository, current, why, by=by, audit=audit)


async def _pull(services: Services, repository: Repository, number: int) -> PullRequest | None:
    """None where GitHub does not let us look."""
    try:
        gh = await services.github.installation(
            repository.installation_id, repository.id, check_run.READ
        )
        return await pulls.get_pull(gh, repository.full_name, number)
    except Transient:
        raise
    except GitHubError as exc:
        _log.warning("pull_not_checked", number=number, why=str(exc))
        return None


async def cancel_all(
    services: Services,
    repository: Repository,
    review_id: str,
    why: str,
    *,
    by: str = "",
    audit: AuditEntry | None = None,
) -> bool:
    """Cancel the review and what waits for its end, of which whoever asked is told; False if it
    is not running. `why`, `by` and `audit` are as of `Reviews.cancel`. To be called within
    `Services.lock_pull`: nothing begins to wait meanwhile."""
    for waiting in await services.store.reviews.waiting_for(review_id):
        await services.store.requests.reject(waiting, why)
    await services.store.reviews.clear_waiting(repository.installation_id, review_id)
    return await services.store.reviews.cancel(review_id, why, by=by, audit=audit)
