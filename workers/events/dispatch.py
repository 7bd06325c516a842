"""What each event makes us do."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.config.repository_config import RepoConfig
from bot.domain.events import (
    CheckRunAction,
    CheckRunRerequested,
    CheckSuiteRerequested,
    CommentCreated,
    Event,
    InstallationChanged,
    MergeGroupRequested,
    Ping,
    PullRequestAction,
    PullRequestChanged,
    from_json,
)
from bot.domain.model import PullRequest, Repository, Trigger
from bot.github import pulls
from bot.policy import start
from bot.policy.permissions import may_write
from bot.store import Action, AuditEntry, Way
from bot.telemetry import log
from workers.events.api_start import NamedReviewRequest, follow_up_message
from workers.events.cancel import cancel_pull
from workers.events.commands.run import run_commands
from workers.events.merge_group import answer_merge_group
from workers.events.start_review import ReviewRequest, derived_id, start_review
from workers.events.uninstalled import handle_removal
from workers.queue.actor import Attempt
from workers.repository.configuration import read_config
from workers.review import check_run, outcomes, threads
from workers.services import Services

_log = log.get(__name__)


async def handle_delivery(
    services: Services, attempt: Attempt, event: dict[str, Any], review_id: str, guid: str
) -> None:
    """Do what the event of a delivery, as `to_json` wrote it, asks for. `review_id` is for the
    review that may come of it.

    Raises what a retry may heal; safe to repeat.
    """
    with attempt.ignoring_not_found():
        await _handle(services, from_json(event), review_id, guid)


async def _handle(services: Services, event: Event, review_id: str, guid: str) -> None:
    match event:
        case PullRequestChanged():
            await _pull_request_changed(services, event, review_id)
        case CommentCreated():
            await run_commands(services, event, review_id)
        case CheckRunAction():
            await _button(services, event, review_id)
        case CheckRunRerequested():
            await _rerun(services, event, review_id)
        case CheckSuiteRerequested():
            await _rerun_all(services, event, review_id)
        case MergeGroupRequested():
            await answer_merge_group(services, event)
        case InstallationChanged():
            await handle_removal(services, event, guid)
        case Ping():
            _log.info("event_ignored", delivery=guid, kind=event.kind)


async def _pull_request_changed(
    services: Services, event: PullRequestChanged, review_id: str
) -> None:
    await _act_on_change(services, event, review_id)
    pull = await services.store.pulls.get(event.repository.id, event.number)
    if pull.head and pull.head != event.head_sha:  # it came late, or again
        review = await services.store.reviews.review(review_id)
        if review is None or review.head_sha != event.head_sha:
            await check_run.close_forgotten(services, event.repository, event.head_sha, review_id)


async def _act_on_change(services: Services, event: PullRequestChanged, review_id: str) -> None:
    match event.action:
        case PullRequestAction.OPENED | PullRequestAction.REOPENED:
            await services.store.outcomes.record_reopened(
                event.repository.id, event.number, days=services.settings.outcome_days
            )
            await start_review(services, _request(event, review_id, Trigger.OPENED))
        case PullRequestAction.PUSHED:
            await start_review(services, _request(event, review_id, Trigger.PUSHED))
        case PullRequestAction.RETARGETED:  # the same head against another base is another diff
            pushed = _request(event, review_id, Trigger.PUSHED)
            await start_review(services, replace(pushed, retargeted=True))
        case PullRequestAction.READY:
            await start_review(services, _request(event, review_id, Trigger.READY))
        case PullRequestAction.CLOSED:
            where = event.repository, event.number
            await services.speak_as_before(*where)
            why = start.was_closed()
            entry = _cancelled(event, "closed")
            await cancel_pull(services, *where, why, only_if=_is_closed, audit=entry)
            await _record_final_feedback(services, event)
        case PullRequestAction.LABELED:
            await _labeled(services, event, review_id)
        case PullRequestAction.UNLABELED:
            unlabeled = _request(event, review_id, Trigger.READY)
            await start_review(services, replace(unlabeled, label=event.label or ""))
        case PullRequestAction.RETITLED:
            await _retitled(services, event, review_id)


async def _record_final_feedback(services: Services, event: PullRequestChanged) -> None:
    """Hear what threads say of our findings at the end, and how the end was: there may be no later
    review that would."""
    repository, number = event.repository, event.number
    bot_threads: Sequence[threads.BotThread] | None = ()
    if await services.store.pulls.posted(repository.id, number):  # else a token is saved
        gh = await services.github.installation(
            repository.installation_id, repository.id, check_run.READ
        )
        bot_threads = await threads.find_bot_threads(services, gh, repository, number)
        await threads.record_thumbs_down(services, gh, repository, number, bot_threads or ())
        await outcomes.record_threads(services, gh, repository, number, bot_threads or ())
    await outcomes.record_end(services, event, bot_threads or ())


def _request(event: PullRequestChanged, review_id: str, trigger: Trigger) -> ReviewRequest:
    return ReviewRequest(
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
    config = (await read_config(services, gh, event.repository, event.base_ref)).config
    services.speak(config)
    return config


async def _labeled(services: Services, event: PullRequestChanged, review_id: str) -> None:
    """A label that forbids reviews ends the one that runs, and one that a pull request had to have
    starts one. Where neither can be, GitHub is asked for nothing: bots put labels on hundreds of
    pull requests."""
    label = event.label
    if label is None:
        return
    seen = await services.store.pulls.get(event.repository.id, event.number)
    if seen.needs_label and start.is_needed_label(await _config(services, event), label):
        await start_review(services, _request(event, review_id, Trigger.READY))

    async def forbids(pull: PullRequest | None) -> bool:
        if pull is not None and label not in pull.labels:
            return False
        return start.has_skip_label(await _config(services, event), label)

    await services.speak_as_before(event.repository, event.number)
    why = start.label_added(label)
    await cancel_pull(
        services,
        event.repository,
        event.number,
        why,
        only_if=forbids,
        audit=_cancelled(event, f"label {label}"),
    )


async def _is_closed(pull: PullRequest | None) -> bool:
    return pull is None or not pull.open


async def _retitled(services: Services, event: PullRequestChanged, review_id: str) -> None:
    """A marker in the title is as a label that forbids reviews: one that comes ends the review
    that runs, and once the last is gone, the pull request is reviewed."""
    config = await _config(services, event)
    before = start.skip_marker_in(config, event.old_title or "")
    now = start.skip_marker_in(config, event.title)

    async def has_marker(pull: PullRequest | None) -> bool:
        return pull is None or start.skip_marker_in(config, pull.title) is not None

    if now is not None and before is None:
        why = start.marker_added(now)
        await cancel_pull(
            services,
            event.repository,
            event.number,
            why,
            only_if=has_marker,
            audit=_cancelled(event, f"title {now}"),
        )
    elif before is not None and now is None:
        await start_review(services, _request(event, review_id, Trigger.READY))


def _cancelled(event: PullRequestChanged, detail: str) -> AuditEntry:
    return AuditEntry(
        action=Action.REVIEW_CANCELLED,
        way=Way.WEBHOOK,
        who=event.sender,
        repository=event.repository.full_name,
        number=event.number,
        detail=detail,
    )


async def _may_use_buttons(services: Services, repository: Repository, sender: str) -> bool:
    """Buttons are for those who may write; a fork's author sees them too."""
    gh = await services.github.installation(
        repository.installation_id, repository.id, {"metadata": "read"}
    )
    if may_write(await pulls.permission(gh, repository.full_name, sender)):
        return True
    _log.info("button_refused", repository=repository.full_name, sender=sender)
    return False


