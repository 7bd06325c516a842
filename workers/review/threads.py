"""Our own review threads on a pull request: what people did with them, and when they are done.

A thread is ours if the App began it and its first line names a finding. Nobody else's
thread is ever touched.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.model import DEPENDENCIES_SOURCE, Report, Repository
from bot.domain.outcomes import Signal
from bot.domain.suppressions import Suppression, Via
from bot.github import pulls
from bot.github.client import GitHub
from bot.github.errors import Forbidden, GitHubError, Invalid
from bot.github.threads import Thread, list_threads, minimize_comment, resolve_thread
from bot.policy.permissions import may_write
from bot.store import Action, AuditEntry, Seen, Store, Way
from bot.telemetry import log
from workers.reports.github_review import is_severe
from workers.reports.markers import FindingMarker, read_finding_marker
from workers.review import check_run
from workers.services import Services

#: The reason of a lesson that nobody gave in words.
THUMBS_DOWN = "👎"

#: People who put thumbs on our comments, of whom it is asked whether they may write. Strangers
#: can do that too, as many as there are: they shall not cost us the rate limit.
MAX_PERMISSION_CHECKS = 100

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class BotThread:
    """A thread of ours and what its first line says of the finding."""

    thread: Thread
    marker: FindingMarker

    @property
    def fingerprint(self) -> str:
        return self.marker.fingerprint

    @property
    def closed(self) -> bool:
        """Whether it is resolved, or folded away where that is not allowed to us."""
        return self.thread.resolved or self.thread.minimized


async def list_bot_threads(
    services: Services, gh: GitHub, repo: str, number: int
) -> tuple[BotThread, ...]:
    """All threads of ours on a pull request, resolved ones too."""
    bot_login = await services.github.login()
    return tuple(
        BotThread(thread, marker)
        for thread in await list_threads(gh, repo, number)
        if thread.author == bot_login and (marker := read_finding_marker(thread.body))
    )


async def find_bot_threads(
    services: Services, gh: GitHub, repository: Repository, number: int, *, unknown: bool = False
) -> tuple[BotThread, ...] | None:
    """Our threads, if there can be any; None when GitHub does not tell. `unknown` is a pull request
    of which Redis knows no review: it may have lost them, and learns from GitHub what is posted."""
    posted = await services.store.pulls.posted(repository.id, number)
    if not posted and not unknown:
        return ()
    try:
        found = await list_bot_threads(services, gh, repository.full_name, number)
    except GitHubError as exc:
        _log.warning("threads_not_read", number=number, why=str(exc))
        return None
    if not posted and (names := [one.fingerprint for one in found if not one.closed]):
        await services.store.pulls.add_posted(repository.id, number, names)
    return found


async def record_thumbs_down(
    services: Services,
    gh: GitHub,
    repository: Repository,
    number: int,
    threads: Sequence[BotThread],
) -> None:
    """Take a thumb down on a comment of ours, by somebody who may write, as a lesson."""
    known = (
        await services.store.suppressions.dismissals(
            repository.id, number, services.settings.suppression_days
        )
    ).fingerprints
    permissions: dict[
        str, str
    ] = {}  # strangers, who can put thumbs on everything, are asked for once
    for one in threads:
        if one.fingerprint in known:
            continue
        for login in one.thread.thumbs_down_by:
            if login not in permissions and len(permissions) < MAX_PERMISSION_CHECKS:
                permissions[login] = await pulls.permission(gh, repository.full_name, login)
            if may_write(permissions.get(login, "")):
                # In this order: what is dismissed here alone is not looked at again.
                await suppress_all(
                    services.store, repository, one, THUMBS_DOWN, login, via=Via.THUMBS_DOWN
                )
                seen = [Seen(one.fingerprint, Signal.THUMBS_DOWN)]
                await services.store.outcomes.record_seen(
                    repository.id, number, seen, days=services.settings.outcome_days
                )
                await _record_dismissal(services.store, repository, number, one, login)
                await services.store.suppressions.dismiss(
                    repository.id, number, *sorted(one.marker.fingerprints)
                )
                break


async def _record_dismissal(
    store: Store, repository: Repository, number: int, one: BotThread, login: str
) -> None:
    entry = AuditEntry(
        action=Action.FINDING_DISMISSED,
        way=Way.REACTION,
        who=login,
        repository=repository.full_name,
        number=number,
        detail=one.marker.title,
    )
    await store.audit.record(entry, once=f"thumb:{one.thread.id}:{login}")


def thread_urls(threads: Sequence[BotThread]) -> dict[str, str]:
    """Where each finding and each of its places is reported, by fingerprint; of two the newer."""
    return {name: one.thread.url for one in threads for name in one.marker.fingerprints}


async def suppress_all(
    store: Store,
    repository: Repository,
    one: BotThread,
    reason: str,
    by: str,
    *,
    via: Via = Via.COMMAND,
) -> bool:
    """Never report the finding again in the repository, at any place that its comment names. False
    if there was no room for all of that."""
    marker = one.marker
    paths = {name: path for path, names in marker.places.items() for name in names}
    saved = [
        await store.suppressions.suppress(
            repository.id,
            Suppression(
                fingerprint=name,
                path=paths.get(name, one.thread.path),
                title=marker.title,
                reason=reason,
                suppressed_by=by,
                via=via,
                suppressed_at=store.now(),
            ),
        )
        for name in sorted(marker.fingerprints)
    ]
    return all(saved)


async def resolve(
    services: Services, gh: GitHub, repository: Repository, threads: Sequence[BotThread]
) -> tuple[BotThread, ...]:
    """Resolve threads of ours; without the permission for that, which is larger than a reviewer
    needs, fold their first comments away as resolved. Those that are over then, or were before;
    the log tells of the others.
    """
    done = [one for one in threads if one.closed]
    if len(done) == len(threads):
        return tuple(done)
    try:
        resolver = await _resolver(services, repository)
    except GitHubError as exc:
        _log.warning("threads_not_resolved", why=str(exc))
        return tuple(done)
    for one in threads:
        if one.closed:
            continue
        try:
            if resolver is not None:
                await resolve_thread(resolver, one.thread.id)
            else:
                await minimize_comment(gh, one.thread.node_id, "RESOLVED")
        except GitHubError as exc:  # the next review tries again
            _log.warning("thread_not_resolved", thread=one.thread.id, why=str(exc))
            continue
        done.append(one)
    return tuple(done)


async def _resolver(services: Services, repository: Repository) -> GitHub | None:
    """A client that may resolve threads; None where the App was not given that."""
    try:
        return await services.github.installation(
            repository.installation_id, repository.id, check_run.RESOLVE
        )
    except (Invalid, Forbidden):
        return None


def is_fixed(report: Report, one: BotThread) -> bool:
    """Whether the review shows that a thread's finding is no longer there, as `is_gone` says."""
    return is_gone(report, one.marker, one.thread.path)


