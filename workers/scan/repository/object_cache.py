"""Git objects of repositories that were reviewed before, kept on this machine for the next time.

A clone stays a folder of its own, deleted when its step ends; it only borrows the objects that
lie here. So nobody writes where another reads: packs come complete and are never changed.

    DATA_DIR/repositories/<installation>/<repository>/
        lock            held shared by who borrows, alone by who deletes
        commits.lock    held by who adds to the next
        commits         the last ones whose trees are all here, the newest last
        objects/pack/

A folder is found by its installation, so that none borrows what another tenant may read; and
what a clone reads is found by the trees of its own two commits, whatever else lies here.
"""

import asyncio
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bot.config.settings import Settings
from bot.telemetry import log

#: Folders that nobody used for so long go, also where it was never heard that the App has left.
KEEP_SECONDS = 30 * 86_400
#: Commits of a repository that a fetch is built on.
_MAX_COMMITS = 16
#: Each fetch adds a pack, and git looks through all of them: with more, the folder begins anew.
_MAX_PACKS = 200
#: In this order: git takes a pack as there once its index is.
_SUFFIXES = (".promisor", ".rev", ".pack", ".idx")
_GONE = ".gone-"

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class ObjectCache:
    """The objects of one repository, while they are borrowed. `made` is when
    their folder was: another is made once they were dropped."""

    folder: Path
    lock: int
    made: int

    @property
    def objects(self) -> Path:
        return self.folder / "objects"

    @property
    def commits(self) -> tuple[str, ...]:
        """Those that are whole but for blobs (blocking)."""
        try:
            return tuple((self.folder / "commits").read_text().split())
        except OSError:
            return ()

    def is_sound(self) -> bool:
        """Whether each pack is as long as its index says, and ends as it says (blocking): git
        would ask the network for what it cannot find in one."""
        try:
            return all(map(_fits_index, (self.objects / "pack").glob("*.pack")))
        except OSError:
            return False

    def keep(self, clone: Path, commits: Sequence[str], *, borrowed: bool) -> None:
        """Take over the packs that `clone` has brought, with the `commits` that these make whole,
        or do with what it has `borrowed` (blocking). A failure is logged: it costs the next time
        what this one had to bring."""
        if not self._is_there() or (borrowed and _made(self.objects) != self.made):
            return
        try:
            for index in (clone / "objects/pack").glob("*.idx"):
                for suffix in _SUFFIXES:
                    self._copy(index.with_suffix(suffix))
            self._add(commits)
            os.utime(self.folder)
        except OSError as exc:
            _log.warning("repository_not_kept", why=str(exc))

    def drop(self) -> None:
        """Forget it all (blocking): something in it is damaged."""
        if self._is_there():
            (self.folder / "commits").unlink(missing_ok=True)
            _remove(self.objects)
            (self.objects / "pack").mkdir(mode=0o700, parents=True, exist_ok=True)
            self.objects.chmod(0o700)

    def _is_there(self) -> bool:
        return _is_locked(self.lock, self.folder)

    def _copy(self, file: Path) -> None:
        target = self.objects / "pack" / file.name
        if target.exists() or not file.exists():
            return
        handle, name = tempfile.mkstemp(prefix="new-", dir=self.folder)
        os.close(handle)
        shutil.copyfile(file, name)
        os.replace(name, target)

    def _add(self, commits: Sequence[str]) -> None:
        """One at a time: who reads the list while another writes it would lose what that adds."""
        with os.fdopen(
            os.open(self.folder / "commits.lock", os.O_CREAT | os.O_RDWR, 0o600)
        ) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = [sha for sha in self.commits if sha not in commits]
            self._write("commits", "\n".join([*known, *commits][-_MAX_COMMITS:]) + "\n")

    def _write(self, name: str, text: str) -> None:
        handle, temporary = tempfile.mkstemp(prefix="new-", dir=self.folder)
        with os.fdopen(handle, "w") as file:
            file.write(text)
        os.replace(temporary, self.folder / name)


@asynccontextmanager
async def object_cache(
    installation_id: int, repository_id: int, settings: Settings
) -> AsyncIterator[ObjectCache | None]:
    """The repository's objects, which nobody deletes meanwhile but who removes the repository;
    None where there shall be none (REPOSITORY_CACHE_MB=0, or no ids) or the disk does not allow
    it."""
    if not (settings.repository_cache_mb and installation_id and repository_id):
        yield None
        return
    root = _root(settings)
    folder = root / f"{installation_id:d}" / f"{repository_id:d}"
    lock = await asyncio.to_thread(_borrow, folder)
    if lock is None:
        yield None
        return
    try:
        yield ObjectCache(folder, lock, await asyncio.to_thread(_made, folder / "objects"))
    finally:
        os.close(lock)
        await asyncio.shield(asyncio.to_thread(make_room, settings))


