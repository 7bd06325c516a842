"""A bare, blobless, shallow clone of exactly two commits, deleted when the scan ends.

Cost follows the change: the first fetch brings two commits and their trees, each
later one brings all the blobs that a step needs in one request.
"""

import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bot.config.settings import Settings
from bot.domain.diff import ChangedFile
from bot.domain.model import Review
from workers.scan.repository import diff
from workers.scan.repository.errors import CloneError
from workers.scan.repository.git import Git, MissingRef

_HEAD = "refs/glossator/head"
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

#: Fetches of blobs repeat what git itself does for a missing blob of a partial clone
#: (promisor-remote.c), but for many at once.
_FETCH = (
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-auto-maintenance",
    "--no-recurse-submodules",
    "--no-write-fetch-head",
    "--filter=blob:none",
)

_DIFF = (
    "--raw",
    "-z",
    "--no-abbrev",
    "--full-index",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--ignore-submodules=none",
    "--submodule=short",
    "-l1000",
)


#: Changed paths, and paths of one commit. Nobody reviews so many, and what lists them takes
#: memory and time for each.
MAX_CHANGED = 200_000
MAX_TREE = 1_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """What to clone: `url` over https, an installation token, and the two commits."""

    url: str
    token: str = field(repr=False)
    merge_base: str
    head_sha: str
    number: int

    @classmethod
    def of(cls, review: Review, settings: Settings, *, merge_base: str, token: str) -> "Source":
        """Where the commits of a review are cloned from."""
        url = f"{settings.github_url}/{review.repository.full_name}.git"
        return cls(url, token, merge_base, review.head_sha, review.number)


@dataclass(frozen=True, slots=True)
class Entry:
    """A blob of a commit's tree."""

    path: str
    blob: str


@dataclass(slots=True)
class Clone:
    """The open clone. Every method may raise CloneError."""

    git: Git
    source: Source
    _present: set[str] = field(default_factory=set)

    async def names(self) -> tuple[ChangedFile, ...]:
        """Every changed path, from the trees alone: no blob is read, renames are not seen."""
        out = await self.git.local(
            *("diff-tree", "-r", *_DIFF, "--no-renames", *self._commits, "--"),
            max_records=2 * MAX_CHANGED,
        )
        return await asyncio.to_thread(diff.parse_raw, out)

    async def counted(self, paths: Sequence[str]) -> tuple[ChangedFile, ...]:
        """These paths with renames paired and lines counted; their blobs must be fetched."""
        out = await self._diff("--numstat", "-M", paths=paths)
        return await asyncio.to_thread(diff.parse_numstat, out)

    async def hunks(self, paths: Sequence[str]) -> tuple[ChangedFile, ...]:
        """These paths with their hunks; their blobs must be fetched."""
        out = await self._diff("--patch", "--unified=3", "-M", paths=paths)
        return await asyncio.to_thread(diff.parse_patch, out)

    async def tree(self) -> tuple[Entry, ...]:
        """Every regular file of the head, in git's order."""
        return await self._tree(self.source.head_sha)

    async def base_tree(self) -> tuple[Entry, ...]:
        """The same of the merge base."""
        return await self._tree(self.source.merge_base)

    async def _tree(self, commit: str) -> tuple[Entry, ...]:
        out = await self.git.local(
            *("ls-tree", "-r", "-z", "--full-tree", commit), max_records=MAX_TREE
        )
        return await asyncio.to_thread(lambda: tuple(_entries(out)))

    async def fetch(self, blobs: Iterable[str]) -> None:
        """Bring the blobs that are not here yet, in one request."""
        missing = sorted(set(blobs) - self._present)
        if not missing:
            return
        await self.git.remote(*_FETCH, "--stdin", "origin", stdin="\n".join(missing).encode())
        self._present.update(missing)

    async def sizes(self, blobs: Iterable[str]) -> dict[str, int]:
        """Bytes of each of these fetched blobs."""
        batch_input = "\n".join(dict.fromkeys(blobs)).encode() + b"\n"
        out = await self.git.local(
            "cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=batch_input
        )
        rows = (line.split(b" ") for line in out.splitlines())
        return {row[0].decode(): int(row[1]) for row in rows if row[1].isdigit()}

    async def read(self, blobs: Iterable[str]) -> dict[str, bytes]:
        """Contents of these fetched blobs. Ask for their sizes first."""
        unique_blobs = list(dict.fromkeys(blobs))
        if not unique_blobs:
            return {}
        out = await self.git.local(
            "cat-file", "--batch", stdin="\n".join(unique_blobs).encode() + b"\n"
        )
        return await asyncio.to_thread(lambda: dict(_contents(out)))

    @property
    def _commits(self) -> tuple[str, str]:
        return self.source.merge_base, self.source.head_sha

    async def _diff(self, *options: str, paths: Sequence[str]) -> bytes:
        if not paths:
            return b""
        return await self.git.local(
            "--literal-pathspecs", "diff", *_DIFF, *options, *self._commits, "--", *paths
        )


