"""The App has left an account, or a repository there: what it reviews there ends at once, and what
this machine keeps of it goes. Other machines keep what is not used again for a month
(`workers.scan.repository.object_cache`)."""

import asyncio

from bot.domain.events import InstallationAction, InstallationChanged
from bot.domain.model import Repository, Review
from bot.github.client import repo_url
from bot.github.errors import Forbidden, NotFound, Unauthorized
from bot.store import Action, AuditEntry, Way
from templates.languages import _
from workers.events.cancel import cancel_all
from workers.scan.repository.object_cache import remove_repositories
from workers.services import Services


async def handle_removal(services: Services, event: InstallationChanged, guid: str) -> None:
    """Cancel the unfinished reviews there and what waits for their ends, if the event says that
    the App has left: else each would go on until GitHub refuses it something. Safe to repeat.
    Raises Transient."""
    if _removal_reason(event.action) is None:
        return
    entry = AuditEntry(
        action=Action.ACCESS_REMOVED, way=Way.WEBHOOK, who=event.account, detail=event.action
    )
    await services.store.audit.record(entry, once=guid)
    for review_id in await services.store.reviews.unfinished():
        review = await services.store.reviews.review(review_id)
        if review is None or not _affected_reviews(event, review):
            continue
        if not await _has_access(services, review.repository):
            await services.speak_as_before(review.repository, review.number)
            why = _removal_reason(event.action) or ""
            async with services.lock_pull(review.repository, review.number):
                await cancel_all(services, review.repository, review_id, why)
    await _delete_preferences(services, event)
    removed = event.action is InstallationAction.REPOSITORIES_REMOVED
    repositories = [one.id for one in event.repositories] if removed else []
    if repositories or not removed:
        await asyncio.to_thread(
            remove_repositories, services.settings, event.installation_id, repositories
        )


def _removal_reason(action: InstallationAction) -> str | None:
    """What is told of an action after which nothing can be read or written there; None after the
    others."""
    match action:
        case InstallationAction.DELETED:
            return _("The App was uninstalled.")
        case InstallationAction.SUSPENDED:
            return _("The App's installation was suspended.")
        case InstallationAction.REPOSITORIES_REMOVED:
            return _("The App was removed from this repository.")
        case (
            InstallationAction.CREATED
            | InstallationAction.UNSUSPENDED
            | InstallationAction.PERMISSIONS_ACCEPTED
            | InstallationAction.REPOSITORIES_ADDED
        ):
            return None


async def _delete_preferences(services: Services, event: InstallationChanged) -> None:
    """Forget what people had us remember there; of an installation that is suspended nothing: it
    may go on."""
    preferences = services.store.preferences
    there = [
        one
        for one in await preferences.repositories()
        if one.installation_id == event.installation_id
    ]
    match event.action:
        case InstallationAction.DELETED:  # an installation that is deleted never comes back
            await preferences.delete_all(there)
        case InstallationAction.REPOSITORIES_REMOVED:
            removed = {one.id: one for one in event.repositories}
            gone = [
                one
                for one in there
                if one.id in removed and not await _has_access(services, removed[one.id])
            ]
            await preferences.delete_all(gone)
        case _:
            return


async def _has_access(services: Services, repository: Repository) -> bool:
    """Whether the App may read and write there after all: the event may come late, GitHub having
    been asked to deliver it again, when the App has long been allowed back."""
    try:
        url = repo_url(repository.full_name, "installation")
        found = await services.github.as_app().getitem(url)
    except (NotFound, Forbidden, Unauthorized):
        return False
    return found["id"] == repository.installation_id and not found.get("suspended_at")


def _affected_reviews(event: InstallationChanged, review: Review) -> bool:
    if review.repository.installation_id != event.installation_id:
        return False
    if event.action is not InstallationAction.REPOSITORIES_REMOVED:
        return True
    return any(review.repository.id == one.id for one in event.repositories)
