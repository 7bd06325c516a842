"""Read what `git diff --raw -z` says, alone or followed by `--numstat` or `--patch` (pure).

Paths come from the NUL-separated part, never from the quoted headers of the patch; the files of
the patch follow in the same order, but for those in which git was told to see no change, as of line
ends. A file that takes the place of a link or submodule is a new one, and git writes it as two.
Format: https://git-scm.com/docs/diff-format
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.domain.diff import ChangedFile, FileKind, FileStatus, Hunk, Line

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)", re.DOTALL)
_INDEX = re.compile(rb"index ([0-9a-f]+)\.\.([0-9a-f]+)")
#: The lines of a file's header in a patch: modes, similarity, names and blobs.
_HEADER = 9
_STATUS = {
    "A": FileStatus.ADDED,
    "C": FileStatus.ADDED,
    "D": FileStatus.DELETED,
    "R": FileStatus.RENAMED,
}
_KINDS = {b"120000": FileKind.SYMLINK, b"160000": FileKind.SUBMODULE}


class DiffError(ValueError):
    """The text is not what git writes; the message says where it breaks."""


def parse_raw(out: bytes) -> tuple[ChangedFile, ...]:
    """The files of `git diff --raw -z`. Raises DiffError."""
    files, _ = _raw(out)
    return files


def parse_numstat(out: bytes) -> tuple[ChangedFile, ...]:
    """The files of `git diff --raw --numstat -z`, with additions and deletions counted."""
    files, rest = _raw(out)
    counts = _counts(rest)
    count = next(counts, None)
    found = []
    for file in files:
        if count is not None and count.path == file.path:
            file = _counted(file, count)
            count = next(counts, None)
        found.append(file)
    if count is not None:
        raise DiffError(f"the line counts of {count.path!r} are of no file, or out of order")
    return tuple(found)


def parse_patch(out: bytes) -> tuple[ChangedFile, ...]:
    """The files of `git diff --raw --patch -z` with their hunks. Raises DiffError."""
    raw, separator, patch = out.partition(b"\0\0")
    files, rest = _raw(raw + b"\0" if separator else raw)
    if rest:
        raise DiffError(f"unexpected {rest[0][:40]!r} after the list of files")
    sections = list(_sections(patch.split(b"\n"))) if patch else []
    position = 0
    found = []
    for file in files:
        if position < len(sections) and _is_removal_before(file, sections[position]):
            position += 1
        if position < len(sections) and _is_of(file, sections[position]):
            file = _with_hunks(file, sections[position])
            position += 1
        found.append(file)
    if position < len(sections):
        raise DiffError(
            f"{len(sections)} patches, of which {len(sections) - position} are of no file"
        )
    return tuple(found)


def _is_removal_before(file: ChangedFile, section: Sequence[bytes]) -> bool:
    """Whether it is the first half of a change of kind: what the file takes the place of."""
    return file.status is not FileStatus.DELETED and any(
        line.startswith(b"deleted file mode ") for line in section[:_HEADER]
    )


def _is_of(file: ChangedFile, section: Sequence[bytes]) -> bool:
    """Whether a patch leads to the file's new blob from its old one, or from nothing."""
    blobs = next((m for line in section[:_HEADER] if (m := _INDEX.match(line))), None)
    if blobs is None:  # only moved, or its mode changed
        return file.old_blob == file.new_blob
    befores = (None, file.old_blob) if file.status is FileStatus.ADDED else (file.old_blob,)
    return _blob(blobs[1]) in befores and _blob(blobs[2]) == file.new_blob


def _raw(out: bytes) -> tuple[tuple[ChangedFile, ...], list[bytes]]:
    """The records at the start, and the NUL-separated fields after them."""
    fields = out.split(b"\0")
    if fields[-1] == b"":
        fields.pop()
    files: list[ChangedFile] = []
    position = 0
    while position < len(fields) and fields[position].startswith(b":"):
        status = fields[position].rsplit(b" ", 1)[-1][:1].decode("ascii", "replace")
        paths = fields[position + 1 : position + (3 if status in "RC" else 2)]
        if len(paths) != (2 if status in "RC" else 1):
            raise DiffError(f"record {len(files) + 1} has no path")
        files.append(_file(fields[position], status, paths))
        position += 1 + len(paths)
    return tuple(files), fields[position:]


