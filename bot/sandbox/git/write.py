"""Bare repositories, and commits and refs in them, made by the real git."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.sandbox.git.git import run


async def set_ref(git_dir: Path, name: str, sha: str) -> None:
    """Point a full ref name at a commit."""
    await run(git_dir, "update-ref", name, sha)


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
        f"commit {scratch}\nmark :1\n".encode(),
        f"committer Octo Cat <octocat@example.com> {when} +0000\n".encode(),
        _data(message.encode()),
    ]
    if parent:
        lines.append(f"from {parent}\n".encode())
    lines.extend(_file_commands(files))
    # The ref is taken back: left standing, it would be the next parentless commit's parent.
    lines.append(f"\nget-mark :1\nreset {scratch}\nfrom {'0' * 40}\n".encode())
    output = await run(git_dir, "fast-import", "--quiet", "--force", stdin=b"".join(lines) + b"\n")
    return output.decode().strip()


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
