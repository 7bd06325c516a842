"""Which packages a change adds, and what is known to be wrong with them, asked of GitHub."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.domain.model import Advisory, DependencyChange, PullRequest
from bot.github import pulls
from bot.github.client import GitHub
from bot.github.errors import Forbidden, GitHubError, NotFound
from bot.store import Store
from bot.telemetry import log
from templates.languages import _
from workers.scan.dependencies import Dependencies

#: A review waits no longer for GitHub to say what changed and which versions are fixed.
SECONDS = 20.0
#: Advisories that are looked up for the versions that they are fixed in, the gravest first.
MAX_ADVISORIES = 10

_log = log.get(__name__)


async def ask_dependencies(
    gh: GitHub,
    repo: str,
    pull: PullRequest,
    store: Store | None = None,
    *,
    read_diff: bool = False,
) -> Dependencies:
    """What GitHub says of the packages that the pull request changes, within SECONDS; nothing of
    this fails a review. In `store` it is noted where a repository has no dependency review, which
    is no fault, and told once. With `read_diff` the diff has to do where GitHub says nothing."""
    changes: tuple[DependencyChange, ...] | None = None
    fixed: Mapping[str, Sequence[tuple[str, str]]] = {}
    try:
        async with asyncio.timeout(SECONDS):
            changes = await pulls.dependency_changes(gh, repo, pull.base_sha, pull.head_sha)
            if not gh.is_scarce:
                fixed = await _fixed_versions(gh, changes)
    except TimeoutError:
        if changes is None:
            why = _("GitHub did not answer within {seconds} seconds.", seconds=round(SECONDS))
            return Dependencies(why=why, read_diff=read_diff)
    except (Forbidden, NotFound) as exc:
        if store and await store.pulls.mark_without_dependencies(repo, missing=True):
            _log.info("dependency_review_not_enabled", repository=repo, why=str(exc))
        return Dependencies(read_diff=read_diff)
    except GitHubError as exc:
        return Dependencies(why=str(exc), read_diff=read_diff)
    if store:
        await store.pulls.mark_without_dependencies(repo, missing=False)
    return Dependencies(tuple(_with_fixes(change, fixed) for change in changes))


async def _fixed_versions(
    gh: GitHub, changes: Sequence[DependencyChange]
) -> Mapping[str, Sequence[tuple[str, str]]]:
    """By advisory, packages and the versions in which they are fixed: those of the gravest."""
    known = {each.id: each for change in changes if change.added for each in change.advisories}
    gravest = sorted(known.values(), key=lambda each: (each.severity.rank, each.id))
    found: defaultdict[str, Sequence[tuple[str, str]]] = defaultdict(tuple)
    for advisory in gravest[:MAX_ADVISORIES]:
        try:
            found[advisory.id] = await pulls.fixed_versions(gh, advisory.id)
        except GitHubError as exc:  # what is known of the advisory is told all the same
            _log.info("advisory_not_read", advisory=advisory.id, why=str(exc))
    return found


def _with_fixes(
    change: DependencyChange, fixed: Mapping[str, Sequence[tuple[str, str]]]
) -> DependencyChange:
    def known(advisory: Advisory) -> Advisory:
        pairs = fixed.get(advisory.id, ())
        versions = [version for name, version in pairs if name == change.name.lower()]
        return replace(advisory, fixed=tuple(dict.fromkeys(versions)))

    return replace(change, advisories=tuple(map(known, change.advisories)))
