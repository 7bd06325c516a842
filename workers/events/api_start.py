"""Reviews that are asked for by a repository's name, as the API does, and later looks at one
category."""

from dataclasses import astuple, dataclass

from bot.domain.model import Category, Repository, Trigger
from bot.github.errors import NotFound
from bot.github.urls import repo_url
from bot.policy import start
from bot.store import pending
from bot.store.messages import Message, message
from bot.telemetry import log
from workers.events.start_review import Request, Waits, start_review
from workers.queue.retries import OUTAGES
from workers.review.stage import fail, heals, sentence_of
from workers.services import Services

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """A review of a pull request that is known by its repository's name only, and who asks."""

    repository: str
    number: int
    review_id: str
    requested_by: str
    full: bool
    focus: Category | None


def asked_again(wish: Wish) -> Message | None:
    """What starts a look at one category once a review that runs has ended; None for one that
    looks for all, which takes that one's place."""
    if wish.focus is None:
        return None
    return message("start_review", *astuple(wish))


async def start_named(services: Services, wish: Wish, *, last_try: bool) -> None:
    """Start it; if nothing can come of that, whoever asked is told why. Raises what a retry may
    heal, and what an operator has to look at."""
    try:
        outcome = await _start(services, wish)
    except OUTAGES:
        raise
    except Exception as exc:
        if heals(exc) and not last_try:
            raise
        why = sentence_of(exc)
        _log.warning("wish_refused", number=wish.number, why=why)
        await fail(services, wish.review_id, why)  # if it had been opened before that
        await pending.refuse(services.store, wish.review_id, why)
        if heals(exc):
            raise
        return
    if isinstance(outcome, start.Skip):
        await pending.refuse(services.store, wish.review_id, outcome.told)


async def _start(services: Services, wish: Wish) -> start.Skip | Waits | None:
    app = services.github.as_app()
    try:
        installation = await app.getitem(repo_url(wish.repository, "installation"))
    except NotFound as exc:
        raise NotFound(
            f"The App is not installed on {wish.repository}, or there is no such repository."
        ) from exc
    gh = await services.github.installation(installation["id"], None, {"metadata": "read"})
    found = await gh.getitem(repo_url(wish.repository))
    request = Request(
        review_id=wish.review_id,
        repository=Repository(installation["id"], found["id"], found["full_name"]),
        number=wish.number,
        trigger=Trigger.API,
        requested_by=wish.requested_by,
        full=wish.full,
        focus=wish.focus,
        later=asked_again(wish),
    )
    return await start_review(services, request)
