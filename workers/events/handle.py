"""What each event makes us do."""

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
from bot.github import pulls
from bot.model import Repository, Trigger
from workers.events.cancel import cancel_pull, cancel_review
from workers.events.commands import obey
from workers.events.config import read_config
from workers.events.start import Request, derived_id, start_review
from workers.services import Services
from workers.threads import WRITERS

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
        case PullRequestChanged(action=PullRequestAction.LABELED):
            await _labeled(services, event)
        case PullRequestChanged(action=PullRequestAction.UNLABELED):
            await start_review(
                services,
                Request(
                    review_id=review_id,
                    repository=event.repository,
                    number=event.number,
                    trigger=Trigger.READY,
                    requested_by=event.sender,
                    label=event.label or "",
                ),
            )
        case CommentCreated():
            await obey(services, event, review_id)
        case CheckRunAction(identifier="cancel") | CheckRunAction(identifier="rerun"):
            await _button(services, event, review_id)
        case CheckRunRerequested():
            await _rerun(services, event.repository, event.external_id, event.sender, review_id)
        case CheckSuiteRerequested():
            numbers = await services.store.pulls_at(event.repository.id, event.head_sha)
            for position, number in enumerate(numbers):
                await start_review(
                    services,
                    Request(
                        review_id=derived_id(review_id, position),
                        repository=event.repository,
                        number=number,
                        trigger=Trigger.RERUN,
                        requested_by=event.sender,
                    ),
                )
        case _:
            _log.info("event_without_consequence", delivery=guid, kind=event.kind)


async def _labeled(services: Services, event: PullRequestChanged) -> None:
    """A label that forbids reviews ends the one that runs."""
    gh = await services.github.installation(
        event.repository.installation_id, event.repository.id, {"contents": "read"}
    )
    config, _ = await read_config(services, gh, event.repository, event.base_ref)
    if event.label in config.skip_labels:
        await cancel_pull(services, event.repository, event.number)


async def _may_press(services: Services, repository: Repository, sender: str) -> bool:
    """Buttons are for those who may write; a fork's author sees them too."""
    gh = await services.github.installation(
        repository.installation_id, repository.id, {"metadata": "read"}
    )
    return await pulls.permission(gh, repository.full_name, sender) in WRITERS


async def _button(services: Services, event: CheckRunAction, review_id: str) -> None:
    pressed = await services.store.review(event.external_id)
    if pressed is None or pressed.repository.id != event.repository.id:
        _log.info("button_of_unknown_review", review=event.external_id)
    elif not await _may_press(services, event.repository, event.sender):
        _log.info("button_refused", review=event.external_id, identifier=event.identifier)
    elif event.identifier == "cancel":
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
