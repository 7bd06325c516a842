"""Reviews that are asked for by a repository's name, as the API does, and later looks at one
category."""

from dataclasses import astuple, dataclass

from bot.domain.model import Category, Effort, Repository, Trigger
from bot.github.client import repo_url
from bot.github.errors import NotFound
from bot.policy import start
from bot.store import Message, message
from bot.telemetry import log
from workers.events.start_review import Queued, ReviewRequest, start_review
from workers.queue.actor import OUTAGES, Attempt
from workers.review.stage import fail, is_retryable, user_message
from workers.services import Services

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class NamedReviewRequest:
    """A review of a pull request that is known by its repository's name only, and who asks."""

    repository: str
    number: int
    review_id: str
    requested_by: str
    full: bool
    focus: Category | None
    effort: Effort | None = None


def follow_up_message(named_request: NamedReviewRequest) -> Message | None:
    """What starts a look at one category once a review that runs has ended; None for one that
    looks for all, which takes that one's place."""
    if named_request.focus is None:
        return None
    return message("start_review", *astuple(named_request))


async def start_named_review(
    services: Services,
    attempt: Attempt,
    repository: str,
    number: int,
    review_id: str,
    requested_by: str,
    full: bool,
    focus: str | None,
    effort: str | None = None,
) -> None:
    """Start it; if nothing can come of that, whoever asked is told why. Raises what a retry may
    heal, and what an operator has to look at."""
    named_request = NamedReviewRequest(
        repository,
        number,
        review_id,
        requested_by,
        full,
        Category(focus) if focus else None,
        Effort(effort) if effort else None,
    )
    try:
        outcome = await _start(services, named_request)
    except OUTAGES:
        raise
    except Exception as exc:
        if is_retryable(exc) and not attempt.last:
            raise
        why = user_message(exc)
        _log.warning("review_request_refused", number=named_request.number, why=why)
        await fail(services, named_request.review_id, why)  # if it had been opened before that
        await services.store.requests.reject(named_request.review_id, why)
        if is_retryable(exc):
            raise
        return
    if isinstance(outcome, start.Skip):
        await services.store.requests.reject(named_request.review_id, outcome.full_message)


async def _start(
    services: Services, named_request: NamedReviewRequest
) -> start.Skip | Queued | None:
    app = services.github.as_app()
    try:
        installation = await app.getitem(repo_url(named_request.repository, "installation"))
    except NotFound as exc:
        raise NotFound(
            f"The App is not installed on {named_request.repository}, or it does not exist."
        ) from exc
    name = named_request.repository.partition("/")[2]
    gh = await services.github.installation(installation["id"], name, {"metadata": "read"})
    found = await gh.getitem(repo_url(named_request.repository))
    request = ReviewRequest(
        review_id=named_request.review_id,
        repository=Repository(installation["id"], found["id"], found["full_name"]),
        number=named_request.number,
        trigger=Trigger.API,
        requested_by=named_request.requested_by,
        full=named_request.full,
        focus=named_request.focus,
        effort=named_request.effort,
        follow_up=follow_up_message(named_request),
    )
    return await start_review(services, request)