def remove_repositories(
    settings: Settings, installation_id: int, repository_ids: Collection[int] = ()
) -> None:
    """Forget an installation's repositories, or only these, even while a clone borrows of them
    (blocking)."""
    home = _root(settings) / f"{installation_id:d}"
    for folder in [home / f"{one:d}" for one in repository_ids] or [home]:
        _remove(folder)


def make_room(settings: Settings) -> None:
    """Delete what was unused for KEEP_SECONDS, and then what was used longest ago until the rest
    fits REPOSITORY_CACHE_MB; what is borrowed stays (blocking)."""
    now = time.time()
    sized = sorted(_folders(_root(settings)), key=lambda each: each[0])
    total = sum(size for _, size, _, _ in sized)
    for used, size, packs, folder in sized:
        too_large = total > settings.repository_cache_mb << 20
        if not (too_large or packs > _MAX_PACKS or now - used > KEEP_SECONDS):
            continue
        with _alone(folder) as allowed:
            if allowed:
                _remove(folder)
                total -= size
                with suppress(OSError):
                    folder.parent.rmdir()  # the last one of its installation


def _root(settings: Settings) -> Path:
    return settings.data_dir.absolute() / "repositories"


def _folders(root: Path) -> Iterator[tuple[float, int, int, Path]]:
    """When each was used last, its bytes on disk and its packs."""
    for folder in root.glob("*/*"):
        if _GONE in str(folder.relative_to(root)):  # whoever deleted it was killed
            shutil.rmtree(folder, ignore_errors=True)
            continue
        size = packs = 0
        with suppress(OSError):
            for where, _, names in os.walk(folder):
                packs += sum(name.endswith(".pack") for name in names)
                for name in names:
                    with suppress(OSError):
                        size += os.lstat(os.path.join(where, name)).st_blocks * 512
            yield folder.stat().st_mtime, size, packs, folder


def _borrow(folder: Path) -> int | None:
    """The shared lock of the folder, which is made if need be. None if the disk refuses."""
    for _ in range(10):  # again, should somebody have deleted it between two steps
        try:
            for each in (folder.parent.parent, folder.parent, folder, folder / "objects"):
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / "objects/pack").mkdir(mode=0o700, exist_ok=True)
            lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        except FileNotFoundError:
            continue
        except OSError as exc:
            _log.warning("repository_cache_unusable", why=str(exc))
            return None
        fcntl.flock(lock, fcntl.LOCK_SH)
        if _is_locked(lock, folder):
            os.utime(folder)
            return lock
        os.close(lock)
    return None


def _fits_index(pack: Path) -> bool:
    """An index ends with the checksum of its pack, which ends with it, and then with its own."""
    index = pack.with_suffix(".idx")
    if not index.exists():  # another clone brings it this moment
        return True
    with index.open("rb") as file:
        file.seek(-40, os.SEEK_END)
        checksum = file.read(20)
    with pack.open("rb") as file:
        file.seek(-20, os.SEEK_END)
        return file.read(20) == checksum


def _made(objects: Path) -> int:
    """When the folder was made, whose only entry is another folder, in nanoseconds; 0 where there
    is none. The number of its inode would come again."""
    try:
        return objects.stat().st_ctime_ns
    except OSError:
        return 0


def _is_locked(lock: int, folder: Path) -> bool:
    """Whether the lock is that of the folder as it is now."""
    try:
        return os.path.samestat(os.fstat(lock), os.stat(folder / "lock"))
    except OSError:
        return False


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether nobody borrows of it; nobody can then."""
    try:
        lock = os.open(folder / "lock", os.O_RDWR)
    except OSError:
        yield True  # half made, or half deleted
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield False
    else:
        yield _is_locked(lock, folder)
    finally:
        os.close(lock)


def _remove(folder: Path) -> None:
    """At once for those who look, whatever becomes of the files."""
    gone = folder.with_name(f"{_GONE}{folder.name}-{os.getpid()}-{time.monotonic_ns()}")
    try:
        os.rename(folder, gone)
    except OSError:
        return
    shutil.rmtree(gone, ignore_errors=True)
