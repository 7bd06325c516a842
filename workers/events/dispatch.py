"""What each event makes us do."""

from dataclasses import replace

from bot.config.repository_config import RepoConfig
from bot.domain.events import (
    CheckRunAction,
    CheckRunRerequested,
    CheckSuiteRerequested,
    CommentCreated,
    Event,
    InstallationChanged,
    PullRequestAction,
    PullRequestChanged,
)
from bot.domain.model import Repository, Trigger
from bot.github import pulls
from bot.policy import start
from bot.store import cancellation, pending, pull_requests
from bot.telemetry import log
from workers.events.api_start import Wish, asked_again
from workers.events.cancel import cancel_pull
from workers.events.commands import obey
from workers.events.start_review import Request, derived_id, start_review
from workers.events.uninstalled import leave
from workers.repository.configuration import read_config
from workers.review import check_run, threads
from workers.services import Services

_TRIGGERS = {
    PullRequestAction.OPENED: Trigger.OPENED,
    PullRequestAction.REOPENED: Trigger.OPENED,
    PullRequestAction.READY: Trigger.READY,
    PullRequestAction.PUSHED: Trigger.PUSHED,
    # The same head against another base is another diff.
    PullRequestAction.RETARGETED: Trigger.PUSHED,
}

_log = log.get(__name__)


async def handle_event(services: Services, event: Event, review_id: str, guid: str) -> None:
    """Do what the event asks for. `review_id` is for the review that may come of it.

    Raises what a retry may heal; safe to repeat.
    """
    match event:
        case PullRequestChanged(action=PullRequestAction.CLOSED):
            why = "The pull request was closed. If it is reopened, it is reviewed."
            where = event.repository, event.number
            await cancel_pull(services, *where, why, still=lambda pull: not pull.open)
            await _learn_at_last(services, event.repository, event.number)
        case PullRequestChanged() if event.action in _TRIGGERS:
            await start_review(services, _request(event, review_id, _TRIGGERS[event.action]))
        case PullRequestChanged(action=PullRequestAction.LABELED):
            await _labeled(services, event)
        case PullRequestChanged(action=PullRequestAction.UNLABELED):
            unlabeled = _request(event, review_id, Trigger.READY)
            await start_review(services, replace(unlabeled, label=event.label or ""))
        case PullRequestChanged(action=PullRequestAction.RETITLED):
            await _retitled(services, event, review_id)
        case CommentCreated():
            await obey(services, event, review_id)
        case CheckRunAction(identifier="cancel") | CheckRunAction(identifier="rerun"):
            await _button(services, event, review_id)
        case CheckRunRerequested():
            await _rerun(services, event, review_id)
        case CheckSuiteRerequested():
            await _rerun_all(services, event, review_id)
        case InstallationChanged():
            await leave(services, event)
        case _:
            _log.info("event_without_consequence", delivery=guid, kind=event.kind)


async def _learn_at_last(services: Services, repository: Repository, number: int) -> None:
    """Hear what thumbs say of our findings: there may be no later review that would."""
    if not await pull_requests.posted(services.store, repository.id, number):
        return  # which most often saves the token
    gh = await services.github.installation(
        repository.installation_id, repository.id, check_run.READ
    )
    standing = await threads.ours(services, gh, repository, number)
    await threads.learn(services, gh, repository, number, standing or ())


def _request(event: PullRequestChanged, review_id: str, trigger: Trigger) -> Request:
    return Request(
        review_id=review_id,
        repository=event.repository,
        number=event.number,
        trigger=trigger,
        requested_by=event.sender,
    )


async def _config(services: Services, event: PullRequestChanged) -> RepoConfig:
    gh = await services.github.installation(
        event.repository.installation_id, event.repository.id, {"contents": "read"}
    )
    return (await read_config(services, gh, event.repository, event.base_ref)).config


async def _labeled(services: Services, event: PullRequestChanged) -> None:
    """A label that forbids reviews ends the one that runs."""
    config = await _config(services, event)
    label, where = event.label, (event.repository, event.number)
    if label is not None and start.forbids(config, label):
        why = f"The pull request was given the label `{label}`. {start.ON_WISH}"
        await cancel_pull(services, *where, why, still=lambda pull: label in pull.labels)


async def _retitled(services: Services, event: PullRequestChanged, review_id: str) -> None:
    """A marker in the title is as a label that forbids reviews: one that comes ends the review
    that runs, and once the last is gone, the pull request is reviewed."""
    config = await _config(services, event)
    before = start.marker_in(config, event.old_title or "")
    now = start.marker_in(config, event.title)
    if now is not None and before is None:
        why = f"The marker `{now}` was put into the title. {start.ON_WISH}"
        await cancel_pull(
            services,
            event.repository,
            event.number,
            why,
            still=lambda pull: start.marker_in(config, pull.title) is not None,
        )
    elif before is not None and now is None:
        await start_review(services, _request(event, review_id, Trigger.READY))


async def _may_press(services: Services, repository: Repository, sender: str) -> bool:
    """Buttons are for those who may write; a fork's author sees them too."""
    gh = await services.github.installation(
        repository.installation_id, repository.id, {"metadata": "read"}
    )
    if await pulls.permission(gh, repository.full_name, sender) in threads.WRITERS:
        return True
    _log.info("button_refused", repository=repository.full_name, sender=sender)
    return False


async def _button(services: Services, event: CheckRunAction, review_id: str) -> None:
    if event.identifier == "rerun":
        await _rerun(services, event, review_id)
        return
    review = await services.store.review(event.external_id)
    if review is None or review.repository.id != event.repository.id:
        _log.info("button_of_unknown_review", review=event.external_id)
    elif await _may_press(services, event.repository, event.sender):
        await cancellation.cancel(services.store, review.id, start.cancelled_by(event.sender))


async def _rerun(
    services: Services, event: CheckRunAction | CheckRunRerequested, review_id: str
) -> None:
    """Review the pull request of a check run again, or at last, whatever its head is now; for
    the one category, if that was looked for."""
    repository, store, focus = event.repository, services.store, None
    earlier = await store.review(event.external_id)
    if earlier is not None and earlier.repository.id == repository.id:
        number: int | None = earlier.number
        focus = earlier.focus
    else:
        number = await pending.pull_left_alone(store, event.external_id, repository.id)
    if number is None:
        _log.info("rerun_of_unknown_review", review=event.external_id)
    elif await _may_press(services, repository, event.sender):
        await start_review(
            services,
            Request(
                review_id=review_id,
                repository=repository,
                number=number,
                trigger=Trigger.RERUN,
                requested_by=event.sender,
                full=True,
                focus=focus,
                later=asked_again(
                    Wish(repository.full_name, number, review_id, event.sender, True, focus)
                ),
            ),
        )


async def _rerun_all(services: Services, event: CheckSuiteRerequested, review_id: str) -> None:
    """Review every pull request again that was reviewed or skipped at the commit."""
    numbers = await services.store.pulls_at(event.repository.id, event.head_sha)
    if not numbers or not await _may_press(services, event.repository, event.sender):
        return
    for position, number in enumerate(numbers):
        await start_review(
            services,
            Request(
                review_id=derived_id(review_id, position),
                repository=event.repository,
                number=number,
                trigger=Trigger.RERUN,
                requested_by=event.sender,
                full=True,
            ),
        )
