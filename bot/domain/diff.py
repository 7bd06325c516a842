"""The change: a parsed diff, as frozen dataclasses (pure, no I/O).

Line numbers are 1-based, as in git and on GitHub. `Side.LEFT` is the merge
base's file, `Side.RIGHT` the head's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from unicodedata import category


class Side(StrEnum):
    """The two sides of a diff, named as GitHub's review comments name them."""

    LEFT = "LEFT"
    RIGHT = "RIGHT"


class FileStatus(StrEnum):
    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"
    RENAMED = "renamed"


class FileKind(StrEnum):
    """What git stores under the path. Only files are read."""

    FILE = "file"
    SYMLINK = "symlink"
    SUBMODULE = "submodule"


def display_path(path: str) -> str:
    """The path as people may see it: what is not printable stands as an escape.

    Paths of git are bytes; those that are not UTF-8 come as surrogate escapes.
    """
    if is_printable(path):
        return path
    return "".join(c if is_printable(c) else _escaped(c) for c in path)


def is_printable(path: str) -> bool:
    """Whether all of the path can be seen. Spaces of any width count: people write them."""
    return path.isprintable() or all(c.isprintable() or category(c) == "Zs" for c in path)


def _escaped(char: str) -> str:
    if "\udc80" <= char <= "\udcff":  # a byte that is not UTF-8
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a hunk. Context lines have both numbers, added ones only
    `new`, removed ones only `old`. `text` has no marker and no line end (neither
    LF nor CRLF); lines are split at LF alone, as git does."""

    old: int | None
    new: int | None
    text: str

    @property
    def added(self) -> bool:
        return self.old is None

    @property
    def removed(self) -> bool:
        return self.new is None

    def number(self, side: Side) -> int | None:
        return self.new if side is Side.RIGHT else self.old


@dataclass(frozen=True, slots=True)
class Hunk:
    """One hunk with its three lines of context; `section` is what git prints after `@@`."""

    old_start: int
    new_start: int
    section: str
    lines: tuple[Line, ...]

    def on(self, side: Side) -> Iterator[Line]:
        """The lines that exist on that side, in order."""
        return (line for line in self.lines if line.number(side) is not None)


#: Lines on each side of a finding that are kept for people to read it by, and how long each is.
CONTEXT_LINES, MAX_CONTEXT_CHARACTERS = 3, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """One file of the change. `path` is its path at the head (at the base if deleted)."""

    path: str
    status: FileStatus
    hunks: tuple[Hunk, ...] = ()
    old_path: str | None = None
    kind: FileKind = FileKind.FILE
    binary: bool = False
    additions: int = 0
    deletions: int = 0
    old_blob: str | None = None
    new_blob: str | None = None

    @property
    def changed_lines(self) -> int:
        return self.additions + self.deletions

    @property
    def added_lines(self) -> tuple[int, ...]:
        """The head's lines that the change added, in order."""
        return tuple(
            line.new
            for hunk in self.hunks
            for line in hunk.lines
            if line.added and line.new is not None
        )

    def contains(self, side: Side, start: int, end: int) -> bool:
        """Whether a comment on `start..end` of `side` lies inside one hunk, as GitHub asks."""
        for hunk in self.hunks:
            numbers = {line.number(side) for line in hunk.on(side)}
            if start in numbers and end in numbers:
                return start <= end
        return False

    def touches(self, start: int, end: int) -> bool:
        """Whether any line from `start` to `end` of the head's file was added or changed."""
        return any(start <= number <= end for number in self.added_lines)


class Surroundings:
    """The lines around any place of one side of a file's diff: read once, as there may be a finding
    on every line."""

    def __init__(self, file: ChangedFile, side: Side) -> None:
        self._lines = {
            line.number(side): (number, line.text[:MAX_CONTEXT_CHARACTERS])
            for number, hunk in enumerate(file.hunks)
            for line in hunk.on(side)
        }

    def around(self, start: int, end: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """A few lines of the hunk before `start` and after `end`, long ones cut; none where the
        lines are in no hunk."""
        if start not in self._lines or end not in self._lines:
            return (), ()
        before = range(start - CONTEXT_LINES, start)
        after = range(end + 1, end + 1 + CONTEXT_LINES)
        return self._texts(before, start), self._texts(after, end)

    def _texts(self, numbers: range, beside: int) -> tuple[str, ...]:
        hunk = self._lines[beside][0]
        found = [self._lines[number] for number in numbers if number in self._lines]
        return tuple(text for number, text in found if number == hunk)


@dataclass(frozen=True, slots=True)
class Change:
    """The diff of a pull request: merge base to head."""

    base_sha: str
    head_sha: str
    files: tuple[ChangedFile, ...]
