"""Commits written into a bare repository without a checkout."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.sandbox.git.git import run


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