def is_gone(report: Report, marker: FindingMarker, path: str) -> bool:
    """Whether the review shows that a finding of earlier is no longer there, neither in the file
    at `path` nor at its other places: their files were read again, by those who had found it, or
    have no change any more. A model's finding is in the report until there is evidence
    (`open_findings`); an analyzer's silence is evidence.

    What a review of one category does not look for is not gone; nor is what nobody read, unless it
    is a secret and the file was searched for those, or a dependency and GitHub was asked for these;
    nor what its analyzer, which failed this time, could not say.
    """
    if report.review.focus is not None or _is_reported(report, marker):
        return False
    paths, looked_at = {path, *marker.places}, set(report.reviewed_paths)
    unread = {item.path for item in report.skipped}
    if marker.tools == {DEPENDENCIES_SOURCE}:  # of no file, but of all that the change adds
        return _knows_dependencies(report) or _is_unchanged(report, path)
    if marker.is_certain_secret:
        looked_at |= set(report.searched_paths)
        unread -= set(report.searched_paths)
    if not paths.isdisjoint(unread):
        return False
    if not paths <= looked_at and report.skipped_unlisted:
        return False  # one may be among those that are skipped and not named
    return paths.isdisjoint(looked_at) or marker.tools.isdisjoint(report.failed_sources)


def _knows_dependencies(report: Report) -> bool:
    return report.dependencies is not None and DEPENDENCIES_SOURCE not in report.failed_sources


def _is_unchanged(report: Report, path: str) -> bool:
    """Whether the change does not touch the file any more."""
    return not report.skipped_unlisted and path not in {file.path for file in report.files}


def _is_reported(report: Report, marker: FindingMarker) -> bool:
    """Whether a place of the finding is still there; of places that the comment has too many of to
    name, whether its rule still finds anything."""
    if not report.fingerprints.isdisjoint(marker.fingerprints):
        return True
    rules = set(marker.sources)
    return marker.more and any(rules & {*finding.sources} for finding in report.findings)


def has_unverified_blocker(report: Report, threads: Sequence[BotThread]) -> bool:
    """Whether a finding of earlier still blocks that the review could not look for."""
    return any(
        is_severe(one.marker.severity) and not is_fixed(report, one)
        for one in threads
        if not one.closed and not _is_reported(report, one.marker)
    )


async def resolve_fixed(
    services: Services, gh: GitHub, report: Report, threads: Sequence[BotThread]
) -> None:
    """Resolve our threads whose finding is gone; should it come back, it is said again, also
    where a person had resolved the thread."""
    repository = report.review.repository
    fixed = [one for one in threads if is_fixed(report, one)]
    done = await resolve(services, gh, repository, fixed)
    names = [name for one in done for name in sorted(one.marker.fingerprints)]
    await services.store.pulls.remove_posted(repository.id, report.review.number, names)
