"""Reviews that are asked for by a repository's name, as the API does, and later looks at one
category."""

from bot import policy
from bot.github.errors import NotFound
from bot.github.paths import repo_url
from bot.model import Category, Repository, Trigger
from bot.queue import Message, message
from bot.store import unbegun
from workers.events.start import Request, start_review
from workers.services import Services


def asked_again(
    repository: str,
    number: int,
    review_id: str,
    requested_by: str,
    full: bool,
    focus: Category | None,
) -> Message | None:
    """What starts a look at one category once a review that runs has ended; None for one that
    looks for all, which takes that one's place."""
    if focus is None:
        return None
    return message("start_review", repository, number, review_id, requested_by, full, focus)


async def start_named(
    services: Services,
    repository: str,
    number: int,
    review_id: str,
    requested_by: str,
    full: bool,
    focus: Category | None,
) -> None:
    """Start a review of a pull request that is known by its repository's name only; if nothing
    can come of that, whoever asked is told why."""
    app = services.github.as_app()
    try:
        installation = await app.getitem(repo_url(repository, "installation"))
    except NotFound:
        why = f"The App is not installed on {repository}, or there is no such repository."
        await unbegun.refuse(services.store, review_id, why)
        return
    gh = await services.github.installation(installation["id"], None, {"metadata": "read"})
    found = await gh.getitem(repo_url(repository))
    request = Request(
        review_id=review_id,
        repository=Repository(installation["id"], found["id"], found["full_name"]),
        number=number,
        trigger=Trigger.API,
        requested_by=requested_by,
        full=full,
        focus=focus,
        later=asked_again(repository, number, review_id, requested_by, full, focus),
    )
    try:
        outcome = await start_review(services, request)
    except NotFound as exc:
        await unbegun.refuse(services.store, review_id, str(exc))
        return
    if isinstance(outcome, policy.Skip):
        await unbegun.refuse(services.store, review_id, outcome.told)
