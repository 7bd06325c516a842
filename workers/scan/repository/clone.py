"""A bare, blobless, shallow clone of exactly two commits, deleted when the step ends.

Cost follows the change: the first fetch brings two commits and their trees, each
later one brings all the blobs that a step needs in one request. What a clone of the same
repository brought before is borrowed from `workers.scan.repository.object_cache`.
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
from bot.telemetry import log
from workers.scan.repository import diff
from workers.scan.repository.errors import CloneError, Unreadable
from workers.scan.repository.git import Git, MissingRef
from workers.scan.repository.object_cache import ObjectCache, object_cache

_log = log.get(__name__)

_HEAD = "refs/glossator/head"
_SHA256_DIGITS = 64
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


#: Renames are paired; a line that differs in nothing but its end is the same line.
_LINES = ("-M", "--ignore-cr-at-eol")

#: Changed paths, and paths of one commit. Nobody reviews so many, and what lists them takes
#: memory and time for each.
MAX_CHANGED = 200_000
MAX_TREE = 1_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """What to clone: `url` over https, an installation token, and the two commits. Of a repository
    without ids nothing is kept. With `paths`, only changes of these files and folders count."""

    url: str
    token: str = field(repr=False)
    merge_base: str
    head_sha: str
    number: int
    installation_id: int = 0
    repository_id: int = 0
    paths: tuple[str, ...] = ()

    @property
    def commits(self) -> tuple[str, str]:
        return self.merge_base, self.head_sha

    @classmethod
    def of(cls, review: Review, settings: Settings, *, merge_base: str, token: str) -> "Source":
        """Where the commits of a review are cloned from."""
        repo = review.repository
        return cls(
            url=f"{settings.github_url}/{repo.full_name}.git",
            token=token,
            merge_base=merge_base,
            head_sha=review.head_sha,
            number=review.number,
            installation_id=repo.installation_id,
            repository_id=repo.id,
        )


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
    borrows: bool = False
    _present: set[str] = field(default_factory=set)

    async def names(self) -> tuple[ChangedFile, ...]:
        """Every changed path, from the trees alone: no blob is read, renames are not seen."""
        out = await self.git.local(
            *("--literal-pathspecs", "diff-tree", "-r", *_DIFF, "--no-renames"),
            *(*self.source.commits, "--", *self.source.paths),
            max_records=2 * MAX_CHANGED,
        )
        return await asyncio.to_thread(diff.parse_raw, out)

    async def counted(self, paths: Sequence[str]) -> tuple[ChangedFile, ...]:
        """These paths with renames paired and lines counted; their blobs must be fetched."""
        out = await self._diff("--numstat", *_LINES, paths=paths)
        return await asyncio.to_thread(diff.parse_numstat, out)

    async def hunks(self, paths: Sequence[str]) -> tuple[ChangedFile, ...]:
        """These paths with their hunks; their blobs must be fetched."""
        out = await self._diff("--patch", "--unified=3", *_LINES, paths=paths)
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
        if missing and self.borrows and not self._present:
            self._present.update(await self._all_here())
            missing = sorted(set(missing) - self._present)
        if not missing:
            return
        await self.git.remote(*_FETCH, "--stdin", "origin", stdin="\n".join(missing).encode())
        self._present.update(missing)

    async def _all_here(self) -> list[str]:
        """Every object, also borrowed ones. To ask for those that are wanted would have git fetch
        the others one by one."""
        out = await self.git.local(
            *("cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)")
        )
        return out.decode("ascii").split()

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

    async def _diff(self, *options: str, paths: Sequence[str]) -> bytes:
        if not paths:
            return b""
        return await self.git.local(
            "--literal-pathspecs", "diff", *_DIFF, *options, *self.source.commits, "--", *paths
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
    async with object_cache(source.installation_id, source.repository_id, settings) as cache:
        directory = Path(tempfile.mkdtemp(prefix="glossator-"))
        complete = borrows = False
        try:
            git = Git(
                directory=directory,
                url=source.url,
                token=source.token,
                protocols=allowed,
                deadline=time.monotonic() + settings.clone_seconds,
                max_bytes=settings.clone_mb << 20,
            )
            borrows = cache is not None and await _borrowed(git, source, cache)
            if not borrows:
                await _prepare(git, source)
                await _fetch_commits(git, source)
            complete = True
            yield Clone(git, source, borrows)
        except CloneError as exc:
            complete = False  # what is dropped now makes no commit whole
            if cache is not None:
                await asyncio.to_thread(cache.drop)
            if borrows and isinstance(exc, Unreadable):
                # It may be damaged, or another clone has dropped it: the next try borrows nothing.
                raise CloneError(str(exc), transient=True) from exc
            raise
        finally:
            await asyncio.shield(
                asyncio.to_thread(
                    _close, directory, cache, source.commits if complete else (), borrows
                )
            )


def _close(
    directory: Path, cache: ObjectCache | None, commits: Sequence[str], borrowed: bool
) -> None:
    if cache is not None and commits:
        cache.keep(directory, commits, borrowed=borrowed)
    shutil.rmtree(directory, ignore_errors=True)


async def _borrowed(git: Git, source: Source, cache: ObjectCache) -> bool:
    """Whether the commits are here, with what is borrowed; what fails is forgotten, and nothing
    is left of it."""
    if not await asyncio.to_thread(cache.is_sound):
        await asyncio.to_thread(cache.drop)
    known = await asyncio.to_thread(lambda: cache.commits)
    if not known:
        return False
    try:
        await _prepare(git, source)
        await asyncio.to_thread(_lend, git.directory, cache.objects, known)
        if not {*source.commits} <= {*known}:
            await _fetch_commits(git, source)
    except MissingRef:
        raise
    except CloneError as exc:
        _log.warning("repository_dropped", why=str(exc))
        await asyncio.to_thread(cache.drop)
        await asyncio.to_thread(_emptied, git.directory)
        return False
    return True


def _lend(directory: Path, objects: Path, commits: Sequence[str]) -> None:
    """Objects of elsewhere, and commits that need not be sent again; nobody has their parents."""
    info = directory / "objects/info"
    info.mkdir(exist_ok=True)
    (info / "alternates").write_text(f"{objects}\n")
    (directory / "shallow").write_text("".join(f"{sha}\n" for sha in sorted(commits)))
    refs = (f"{sha} refs/glossator/had/{n:02}\n" for n, sha in enumerate(commits))
    (directory / "packed-refs").write_text("".join(refs))


def _emptied(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, exist_ok=True)


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


async def _prepare(git: Git, source: Source) -> None:
    """An empty repository whose missing blobs are promised by `origin`; its configuration is
    written at once, as each `git config` would be a process of its own."""
    names = "sha256" if len(source.head_sha) == _SHA256_DIGITS else "sha1"
    await git.local("init", "--quiet", "--bare", "--template=", f"--object-format={names}", ".")
    await asyncio.to_thread((git.directory / "config").write_text, _config(git.url, names))


def _config(url: str, names: str) -> str:
    """https://git-scm.com/docs/git-config#_syntax; `url` holds no line feed, `names` is how objects
    are named. A repository of this machine is served by our own git, which may leave blobs out."""
    quoted = url.replace("\\", "\\\\").replace('"', '\\"')
    here = "\n\tuploadpack = git -c uploadpack.allowFilter=true upload-pack"
    return f"""[core]
\trepositoryFormatVersion = 1
\tbare = true
[extensions]
\tpartialClone = origin
\tobjectFormat = {names}
[remote "origin"]
\turl = "{quoted}"
\tpromisor = true{here if url.startswith("file:") else ""}
\tpartialCloneFilter = blob:none
"""


async def _fetch_commits(git: Git, source: Source) -> None:
    """Both commits in one request; the head by its pull request's ref, which forks need.

    Somebody may have pushed meanwhile: then the head is asked for by its SHA.
    """
    shallow = (*_FETCH, "--depth=1", "--end-of-options", "origin")
    head_ref = f"+refs/pull/{source.number:d}/head:{_HEAD}"
    try:
        await git.remote(*shallow, source.merge_base, head_ref, build_on_known=True)
        head = (
            (await git.local("rev-parse", "--verify", "--end-of-options", _HEAD)).decode().strip()
        )
        if head == source.head_sha:
            return
    except MissingRef:
        await git.remote(*shallow, source.merge_base, build_on_known=True)
    await git.remote(*shallow, source.head_sha, build_on_known=True)


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
