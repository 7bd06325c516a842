"""Our own review threads on a pull request: what people did with them, and when they are done.

A thread is ours if the App began it and its first line names a finding. Nobody else's
thread is ever touched.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.model import Report, Repository, Severity, Suppression
from bot.github import pulls
from bot.github.client import GitHub
from bot.github.errors import Forbidden, GitHubError, Invalid
from bot.github.threads import Thread, list_threads, minimize_comment, resolve_thread
from bot.policy.permissions import may_write
from bot.store import pull_requests
from bot.store.suppressions import dismiss, dismissed, suppress
from bot.telemetry import log
from workers.reports.publish import is_severe
from workers.review import check_run
from workers.services import Services

_MARKER = re.compile(r"<!-- glossator:finding:([0-9a-f]{4,64}) -->")
_TITLE = re.compile(r"\*\*(.+?)\*\*")
#: The line that `templates/review/comment.md.j2` puts below the title.
_FACTS = re.compile(r"^<sub>(\w+) · \w+ · (.+)</sub>$", re.MULTILINE)

#: Severities that block nothing, as comments tell them.
_HARMLESS = frozenset(severity.value for severity in Severity if not is_severe(severity))

#: The reason of a lesson that nobody gave in words.
THUMBS_DOWN = "👎"

#: People who put thumbs on our comments, of whom it is asked whether they may write. Strangers
#: can do that too, as many as there are: they shall not cost us the rate limit.
MAX_PERMISSION_CHECKS = 100

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class BotThread:
    """A thread of ours and the finding that it tells."""

    thread: Thread
    fingerprint: str

    @property
    def closed(self) -> bool:
        """Whether it is resolved, or folded away where that is not allowed to us."""
        return self.thread.resolved or self.thread.minimized

    @property
    def title(self) -> str:
        found = _TITLE.search(self.thread.body)
        return found[1] if found else "a finding"

    @property
    def tools(self) -> frozenset[str]:
        """Who found it, without the rules: `llm`, `ruff`, ...; empty if that can't be read."""
        found = _FACTS.search(self.thread.body)
        names = re.split(", | and ", found[2]) if found else ()
        return frozenset(name.partition(" ")[0].lower() for name in names)

    @property
    def blocking(self) -> bool:
        """Whether the finding is one that blocks; True if that can't be read."""
        found = _FACTS.search(self.thread.body)
        return not found or found[1] not in _HARMLESS


def fingerprint_of(body: str) -> str | None:
    """The finding that a comment of ours tells, by its first line."""
    found = _MARKER.match(body)
    return found[1] if found else None


async def list_bot_threads(
    services: Services, gh: GitHub, repo: str, number: int
) -> tuple[BotThread, ...]:
    """All threads of ours on a pull request, resolved ones too."""
    bot_login = await services.github.login()
    return tuple(
        BotThread(thread, name)
        for thread in await list_threads(gh, repo, number)
        if thread.author == bot_login and (name := fingerprint_of(thread.body))
    )


async def find_bot_threads(
    services: Services, gh: GitHub, repository: Repository, number: int
) -> tuple[BotThread, ...] | None:
    """Our threads, if there can be any; None when GitHub does not tell."""
    if not await pull_requests.posted(services.store, repository.id, number):
        return ()
    try:
        return await list_bot_threads(services, gh, repository.full_name, number)
    except GitHubError as exc:
        _log.warning("threads_not_read", number=number, why=str(exc))
        return None


async def record_thumbs_down(
    services: Services,
    gh: GitHub,
    repository: Repository,
    number: int,
    threads: Sequence[BotThread],
) -> None:
    """Take a thumb down on a comment of ours, by somebody who may write, as a lesson."""
    known = await dismissed(services.store, repository.id, number)
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
                await suppress(services.store, repository.id, suppression(one, THUMBS_DOWN, login))
                await dismiss(services.store, repository.id, number, one.fingerprint)
                break


def thread_urls(threads: Sequence[BotThread]) -> dict[str, str]:
    """Where the finding of each thread is told, by its fingerprint; of two the newer."""
    return {one.fingerprint: one.thread.url for one in threads}


def suppression(one: BotThread, reason: str, by: str) -> Suppression:
    return Suppression(
        fingerprint=one.fingerprint,
        path=one.thread.path,
        title=one.title,
        reason=reason,
        suppressed_by=by,
    )


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
    """Whether the review shows that a finding of earlier is no longer there: its file was read
    again, by those who had found it, or has no change any more.

    What a review of one category does not look for is not gone; nor is what nobody read, nor
    what its analyser, which failed this time, could not say.
    """
    path = one.thread.path
    reported = one.fingerprint in report.fingerprints
    unread = any(item.path == path for item in report.skipped)
    if report.review.focus is not None or reported or unread:
        return False
    if path not in report.reviewed_paths:
        return report.skipped_unlisted == 0  # else it may be among those that are left out unnamed
    return not report.failed_sources or (
        bool(one.tools) and one.tools.isdisjoint(report.failed_sources)
    )


def has_unverified_blocker(report: Report, threads: Sequence[BotThread]) -> bool:
    """Whether a finding of earlier still blocks that the review could not look for."""
    return any(
        one.blocking and not is_fixed(report, one)
        for one in threads
        if not one.closed and one.fingerprint not in report.fingerprints
    )


async def resolve_fixed(
    services: Services, gh: GitHub, report: Report, threads: Sequence[BotThread]
) -> None:
    """Resolve our threads whose finding is gone; should it come back, it is said again, also
    where a person had resolved the thread."""
    repository = report.review.repository
    fixed = [one for one in threads if is_fixed(report, one)]
    done = await resolve(services, gh, repository, fixed)
    names = [one.fingerprint for one in done]
    await pull_requests.remove_posted(services.store, repository.id, report.review.number, names)
