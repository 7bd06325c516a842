"""What each event makes us do."""

import hashlib

from ulid import ULID

from bot import log
from bot.event_types import (
    CheckRunAction,
    CheckRunRerequested,
    CheckSuiteRerequested,
    CommentCreated,
    Event,
    PullRequestAction,
    PullRequestChanged,
)
from bot.model import Repository, Trigger
from workers.events.cancel import cancel_pull, cancel_review
from workers.events.commands import obey
from workers.events.start import Request, start_review
from workers.services import Services

_TRIGGERS = {
    PullRequestAction.OPENED: Trigger.OPENED,
    PullRequestAction.REOPENED: Trigger.OPENED,
    PullRequestAction.READY: Trigger.READY,
    PullRequestAction.PUSHED: Trigger.PUSHED,
}

_log = log.get(__name__)


async def handle_event(services: Services, event: Event, review_id: str, guid: str) -> None:
    """Do what the event asks for. `review_id` is for the review that may come of it.

    Raises what a retry may heal; safe to repeat.
    """
    match event:
        case PullRequestChanged(action=PullRequestAction.CLOSED):
            await cancel_pull(services, event.repository, event.number)
        case PullRequestChanged() if event.action in _TRIGGERS:
            await start_review(
                services,
                Request(
                    review_id=review_id,
                    repository=event.repository,
                    number=event.number,
                    trigger=_TRIGGERS[event.action],
                    requested_by=event.sender,
                ),
            )
        case CommentCreated():
            await obey(services, event, review_id)
        case CheckRunAction(identifier="cancel") | CheckRunAction(identifier="rerun"):
            await _button(services, event, review_id)
        case CheckRunRerequested():
            await _rerun(services, event.repository, event.external_id, event.sender, review_id)
        case CheckSuiteRerequested():
            for number in await services.store.pulls_at(event.repository.id, event.head_sha):
                await start_review(
                    services,
                    Request(
                        review_id=_id_for(review_id, number),
                        repository=event.repository,
                        number=number,
                        trigger=Trigger.RERUN,
                        requested_by=event.sender,
                    ),
                )
        case _:
            _log.info("event_without_consequence", delivery=guid, kind=event.kind)


def _id_for(review_id: str, number: int) -> str:
    """An id for one of several pull requests of one event: the same each time it is handled."""
    made_of = hashlib.sha256(f"{review_id}:{number}".encode()).digest()
    return str(ULID.from_bytes(ULID.from_str(review_id).bytes[:6] + made_of[:10]))


async def _button(services: Services, event: CheckRunAction, review_id: str) -> None:
    if event.identifier == "cancel":
        await cancel_review(services, event.external_id)
    else:
        await _rerun(services, event.repository, event.external_id, event.sender, review_id)


async def _rerun(
    services: Services, repository: Repository, earlier: str, sender: str, review_id: str
) -> None:
    """Review the pull request of an earlier review again, whatever its head is now."""
    review = await services.store.review(earlier)
    if review is None or review.repository.id != repository.id:
        _log.info("rerun_of_unknown_review", review=earlier)
        return
    await start_review(
        services,
        Request(
            review_id=review_id,
            repository=repository,
            number=review.number,
            trigger=Trigger.RERUN,
            requested_by=sender,
            full=True,
        ),
    )
