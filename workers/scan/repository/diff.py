"""Read what `git diff --raw -z` says, alone or followed by `--numstat` or `--patch` (pure).

Paths come from the NUL-separated part, never from the quoted headers of the patch;
the files of the patch follow in the same order. Format:
https://git-scm.com/docs/diff-format
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from bot.domain.diff import ChangedFile, FileKind, FileStatus, Hunk, Line

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)", re.DOTALL)
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
    fields = iter(rest)
    return tuple(_count(file, fields) for file in files)


def parse_patch(out: bytes) -> tuple[ChangedFile, ...]:
    """The files of `git diff --raw --patch -z` with their hunks. Raises DiffError."""
    raw, separator, patch = out.partition(b"\0\0")
    files, rest = _raw(raw + b"\0" if separator else raw)
    if rest:
        raise DiffError(f"unexpected {rest[0][:40]!r} after the list of files")
    sections = list(_sections(patch.split(b"\n"))) if patch else []
    if len(sections) != len(files):
        raise DiffError(f"{len(files)} files are listed, but {len(sections)} have a patch")
    return tuple(_with_hunks(file, lines) for file, lines in zip(files, sections, strict=True))


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
    names = [path.decode("utf-8", "surrogateescape") for path in paths]
    return ChangedFile(
        path=names[-1],
        old_path=names[0] if status == "R" else None,
        status=_STATUS.get(status, FileStatus.MODIFIED),
        # A file that turns into a link, or back, is no text to review either.
        kind=_KINDS.get(new_mode) or _KINDS.get(old_mode) or FileKind.FILE,
        old_blob=_blob(old_blob),
        new_blob=_blob(new_blob),
    )


def _blob(oid: bytes) -> str | None:
    return None if not oid.strip(b"0") else oid.decode("ascii", "replace")


def _count(file: ChangedFile, fields: Iterator[bytes]) -> ChangedFile:
    """A numstat record is `added TAB deleted TAB path`; a rename's paths are two fields more."""
    try:
        added, deleted, path = next(fields).split(b"\t", 2)
        if not path:
            next(fields), next(fields)
        if added == b"-":
            return replace(file, binary=True)
        return replace(file, additions=int(added), deletions=int(deleted))
    except (StopIteration, ValueError) as exc:
        raise DiffError(f"the line counts end before {file.path!r}") from exc


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
