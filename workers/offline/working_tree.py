"""What is not committed yet, as a change to review: what is staged, or all that is new."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.config.settings import Settings
from bot.domain.model import PullRequestContext, Repository
from workers.offline.local_review import ReviewTarget
from workers.offline.review_target import (
    Checkout,
    NothingChanged,
    TargetNotFound,
    absolute_path,
    config_at,
    git,
    local_pull,
    within,
)
from workers.offline.scratch import Scratch, scratch
from workers.scan.repository.clone import Source

#: More files that git does not know are no work of a person.
MAX_UNTRACKED = 5_000

#: Settings of the other repository that decide what counts as a change; values, not programs.
_COMPARISON = {"core.autocrlf": ("true", "input"), "core.filemode": ("false",)}


@asynccontextmanager
async def uncommitted(
    repo: Path, settings: Settings, *, staged: bool, paths: Sequence[str] = ()
) -> AsyncIterator[ReviewTarget]:
    """The change from HEAD to the index, or to the files with what is untracked and not ignored.

    `repo` is an absolute path, of the repository or of a folder in it; `paths` are relative to it.
    Raises TargetNotFound, NothingChanged and CloneError.
    """
    checkout = await Checkout.of(repo)
    if checkout.top is None:
        raise NothingChanged(f"{repo} has no working tree.")
    index = await absolute_path(repo, "--git-path", "index")
    async with scratch(
        settings,
        objects=checkout.objects,
        top=checkout.top,
        object_format=checkout.object_format,
        config=await _comparison(repo),
    ) as ours:
        await asyncio.to_thread(_copy_index, index, ours.git.directory)
        await _check_merged(ours)
        if not staged:
            await _add_files(ours, await _ignored_by(repo))
        tree = await ours.tree()
        head = await _head_commit(repo, ours)
        only = within(checkout.top, repo, paths)
        if not await _changed(ours, head, tree, only):
            raise NothingChanged(_nothing(staged=staged, paths=paths))
        yield await _target(repo, checkout, ours, head, tree, only, staged=staged)


async def _target(
    repo: Path,
    checkout: Checkout,
    ours: Scratch,
    head: str,
    tree: str,
    only: tuple[str, ...],
    *,
    staged: bool,
) -> ReviewTarget:
    change = await ours.commit(tree, head)
    title = "Staged changes" if staged else "Uncommitted changes"
    parsed = await config_at(repo, head)
    return ReviewTarget(
        source=Source(
            url=ours.url, token="", merge_base=head, head_sha=change, number=0, paths=only
        ),
        pull=local_pull("HEAD", head, "index" if staged else "working tree", change, title),
        pr_context=PullRequestContext(title=title, body=""),
        repository=Repository(0, 0, checkout.name),
        config=parsed.config,
        notes=parsed.warnings,
        protocols=("file",),
    )


def _nothing(*, staged: bool, paths: Sequence[str]) -> str:
    where = f" in {', '.join(paths)}" if paths else ""
    return f"Nothing is staged{where}." if staged else f"No uncommitted changes{where}."


def _copy_index(index: Path, directory: Path) -> None:
    """With what it remembers of the files, so that git reads only those that were changed since;
    and with the part that a split index shares."""
    if index.exists():
        shutil.copy2(index, directory / "index")  # its time too, by which git knows what is newer
        for shared in index.parent.glob("sharedindex.*"):
            shutil.copy2(shared, directory / shared.name)


async def _check_merged(ours: Scratch) -> None:
    unmerged = await ours.git.local("ls-files", "--unmerged", "-z")
    if unmerged:
        path = unmerged.partition(b"\0")[0].partition(b"\t")[2].decode(errors="replace")
        raise TargetNotFound(f"{path} has merge conflicts; resolve them first.")


async def _add_files(ours: Scratch, ignored_by: Sequence[Path]) -> None:
    """Bring the index up to the files. Submodules and repositories within are left as they are:
    to compare one, git would start itself on its configuration."""
    changed = await ours.with_files("diff-files", "--raw", "-z", "--ignore-submodules=all")
    records = changed.split(b"\0")[:-1]
    pairs = list(zip(records[::2], records[1::2], strict=True))
    removed = [path for meta, path in pairs if meta.endswith(b"D")]
    present = [path for meta, path in pairs if not meta.endswith(b"D")]
    excludes = [f"--exclude-from={path}" for path in ignored_by]
    listing = await ours.with_files(
        *("ls-files", "--others", "-z", "--exclude-per-directory=.gitignore", *excludes)
    )
    new = [path for path in listing.split(b"\0") if path and not path.endswith(b"/")]
    if len(new) > MAX_UNTRACKED:
        raise TargetNotFound(
            f"There are {len(new):,} untracked files; add generated files to .gitignore, or "
            "use --staged."
        )
    for option, paths in (("--force-remove", removed), ("--add", present + new)):
        if paths:
            names = b"".join(path + b"\0" for path in paths)
            await ours.with_files("update-index", option, "-z", "--stdin", stdin=names)


async def _ignored_by(repo: Path) -> list[Path]:
    """The files outside the working tree that say what git ignores."""
    exclude = await absolute_path(repo, "--git-path", "info/exclude")
    home = os.environ.get("XDG_CONFIG_HOME") or f"{os.environ.get('HOME', '')}/.config"
    own = await _value(repo, "core.excludesFile", "--type=path") or f"{home}/git/ignore"
    return [path for path in (exclude, Path(own)) if path.is_file()]


async def _comparison(repo: Path) -> str:
    values = {name: await _value(repo, name) for name in _COMPARISON}
    lines = [
        f"\t{name.partition('.')[2]} = {values[name]}\n"
        for name, allowed in _COMPARISON.items()
        if values[name] in allowed
    ]
    return f"[core]\n{''.join(lines)}" if lines else ""


async def _value(repo: Path, name: str, *options: str) -> str:
    """A value of the person's or the repository's configuration; "" if there is none."""
    try:
        return (await git(repo, "config", *options, "--get", name)).strip()
    except TargetNotFound:
        return ""


async def _head_commit(repo: Path, ours: Scratch) -> str:
    """HEAD; before the first commit, an empty one."""
    try:
        return (await git(repo, "rev-parse", "--verify", "HEAD^{commit}")).strip()
    except TargetNotFound:
        empty = await ours.git.local("mktree", stdin=b"")
        return await ours.commit(empty.decode().strip())


async def _changed(ours: Scratch, head: str, tree: str, only: tuple[str, ...]) -> bool:
    shown = await ours.git.local(
        *("--literal-pathspecs", "diff-tree", "-r", "--name-only", "-z", head, tree, "--", *only)
    )
    return bool(shown)
