"""The repository of a case: made of its folder, on this machine, or fetched once and kept."""

import asyncio
import hashlib
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from bot.config.settings import Settings
from bot.runtime.subprocesses import run_git
from workers.offline.evaluation.cases import BadCase, Case
from workers.offline.local_review import ReviewTarget
from workers.offline.review_target import (
    NothingChanged,
    TargetNotFound,
    commit_of,
    git,
    local_range,
)

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
#: git runs whatever program a helper's address names; of these there is none.
_PROTOCOLS = "https:http:ssh:file"


async def fetch_missing(cases: Sequence[Case], settings: Settings) -> None:
    """Bring the commits of all cases that name an address, with their history, to DATA_DIR, one
    request a repository; what is there is not asked for. Raises BadCase."""
    wanted: dict[str, list[Case]] = {}
    for case in cases:
        if _is_address(case.repository):
            wanted.setdefault(case.repository, []).append(case)
    for address, its_cases in wanted.items():
        commits = {sha: case for case in its_cases for sha in (case.base, case.head)}
        if vague := [sha for sha in commits if not _SHA.fullmatch(sha)]:
            raise BadCase(
                f"The case {commits[vague[0]].name} names {vague[0]!r}: a case of an address names "
                "its commits by whole SHAs, which stay the same."
            )
        await _fetch(address, list(commits), _kept(address, settings))


@asynccontextmanager
async def target_of(case: Case, settings: Settings) -> AsyncIterator[ReviewTarget]:
    """The case as a change to review. Raises BadCase and TargetNotFound."""
    try:
        if case.repository:
            yield _named(case, await local_range(_path(case, settings), case.base, case.head))
        else:
            async with repository_of(case) as (repo, base, head):
                yield _named(case, await local_range(repo, base, head))
    except NothingChanged as exc:
        raise BadCase(f"The case {case.name} has no change to review: {exc}") from exc
    except TargetNotFound as exc:
        raise BadCase(f"The case {case.name} can't be reviewed: {exc}") from exc


def _named(case: Case, target: ReviewTarget) -> ReviewTarget:
    title = case.title or target.pull.title
    return replace(
        target,
        pr_context=replace(target.pr_context, title=title, body=case.body),
        pull=replace(target.pull, title=title, body=case.body),
    )


def _is_address(repository: str) -> bool:
    return "://" in repository


def _path(case: Case, settings: Settings) -> Path:
    """Where the case's repository is on this machine; a path is relative to the file with it."""
    if _is_address(case.repository):
        return _kept(case.repository, settings)
    return (case.folder / Path(case.repository).expanduser()).resolve()


def _kept(address: str, settings: Settings) -> Path:
    digest = hashlib.sha256(address.encode()).hexdigest()[:16]
    return settings.data_dir.absolute() / "evaluation" / f"{digest}.git"


async def _fetch(address: str, commits: Sequence[str], repo: Path) -> None:
    if not await asyncio.to_thread(repo.exists):
        await asyncio.to_thread(repo.mkdir, mode=0o700, parents=True)
        names = "sha256" if len(commits[0]) > 40 else "sha1"
        await git(repo, "init", "--quiet", "--bare", "--template=", f"--object-format={names}")
    missing = []
    for sha in commits:
        try:
            await commit_of(repo, sha)
        except TargetNotFound:
            missing.append(sha)
    if not missing:
        return
    kept = [f"{sha}:refs/cases/{sha}" for sha in missing]
    code, _, errors = await run_git(
        *("-C", str(repo), "fetch", "--quiet", "--no-tags", "--no-auto-maintenance"),
        *("--end-of-options", address, *kept),
        protocols=_PROTOCOLS,
    )
    if code:
        lines = errors.decode(errors="replace").strip().splitlines() or ["it does not say why"]
        raise BadCase(f"git could not fetch {address}: {lines[-1]}")


@asynccontextmanager
async def repository_of(case: Case) -> AsyncIterator[tuple[Path, str, str]]:
    """The case of a folder as a git repository in a temporary one: path, base and head."""
    with tempfile.TemporaryDirectory(prefix="glossator-case-") as name:
        repo = Path(name)
        bundle = case.folder / "change.bundle"
        if await asyncio.to_thread(bundle.exists):
            await git(repo, "init", "--quiet")
            # Fetching from a file is a transport, of which none is allowed.
            for line in (await git(repo, "bundle", "unbundle", str(bundle))).splitlines():
                sha, _, ref = line.partition(" ")
                if ref in ("refs/heads/base", "refs/heads/head"):
                    await git(repo, "update-ref", ref, sha)
        else:
            await git(repo, "init", "--quiet", "--initial-branch=base")
            await _commit_tree(repo, case.folder / "base", "Begin")
            await git(repo, "checkout", "--quiet", "-b", "head")
            await _commit_tree(repo, case.folder / "head", f"{case.title}\n\n{case.body}")
        yield repo, "base", "head"


async def _commit_tree(repo: Path, tree: Path, message: str) -> None:
    """A commit whose files are those of `tree`; a folder that is not there is empty."""
    await git(repo, "rm", "-r", "--quiet", "--ignore-unmatch", ".")
    await asyncio.to_thread(_copy, tree, repo)
    await git(repo, "add", "--all", "--force", ".")
    who = ("-c", "user.name=Glossator", "-c", "user.email=glossator@example.org")
    await git(repo, *who, "commit", "--quiet", "--allow-empty", "-m", message)


def _copy(tree: Path, repo: Path) -> None:
    if tree.exists():
        shutil.copytree(tree, repo, dirs_exist_ok=True)