@asynccontextmanager
async def clone(
    source: Source, settings: Settings, *, protocols: tuple[str, ...] | None = None
) -> AsyncIterator[Clone]:
    """Fetch the merge base and the head of `source` into a fresh directory.

    `protocols` is for tests; by default https, and http where the settings' GitHub
    speaks it. Raises CloneError.
    """
    allowed = protocols or _protocols(settings)
    _check(source, allowed)
    directory = Path(tempfile.mkdtemp(prefix="glossator-"))
    try:
        git = Git(
            directory=directory,
            url=source.url,
            token=source.token,
            protocols=allowed,
            deadline=time.monotonic() + settings.clone_seconds,
            max_bytes=settings.clone_mb << 20,
        )
        await _prepare(git)
        await _fetch_commits(git, source)
        yield Clone(git, source)
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True))


def _protocols(settings: Settings) -> tuple[str, ...]:
    return ("https", "http") if settings.github_url.startswith("http://") else ("https",)


def _check(source: Source, allowed: tuple[str, ...]) -> None:
    """Nothing that git could read as an option or a helper's name goes on."""
    if urlsplit(source.url).scheme not in allowed or not source.url.isprintable():
        raise CloneError(
            f"The repository's address has to start with {' or '.join(allowed)}.", transient=False
        )
    if not (_SHA.fullmatch(source.merge_base) and _SHA.fullmatch(source.head_sha)):
        raise CloneError("A commit is named by something that is not a SHA.", transient=False)


async def _prepare(git: Git) -> None:
    """An empty repository whose missing blobs are promised by `origin`; its configuration is
    written at once, as each `git config` would be a process of its own."""
    await git.local("init", "--quiet", "--bare", "--template=", ".")
    await asyncio.to_thread((git.directory / "config").write_text, _config(git.url))


def _config(url: str) -> str:
    """https://git-scm.com/docs/git-config#_syntax; `url` holds no line feed."""
    quoted = url.replace("\\", "\\\\").replace('"', '\\"')
    return f"""[core]
\trepositoryFormatVersion = 1
\tbare = true
[extensions]
\tpartialClone = origin
[remote "origin"]
\turl = "{quoted}"
\tpromisor = true
\tpartialCloneFilter = blob:none
"""


async def _fetch_commits(git: Git, source: Source) -> None:
    """Both commits in one request; the head by its pull request's ref, which forks need.

    Somebody may have pushed meanwhile: then the head is asked for by its SHA.
    """
    shallow = (*_FETCH, "--depth=1", "--end-of-options", "origin")
    try:
        await git.remote(*shallow, source.merge_base, f"+refs/pull/{source.number:d}/head:{_HEAD}")
        head = (
            (await git.local("rev-parse", "--verify", "--end-of-options", _HEAD)).decode().strip()
        )
        if head == source.head_sha:
            return
    except MissingRef:
        await git.remote(*shallow, source.merge_base)
    await git.remote(*shallow, source.head_sha)


def _entries(out: bytes) -> Iterable[Entry]:
    for record in out.split(b"\0"):
        meta, _, path = record.partition(b"\t")
        if meta.startswith(b"100"):  # regular files: neither symlinks nor submodules
            yield Entry(path.decode("utf-8", "surrogateescape"), meta.split(b" ")[2].decode())


def _contents(out: bytes) -> Iterable[tuple[str, bytes]]:
    """The records of `git cat-file --batch`: `<oid> <type> <size>LF<contents>LF`."""
    position = 0
    while position < len(out):
        end = out.index(b"\n", position)
        header = out[position:end].split(b" ")
        position = end + 1
        if len(header) == 3 and header[2].isdigit():
            size = int(header[2])
            yield header[0].decode(), out[position : position + size]
            position += size + 1