def _file(record: bytes, status: str, paths: list[bytes]) -> ChangedFile:
    parts = record[1:].split(b" ")
    if len(parts) != 5:
        raise DiffError(f"{record[:80]!r} is not a raw record")
    if not all(paths):
        raise DiffError(f"{record[:80]!r} names no file")
    old_mode, new_mode, old_blob, new_blob, _ = parts
    is_new = old_mode in _KINDS and new_mode not in _KINDS and new_blob.strip(b"0") != b""
    names = [path.decode("utf-8", "surrogateescape") for path in paths]
    return ChangedFile(
        path=names[-1],
        old_path=names[0] if status == "R" else None,
        status=FileStatus.ADDED if is_new else _STATUS.get(status, FileStatus.MODIFIED),
        # A file that turns into a link is no text to review; a link that turns into a file is one.
        kind=_KINDS.get(old_mode if status == "D" else new_mode, FileKind.FILE),
        old_blob=_blob(old_blob),
        new_blob=_blob(new_blob),
    )


def _blob(oid: bytes) -> str | None:
    return None if not oid.strip(b"0") else oid.decode("ascii", "replace")


@dataclass(frozen=True, slots=True)
class _Count:
    """The lines of a file; None of a binary one."""

    path: str
    added: int | None
    deleted: int | None


def _counts(fields: Iterable[bytes]) -> Iterator[_Count]:
    """A numstat record is `added TAB deleted TAB path`; a rename's paths are two fields more."""
    rest = iter(fields)
    for record in rest:
        try:
            added, deleted, path = record.split(b"\t", 2)
            if not path:
                _, path = next(rest), next(rest)
            numbers = (None, None) if added == b"-" else (int(added), int(deleted))
        except (StopIteration, ValueError) as exc:
            raise DiffError(f"{record[:80]!r} are no line counts") from exc
        yield _Count(path.decode("utf-8", "surrogateescape"), *numbers)


def _counted(file: ChangedFile, count: _Count) -> ChangedFile:
    if count.added is None or count.deleted is None:
        return replace(file, binary=True)
    # What a new file takes the place of, as a link, is no text of it.
    deleted = 0 if file.status is FileStatus.ADDED else count.deleted
    return replace(file, additions=count.added, deletions=deleted)


def _sections(lines: list[bytes]) -> Iterator[list[bytes]]:
    """The lines of each file. A hunk's lines start with a space, `+`, `-` or a backslash, so
    only a header can start with `diff --git`."""
    section: list[bytes] | None = None
    for line in lines:
        if line.startswith(b"diff --git "):
            if section is not None:
                yield section
            section = []
        elif section is None:
            raise DiffError("the patch does not start with a header")
        else:
            section.append(line)
    if section is not None:
        yield section


def _with_hunks(file: ChangedFile, lines: list[bytes]) -> ChangedFile:
    binary = any(line.startswith((b"Binary files ", b"GIT binary patch")) for line in lines[:8])
    hunks: list[Hunk] = []
    position = 0
    while position < len(lines):
        header = _HUNK.fullmatch(lines[position])
        position += 1
        if header:
            hunk, position = _hunk(header, lines, position)
            hunks.append(hunk)
    changed = [line for hunk in hunks for line in hunk.lines]
    return replace(
        file,
        binary=binary and not hunks,
        hunks=tuple(hunks),
        additions=sum(line.added for line in changed),
        deletions=sum(line.removed for line in changed),
    )


def _hunk(header: re.Match[bytes], lines: list[bytes], position: int) -> tuple[Hunk, int]:
    """The hunk whose header was read, and the position after its last line."""
    old, old_count, new, new_count = (int(1 if n is None else n) for n in header.groups()[:4])
    old_end, new_end = old + old_count, new + new_count
    start = old, new
    found: list[Line] = []
    while old < old_end or new < new_end:
        if position >= len(lines):
            raise DiffError(f"the hunk at +{start[1]} ends too early")
        marker, text = lines[position][:1], _text(lines[position][1:])
        position += 1
        match marker:
            case b" ":
                found.append(Line(old, new, text))
                old, new = old + 1, new + 1
            case b"-":
                found.append(Line(old, None, text))
                old += 1
            case b"+":
                found.append(Line(None, new, text))
                new += 1
            case b"\\":  # "No newline at end of file" speaks of the line before
                continue
            case _:
                raise DiffError(f"the hunk at +{start[1]} holds a line with no marker")
    return Hunk(*start, _text(header[5]), tuple(found)), position


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")
