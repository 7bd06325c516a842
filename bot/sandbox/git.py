"""Questions to a bare repository, answered by the real git."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: "No single file's diff may exceed 20,000 lines or 500 KB of raw diff data", GitHub docs,
#: "Repository limits". Beyond it the API leaves `patch` out.
PATCH_LINES = 20_000
PATCH_BYTES = 500_000

_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied"}

#: The sandbox's git neither reads the user's configuration nor asks anybody anything.
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
}


class GitFailed(Exception):
    """git ended with an error; the text is what it said."""


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One changed file; `patch` starts at the first `@@` and is None for binary or large files."""

    path: str
    previous_path: str | None
    status: str
    sha: str
    additions: int
    deletions: int
    patch: str | None


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
    out, err = await process.communicate(stdin)
    if process.returncode:
        raise GitFailed(f"git {args[0]} failed: {err.decode(errors='replace').strip()}")
    return out


async def resolve(git_dir: Path, revision: str) -> str | None:
    """The commit that a branch, tag or SHA names, or None."""
    try:
        out = await run(
            git_dir,
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            f"{revision}^{{commit}}",
        )
    except GitFailed:
        return None
    return out.decode().strip()


async def merge_base(git_dir: Path, one: str, other: str) -> str | None:
    """The best common ancestor of two commits, or None if they share no history."""
    try:
        return (await run(git_dir, "merge-base", one, other)).decode().strip()
    except GitFailed:
        return None


async def set_ref(git_dir: Path, name: str, sha: str) -> None:
    """Point a full ref name at a commit."""
    await run(git_dir, "update-ref", name, sha)


async def merges_cleanly(git_dir: Path, base: str, head: str) -> bool:
    """Whether the head could be merged into the base without a conflict."""
    try:
        await run(git_dir, "merge-tree", "--write-tree", base, head)
    except GitFailed:
        return False
    return True


async def commits_between(git_dir: Path, base: str, head: str) -> list[Commit]:
    """The commits reachable from head and not from base, oldest first."""
    form = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%B%x00"
    out = await run(
        git_dir, "log", "-z", "--reverse", "--topo-order", f"--format={form}", f"{base}..{head}"
    )
    return _commits(out)


async def commit(git_dir: Path, sha: str) -> Commit:
    """One commit."""
    form = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%B%x00"
    return _commits(await run(git_dir, "log", "-z", "-1", f"--format={form}", sha))[0]


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
    out = await run(git_dir, "ls-tree", "-z", commit_sha, "--", path)
    meta, _, name = out.rstrip(b"\0").partition(b"\t")
    parts = meta.decode().split()
    if name.decode(errors="replace") != path or parts[1] != "blob":
        return None
    return parts[2], await run(git_dir, "cat-file", "blob", parts[2])


async def unified_diff(git_dir: Path, base: str, head: str) -> bytes:
    """The diff between two commits as GitHub's diff media type has it."""
    return await run(git_dir, "diff", "-M", "--no-color", "--no-ext-diff", base, head)


async def diff(git_dir: Path, base: str, head: str) -> list[FileDiff]:
    """The changed files between two commits, with renames found."""
    options = ("-M", "--no-color", "--no-ext-diff", "--no-textconv")
    raw = await run(git_dir, "diff", *options, "--raw", "--no-abbrev", "-z", base, head)
    numbers = await run(git_dir, "diff", *options, "--numstat", "-z", base, head)
    patches = _sections(await run(git_dir, "diff", *options, base, head))
    counts = _counts(numbers)
    files = []
    for letter, sha, old, new in _raw_entries(raw):
        patch = patches.pop(0)
        if letter == "T":  # git shows a change of type as a removal and an addition
            patch = patch + "\n" + _hunks_of(patches.pop(0))
        added, deleted = counts[new]
        files.append(
            FileDiff(
                path=new,
                previous_path=old,
                status=_STATUS.get(letter, "changed"),
                sha=sha,
                additions=added,
                deletions=deleted,
                patch=_kept(_hunks_of(patch)),
            )
        )
    return files


def _raw_entries(raw: bytes) -> list[tuple[str, str, str | None, str]]:
    """(status letter, blob id, previous path, path) of each `--raw -z` record."""
    fields = iter(raw.decode(errors="replace").split("\0"))
    entries = []
    for meta in fields:
        if not meta:
            continue
        _, _, old_sha, new_sha, status = meta.lstrip(":").split(" ")
        letter = status[0]
        path = next(fields)
        old = None
        if letter in "RC":
            old, path = path, next(fields)
        entries.append((letter, old_sha if letter == "D" else new_sha, old, path))
    return entries


def _counts(numstat: bytes) -> dict[str, tuple[int, int]]:
    """Added and deleted lines by path of `--numstat -z`; binary files have none."""
    fields = iter(numstat.decode(errors="replace").split("\0"))
    counts: dict[str, tuple[int, int]] = {}
    for record in fields:
        if not record:
            continue
        added, deleted, path = record.split("\t", 2)
        if not path:  # a rename: the two names follow as fields of their own
            next(fields)
            path = next(fields)
        counts[path] = (_number(added), _number(deleted))
    return counts


def _number(text: str) -> int:
    return 0 if text == "-" else int(text)


def _sections(patch: bytes) -> list[str]:
    """Cut a diff at its `diff --git` lines; no line of content can start like that."""
    text = "\n" + patch.decode(errors="replace")
    return text.split("\ndiff --git ")[1:]


def _hunks_of(section: str) -> str:
    """What follows the file's headers: the hunks, or nothing."""
    start = section.find("\n@@ ")
    return section[start + 1 :].rstrip("\n") if start >= 0 else ""


def _kept(patch: str) -> str | None:
    """The patch, unless GitHub would leave it out."""
    if not patch or len(patch) > PATCH_BYTES or patch.count("\n") > PATCH_LINES:
        return None
    return patch


async def adopt(source: Path, target: Path) -> None:
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


async def create(target: Path) -> None:
    """Make an empty bare repository."""
    await _init(target)


async def _init(target: Path) -> None:
    await asyncio.to_thread(target.mkdir, parents=True)
    await run(target, "init", "--quiet", "--bare", "--initial-branch=main", ".")


async def write_commit(
    git_dir: Path,
    files: Mapping[str, str | bytes | None],
    *,
    parent: str | None,
    message: str,
    when: int,
) -> str:
    """Add a commit that writes these files (None removes one) and return its SHA.

    `when` is the commit time in seconds since the epoch.
    """
    scratch = "refs/sandbox/scratch"
    lines: list[bytes] = [
        f"commit {scratch}\ncommitter Octo Cat <octocat@example.com> {when} +0000\n".encode(),
        _data(message.encode()),
    ]
    if parent:
        lines.append(f"from {parent}\n".encode())
    lines.extend(_file_commands(files))
    await run(git_dir, "fast-import", "--quiet", "--force", stdin=b"".join(lines) + b"\n")
    sha = (await run(git_dir, "rev-parse", scratch)).decode().strip()
    # Left standing, the ref would be the next parentless commit's parent.
    await run(git_dir, "update-ref", "-d", scratch)
    return sha


def _file_commands(files: Mapping[str, str | bytes | None]) -> Sequence[bytes]:
    commands = []
    for path, content in files.items():
        name = '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        if content is None:
            commands.append(f"D {name}\n".encode())
            continue
        data = content.encode() if isinstance(content, str) else content
        commands.append(f"M 100644 inline {name}\n".encode() + _data(data))
    return commands


def _data(content: bytes) -> bytes:
    return f"data {len(content)}\n".encode() + content + b"\n"