async def _button(services: Services, event: CheckRunAction, review_id: str) -> None:
    match event.identifier:
        case check_run.CANCEL:
            await _cancel(services, event)
        case check_run.RERUN:
            await _rerun(services, event, review_id)
        case _:  # of a button that an earlier version had
            _log.info("button_unknown", identifier=event.identifier)


async def _cancel(services: Services, event: CheckRunAction) -> None:
    review = await services.store.reviews.review(event.external_id)
    if review is not None:
        await services.speak_as_before(review.repository, review.number)
    if review is None or review.repository.id != event.repository.id:
        _log.info("button_for_unknown_review", review=event.external_id)
    elif await _may_use_buttons(services, event.repository, event.sender):
        entry = AuditEntry.of(review, Action.REVIEW_CANCELLED, Way.WEBHOOK, event.sender, "button")
        reason = start.cancelled_by(event.sender)
        await services.store.reviews.cancel(review.id, reason, audit=entry)


async def _rerun(
    services: Services, event: CheckRunAction | CheckRunRerequested, review_id: str
) -> None:
    """Review the pull request of a check run again, or at last, whatever its head is now; for
    the one category, if that was looked for."""
    repository, store = event.repository, services.store
    focus, effort = None, None
    previous = await store.reviews.review(event.external_id)
    if previous is not None and previous.repository.id == repository.id:
        number: int | None = previous.number
        focus, effort = previous.focus, previous.effort
    else:
        number = await store.requests.skipped_pull_number(event.external_id, repository.id)
    if number is None:
        _log.info("rerun_for_unknown_review", review=event.external_id)
    elif await _may_use_buttons(services, repository, event.sender):
        await start_review(
            services,
            ReviewRequest(
                review_id=review_id,
                repository=repository,
                number=number,
                trigger=Trigger.RERUN,
                requested_by=event.sender,
                full=True,
                focus=focus,
                effort=effort,
                follow_up=follow_up_message(
                    NamedReviewRequest(
                        repository.full_name, number, review_id, event.sender, True, focus, effort
                    )
                ),
            ),
        )


async def _rerun_all(services: Services, event: CheckSuiteRerequested, review_id: str) -> None:
    """Review every pull request again that was reviewed or skipped at the commit."""
    numbers = await services.store.pulls.at_head(event.repository.id, event.head_sha)
    if not numbers or not await _may_use_buttons(services, event.repository, event.sender):
        return
    for position, number in enumerate(numbers):
        await start_review(
            services,
            ReviewRequest(
                review_id=derived_id(review_id, position),
                repository=event.repository,
                number=number,
                trigger=Trigger.RERUN,
                requested_by=event.sender,
                full=True,
            ),
        )
