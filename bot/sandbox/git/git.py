"""Bare repositories, read and written by the real git."""

import asyncio
import os
import re
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from bot.runtime.subprocesses import output_of

#: The sandbox's git neither reads the user's configuration nor asks anybody anything.
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
}

#: Answers that are kept, and the longest of them: a review asks the same things many times over.
KEPT_ANSWERS = 512
KEPT_BYTES = 64 * 1024

_ID = re.compile(r"[0-9a-f]{40}")

_kept: OrderedDict[tuple[Path, tuple[str, ...]], bytes] = OrderedDict()


class GitFailed(Exception):
    """git ended with an error; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; dates are ISO 8601 as git prints them."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    authored_at: str
    message: str


async def run(directory: Path, *args: str, stdin: bytes | None = None) -> bytes:
    """Run git in a directory and return what it prints.

    Raises GitFailed when it ends with an error.
    """
    process = await asyncio.create_subprocess_exec(
        "git",
        *args,
        cwd=directory,
        env=ENVIRONMENT,
        stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await output_of(process, stdin)
    if process.returncode:
        raise GitFailed(f"git {args[0]} failed: {err.decode(errors='replace').strip()}")
    return out


async def run_cached(git_dir: Path, *args: str, of: Collection[str]) -> bytes:
    """What git prints of some objects: kept where each is named by its id, for then it never
    changes. Raises GitFailed."""
    key = git_dir, args
    if (known := _kept.get(key)) is not None:
        return known
    out = await run(git_dir, *args)
    if len(out) <= KEPT_BYTES and all(map(_ID.fullmatch, of)):
        _kept[key] = out
        if len(_kept) > KEPT_ANSWERS:
            _kept.popitem(last=False)
    return out


async def resolve(git_dir: Path, revision: str) -> str | None:
    """The commit that a branch, tag or SHA names, or None."""
    try:
        out = await run_cached(
            git_dir,
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            f"{revision}^{{commit}}",
            of=[revision],
        )
    except GitFailed:
        return None
    return out.decode().strip()


async def merge_base(git_dir: Path, one: str, other: str) -> str | None:
    """The best common ancestor of two commits, or None if they share no history."""
    try:
        return (
            (await run_cached(git_dir, "merge-base", one, other, of=[one, other])).decode().strip()
        )
    except GitFailed:
        return None


async def has_commit(git_dir: Path, sha: str) -> bool:
    """Whether there is such a commit."""
    try:
        await run(git_dir, "cat-file", "-e", f"{sha}^{{commit}}")
    except GitFailed:
        return False
    return True


async def merges_cleanly(git_dir: Path, base: str, head: str) -> bool:
    """Whether the head could be merged into the base without a conflict."""
    try:
        await run_cached(git_dir, "merge-tree", "--write-tree", base, head, of=[base, head])
    except GitFailed:
        return False
    return True


async def commits_between(git_dir: Path, base: str, head: str) -> list[Commit]:
    """The commits reachable from head and not from base, oldest first."""
    form = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%B%x00"
    order = ("--reverse", "--topo-order")
    span = f"{base}..{head}"
    out = await run_cached(git_dir, "log", "-z", *order, f"--format={form}", span, of=[base, head])
    return _commits(out)


async def commit(git_dir: Path, sha: str) -> Commit:
    """One commit."""
    form = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%B%x00"
    return _commits(
        await run_cached(git_dir, "log", "-z", "-1", f"--format={form}", sha, of=[sha])
    )[0]


def _commits(out: bytes) -> list[Commit]:
    # Each record ends with the NUL of the format and the NUL of -z.
    fields = out.decode(errors="replace").split("\0")
    found = []
    for start in range(0, len(fields) - 7, 8):
        sha, tree, parents, name, email, date, message = fields[start : start + 7]
        found.append(
            Commit(sha, tree, tuple(parents.split()), name, email, date, message.rstrip("\n"))
        )
    return found


async def blob(git_dir: Path, commit_sha: str, path: str) -> tuple[str, bytes] | None:
    """The id and content of a file at a commit, or None if there is no such file."""
    out = await run_cached(git_dir, "ls-tree", "-z", commit_sha, "--", path, of=[commit_sha])
    meta, _, name = out.rstrip(b"\0").partition(b"\t")
    parts = meta.decode().split()
    if name.decode(errors="replace") != path or parts[1] != "blob":
        return None
    return parts[2], await run_cached(git_dir, "cat-file", "blob", parts[2], of=[parts[2]])


async def set_ref(git_dir: Path, name: str, sha: str) -> None:
    """Point a full ref name at a commit."""
    await run(git_dir, "update-ref", name, sha)


async def init_from(source: Path, target: Path) -> None:
    """Make a bare repository with the branches and tags of another, sharing its objects.

    Objects are borrowed, not copied: commits made in the source later are seen at once, and a
    shallow source stays shallow here. Raises GitFailed if the source is no git repository.
    """
    common = await run(source, "rev-parse", "--path-format=absolute", "--git-common-dir")
    origin = Path(common.decode().strip())
    await _init(target)
    (target / "objects/info").mkdir(exist_ok=True)
    (target / "objects/info/alternates").write_text(f"{origin / 'objects'}\n")
    if (origin / "shallow").exists():
        (target / "shallow").write_bytes((origin / "shallow").read_bytes())
    listed = await run(
        source,
        "for-each-ref",
        "--format=%(refname) %(objectname)",
        "refs/heads",
        "refs/tags",
    )
    updates = [f"create {line}\n" for line in listed.decode().splitlines()]
    await run(target, "update-ref", "--stdin", stdin="".join(updates).encode())
    head = (await run(source, "rev-parse", "--symbolic-full-name", "HEAD")).decode().strip()
    if head.startswith("refs/heads/"):
        await run(target, "symbolic-ref", "HEAD", head)


async def init(target: Path) -> None:
    """Make an empty bare repository."""
    await _init(target)


async def _init(target: Path) -> None:
    await asyncio.to_thread(target.mkdir, parents=True)
    await run(target, "init", "--quiet", "--bare", "--initial-branch=main", ".")
