"""What a person asks to have reviewed, and where it is found."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot.config.settings import Settings
from bot.domain.model import Category, Effort, Report
from bot.domain.suppressions import Dismissals
from bot.github.errors import GitHubError
from workers.offline.diff_input import from_diff, without_repository
from workers.offline.local_review import (
    NOT_DISMISSED,
    OnProgress,
    ReviewTarget,
    review_here,
)
from workers.offline.review_target import (
    NothingChanged,
    TargetNotFound,
    github_pull,
    local_range,
    within,
)
from workers.offline.working_tree import uncommitted
from workers.scan.repository.errors import CloneError


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One of: a pull request (`pr`, as owner/name#12), a `diff`, what is `staged`, a range (`base`
    or `head` given), or else uncommitted work if there is any and the branch if there is none.

    `repo` is an absolute path; `paths` are relative to it, and () is all."""

    repo: Path
    base: str = ""
    head: str = ""
    pr: str = ""
    token: str = ""
    staged: bool = False
    diff: bytes | None = None
    paths: tuple[str, ...] = ()


async def review_subject(
    subject: Subject,
    settings: Settings,
    *,
    focus: Category | None = None,
    effort: Effort | None = None,
    on_progress: OnProgress,
    dismissed: Dismissals = NOT_DISMISSED,
) -> Report:
    """Review what was asked for. Raises NothingChanged, and TargetNotFound for all else."""
    try:
        async with open_target(subject, settings) as (target, fitting):
            return await review_here(
                target,
                fitting,
                focus=focus,
                effort=effort,
                on_progress=on_progress,
                dismissed=dismissed,
            )
    except (CloneError, GitHubError) as exc:
        raise TargetNotFound(str(exc)) from exc


@asynccontextmanager
async def open_target(
    subject: Subject, settings: Settings
) -> AsyncIterator[tuple[ReviewTarget, Settings]]:
    """The target and the settings that hold for it; what was made for it is deleted at the end.

    Raises TargetNotFound, NothingChanged, CloneError and GitHubError.
    """
    async with AsyncExitStack() as stack:
        try:
            target = await _found(subject, settings, stack)
        except NothingChanged:
            _check_paths(subject)
            raise
        yield target, without_repository(settings) if target.alone else settings


async def _found(subject: Subject, settings: Settings, stack: AsyncExitStack) -> ReviewTarget:
    repo, paths = subject.repo, subject.paths
    if subject.pr:
        target = await github_pull(subject.pr, subject.token, settings)
        return _limited(target, within(None, Path("/"), paths))
    if subject.diff is not None:
        change = from_diff(subject.diff, repo, subject.base, settings)
        target = await stack.enter_async_context(change)
        return _limited(target, within(None, Path("/"), paths))
    if subject.staged or not (subject.base or subject.head):
        try:
            return await stack.enter_async_context(
                uncommitted(repo, settings, staged=subject.staged, paths=paths)
            )
        except NothingChanged:
            if subject.staged:
                raise
    return await local_range(repo, subject.base, subject.head or "HEAD", paths)


def _limited(target: ReviewTarget, only: tuple[str, ...]) -> ReviewTarget:
    return replace(target, source=replace(target.source, paths=only))


def _check_paths(subject: Subject) -> None:
    """Whoever gives a branch for a path learns so. Raises TargetNotFound."""
    for path in subject.paths:
        if not (subject.repo / path).exists():
            raise TargetNotFound(
                f"{path} is not a file or directory here; to review a branch, use --head."
            )
