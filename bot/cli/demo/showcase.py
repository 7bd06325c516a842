"""The demo's own repository: a small shop, and one pull request as people write them.

It holds five defects (one between two languages, one race, one forgotten `await`, one password,
one workflow that runs what strangers write) and two decoys that look wrong and are right. Files
end in `.txt`, so that no tool takes them for ours; those of `head` replace or add to `base`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.sandbox.git import git

FOLDER = Path(__file__).parent / "bookshop"

#: The repository as the sandbox knows it.
NAME = "octo/bookshop"

#: When and by whom: the same commits on every machine.
_SIGNED = "Ada <ada@bookshop.example> 1764000000 +0000"


@dataclass(frozen=True, slots=True)
class Showcase:
    """The repository's folder, and its pull request."""

    repository: Path
    base: str
    head: str
    title: str
    body: str


def answers() -> dict[str, Any]:
    """What the recorded reader says of it."""
    recorded: dict[str, Any] = json.loads((FOLDER / "answers.json").read_text(encoding="utf-8"))
    return recorded


async def build(target: Path) -> Showcase:
    """Make the repository in the empty folder `target`. Raises GitFailed."""
    title, _, body = (FOLDER / "pull_request.md.txt").read_text(encoding="utf-8").partition("\n\n")
    await git.init(target)
    stream = b"".join(
        (
            _commit("refs/heads/main", "Orders and their invoices", FOLDER / "base"),
            _commit("refs/heads/coupons", title, FOLDER / "head", parent="refs/heads/main"),
        )
    )
    await git.run(target, "fast-import", "--quiet", stdin=stream)
    base = await git.resolve(target, "main")
    head = await git.resolve(target, "coupons")
    assert base is not None
    assert head is not None
    return Showcase(target, base, head, title, body)


def _commit(ref: str, message: str, folder: Path, parent: str = "") -> bytes:
    """One commit as `git fast-import` reads it, https://git-scm.com/docs/git-fast-import."""
    lines = [f"commit {ref}\ncommitter {_SIGNED}\n".encode(), _data(message.encode())]
    if parent:
        lines.append(f"from {parent}\n".encode())
    for path in sorted(folder.rglob("*.txt")):
        name = path.relative_to(folder).as_posix().removesuffix(".txt")
        lines += [f"M 100644 inline {name}\n".encode(), _data(path.read_bytes())]
    return b"".join(lines)


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)
