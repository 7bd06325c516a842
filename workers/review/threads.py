"""Our own review threads on a pull request: what people did with them, and when they are done.

A thread is ours if the App began it and its first line names a finding. Nobody else's
thread is ever touched.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.model import Lesson, Report, Repository, Severity
from bot.github import pulls
from bot.github.client import GitHub
from bot.github.errors import Forbidden, GitHubError, Invalid
from bot.github.threads import Thread, list_threads, minimize_comment, resolve_thread
from bot.store import pull_requests
from bot.store.suppressions import dismiss, dismissed, teach
from bot.telemetry import log
from workers.reports.publish import is_grave
from workers.review import check_run
from workers.services import Services

_MARKER = re.compile(r"<!-- glossator:finding:([0-9a-f]{4,64}) -->")
_TITLE = re.compile(r"\*\*(.+?)\*\*")
#: The line that `templates/review/comment.md.j2` puts below the title.
_FACTS = re.compile(r"^<sub>(\w+) · \w+ · (.+)</sub>$", re.MULTILINE)

#: Severities that block nothing, as comments tell them.
_HARMLESS = frozenset(severity.value for severity in Severity if not is_grave(severity))

#: The reason of a lesson that nobody gave in words.
THUMB = "👎"

#: Whoever may do this to the repository may also tell us to be silent.
WRITERS = ("write", "maintain", "admin")

#: People who put thumbs on our comments, of whom it is asked whether they may write. Strangers
#: can do that too, as many as there are: they shall not cost us the rate limit.
MOST_ASKED = 100

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Ours:
    """A thread of ours and the finding that it tells."""

    thread: Thread
    fingerprint: str

    @property
    def over(self) -> bool:
        """Whether it is resolved, or folded away where that is not allowed to us."""
        return self.thread.resolved or self.thread.folded

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
    def grave(self) -> bool:
        """Whether the finding is one that blocks; True if that can't be read."""
        found = _FACTS.search(self.thread.body)
        return not found or found[1] not in _HARMLESS


def fingerprint_of(body: str) -> str | None:
    """The finding that a comment of ours tells, by its first line."""
    found = _MARKER.match(body)
    return found[1] if found else None


async def all_ours(services: Services, gh: GitHub, repo: str, number: int) -> tuple[Ours, ...]:
    """All threads of ours on a pull request, resolved ones too."""
    us = await services.github.login()
    return tuple(
        Ours(thread, name)
        for thread in await list_threads(gh, repo, number)
        if thread.author == us and (name := fingerprint_of(thread.body))
    )


async def ours(
    services: Services, gh: GitHub, repository: Repository, number: int
) -> tuple[Ours, ...] | None:
    """Our threads, if there can be any; None when GitHub does not tell."""
    if not await pull_requests.posted(services.store, repository.id, number):
        return ()
    try:
        return await all_ours(services, gh, repository.full_name, number)
    except GitHubError as exc:
        _log.warning("threads_not_read", number=number, why=str(exc))
        return None


async def learn(
    services: Services, gh: GitHub, repository: Repository, number: int, threads: Sequence[Ours]
) -> None:
    """Take a thumb down on a comment of ours, by somebody who may write, as a lesson."""
    known = await dismissed(services.store, repository.id, number)
    asked: dict[str, str] = {}  # strangers, who can put thumbs on everything, are asked for once
    for one in threads:
        if one.fingerprint in known:
            continue
        for login in one.thread.disliked_by:
            if login not in asked and len(asked) < MOST_ASKED:
                asked[login] = await pulls.permission(gh, repository.full_name, login)
            if asked.get(login) in WRITERS:
                # In this order: what is dismissed here alone is not looked at again.
                await teach(services.store, repository.id, lesson(one, THUMB, login))
                await dismiss(services.store, repository.id, number, one.fingerprint)
                break


def addresses(threads: Sequence[Ours]) -> dict[str, str]:
    """Where the finding of each thread is told, by its fingerprint; of two the newer."""
    return {one.fingerprint: one.thread.url for one in threads}


def lesson(one: Ours, reason: str, by: str) -> Lesson:
    return Lesson(
        fingerprint=one.fingerprint,
        path=one.thread.path,
        title=one.title,
        reason=reason,
        taught_by=by,
    )


async def resolve(
    services: Services, gh: GitHub, repository: Repository, threads: Sequence[Ours]
) -> tuple[Ours, ...]:
    """Resolve threads of ours; without the permission for that, which is larger than a reviewer
    needs, fold their first comments away as resolved. Those that are over then, or were before;
    the log tells of the others.
    """
    done = [one for one in threads if one.over]
    if len(done) == len(threads):
        return tuple(done)
    try:
        resolver = await _resolver(services, repository)
    except GitHubError as exc:
        _log.warning("threads_not_resolved", why=str(exc))
        return tuple(done)
    for one in threads:
        if one.over:
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


def gone(report: Report, one: Ours) -> bool:
    """Whether the review shows that a finding of earlier is no longer there: its file was read
    again, by those who had found it, or has no change any more.

    What a review of one category does not look for is not gone; nor is what nobody read, nor
    what its analyser, which failed this time, could not say.
    """
    path = one.thread.path
    told = any(finding.fingerprint == one.fingerprint for finding in report.findings)
    unread = any(item.path == path for item in report.left_out)
    if report.review.focus is not None or told or unread:
        return False
    if path not in report.read:
        return report.unnamed == 0  # else it may be among those that are left out unnamed
    return not report.unheard or (bool(one.tools) and one.tools.isdisjoint(report.unheard))


def owed(report: Report, threads: Sequence[Ours]) -> bool:
    """Whether a finding of earlier still blocks that the review could not look for."""
    told = {finding.fingerprint for finding in report.findings}
    return any(
        one.grave and not gone(report, one)
        for one in threads
        if not one.over and one.fingerprint not in told
    )


async def settle(services: Services, gh: GitHub, report: Report, threads: Sequence[Ours]) -> None:
    """Resolve our threads whose finding is gone; should it come back, it is said again, also
    where a person had resolved the thread."""
    repository = report.review.repository
    mended = [one for one in threads if gone(report, one)]
    done = await resolve(services, gh, repository, mended)
    names = [one.fingerprint for one in done]
    await pull_requests.forget_posted(services.store, repository.id, report.review.number, names)
