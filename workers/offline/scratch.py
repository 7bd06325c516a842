"""A repository of our own that borrows the objects of another: what is not committed becomes a
commit there, and the other repository is only read.

git runs on our configuration alone, so that no filter, hook, monitor or command that the other
repository configures is started. The pipeline then clones from here as from anywhere.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bot.config.settings import Settings
from workers.scan.repository.git import Git

#: Who commits to it, as git wants a name; it is deleted after the review.
_CONFIG = """[user]
\tname = glossator
\temail = glossator@localhost
"""


@dataclass(frozen=True, slots=True)
class Scratch:
    """`top` is the folder with the files of the other repository, if there is one. Every method
    may raise CloneError."""

    git: Git
    top: Path | None = None

    @property
    def url(self) -> str:
        """Where the pipeline clones it from."""
        return f"file://{quote(os.fsencode(self.git.directory))}"

    async def with_files(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """A git command that reads the files of the other repository."""
        return await self.git.local(f"--work-tree={self.top}", *arguments, stdin=stdin)

    async def tree(self) -> str:
        """What the index holds, as a tree."""
        return _line(await self.git.local("write-tree", "--missing-ok"))

    async def blob(self, content: bytes) -> str:
        return _line(await self.git.local("hash-object", "-w", "--stdin", stdin=content))

    async def stage(self, files: Mapping[str, str]) -> None:
        """Add these blobs to the index, each by its path."""
        records = "".join(f"100644 {blob}\t{path}\0" for path, blob in files.items())
        await self.git.local(
            "update-index", "-z", "--index-info", stdin=records.encode("utf-8", "surrogateescape")
        )

    async def commit(self, tree: str, *parents: str) -> str:
        named = [word for parent in parents for word in ("-p", parent)]
        return _line(await self.git.local("commit-tree", tree, *named, "-m", "Under review"))


@asynccontextmanager
async def scratch(
    settings: Settings,
    *,
    objects: Path | None = None,
    top: Path | None = None,
    object_format: str = "sha1",
    config: str = "",
) -> AsyncIterator[Scratch]:
    """An empty repository that is deleted at the end. `objects` is the folder of objects that it
    borrows; `config` is added to its configuration. Raises CloneError."""
    directory = Path(tempfile.mkdtemp(prefix="glossator-"))
    try:
        git = Git(
            directory=directory,
            url="",
            token="",
            protocols=(),
            deadline=time.monotonic() + settings.clone_seconds,
            max_bytes=settings.clone_mb << 20,
        )
        await git.local(
            *("init", "--quiet", "--bare", "--template=", f"--object-format={object_format}", ".")
        )
        await asyncio.to_thread(_furnish, directory, objects, config)
        yield Scratch(git, top)
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True))


def _furnish(directory: Path, objects: Path | None, config: str) -> None:
    with (directory / "config").open("a") as file:
        file.write(_CONFIG + config)
    if objects is not None:
        info = directory / "objects/info"
        info.mkdir(exist_ok=True)
        (info / "alternates").write_bytes(os.fsencode(objects) + b"\n")


def _line(out: bytes) -> str:
    return out.decode("ascii").strip()
