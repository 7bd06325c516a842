"""A unified diff from anywhere, as far as it says what the old files held (pure).

Only that is read from it: what becomes of the files is git's to say, by `git apply`.
https://git-scm.com/docs/diff-format#generate_patch_text_with_p
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: A number beyond is no line of a file that people change.
MAX_LINES = 200_000

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_ESCAPES = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b'"': b'"', b"\\": b"\\"}


class BadDiff(ValueError):
    """Raised for text that is not a unified diff; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class FilePatch:
    """One file's part of a diff. `old_path` is None for a new file; `old` is what the diff shows of
    it, unknown lines empty. `whole` says that nothing of the file is unknown."""

    text: bytes
    old_path: bytes | None
    old: bytes
    binary: bool = False

    @property
    def whole(self) -> bool:
        return self.old_path is None


def split_diff(diff: bytes) -> list[FilePatch]:
    """The parts of a diff, one for each file. Raises BadDiff."""
    found = [_file_patch(lines) for lines in _sections(diff.split(b"\n"))]
    if not found:
        raise BadDiff("Standard input is not a unified diff.")
    return found


def _sections(lines: list[bytes]) -> Iterator[list[bytes]]:
    """The lines of each file: from `diff --git`, or from `---` where no program of that kind
    wrote it. Within a hunk nothing is a header."""
    section: list[bytes] = []
    old = new = 0  # lines that are left of the hunk
    for number, line in enumerate(lines):
        if old > 0 or new > 0:
            old -= line[:1] in (b" ", b"-", b"")
            new -= line[:1] in (b" ", b"+", b"")
        elif hunk := _HUNK.match(line):
            old, new = (int(1 if n is None else n) for n in hunk.groups()[1:])
        elif _begins(line, lines[number + 1 : number + 2], section):
            if section:
                yield section
            section = []
        elif not section:
            continue  # a message before the first file
        section.append(line)
    if any(_is_header(line) for line in section):
        yield section


def _begins(line: bytes, following: list[bytes], section: list[bytes]) -> bool:
    if line.startswith(b"diff --git "):
        return True
    plain = line.startswith(b"--- ") and following[:1] and following[0].startswith(b"+++ ")
    in_git = bool(section) and section[0].startswith(b"diff --git ")
    return bool(plain) and not (in_git and not any(_HUNK.match(each) for each in section))


def _is_header(line: bytes) -> bool:
    return line.startswith((b"diff --git ", b"--- "))


def _file_patch(lines: list[bytes]) -> FilePatch:
    text = b"\n".join(lines)
    text = text if text.endswith(b"\n") else text + b"\n"
    header = lines[: next((n for n, line in enumerate(lines) if _HUNK.match(line)), len(lines))]
    binary = any(line.startswith((b"Binary files ", b"GIT binary patch")) for line in header)
    return FilePatch(text, _old_path(header), b"" if binary else _old_content(lines), binary)


def _old_path(header: list[bytes]) -> bytes | None:
    if any(line.startswith(b"new file mode ") for line in header):
        return None
    for line in header:
        for name in (b"rename from ", b"copy from "):
            if line.startswith(name):
                return _unquoted(line.removeprefix(name))
        if line.startswith(b"--- "):
            path = _unquoted(line.removeprefix(b"--- ").partition(b"\t")[0])
            return None if path == b"/dev/null" else path.partition(b"/")[2] or path
    # A mode alone, or an empty file that is deleted: `diff --git a/x b/x`, the same name twice.
    names = header[0].removeprefix(b"diff --git ")
    return _unquoted(names[: len(names) // 2]).partition(b"/")[2]


def _unquoted(path: bytes) -> bytes:
    if not (path.startswith(b'"') and path.endswith(b'"')):
        return path
    return _ESCAPE.sub(_unescaped, path[1:-1])


def _unescaped(match: re.Match[bytes]) -> bytes:
    if match[1].isdigit():
        return bytes([int(match[1], 8) & 0xFF])
    return _ESCAPES.get(match[1], match[1])


def _old_content(lines: list[bytes]) -> bytes:
    """The old file: what the hunks show at its lines, and empty lines between."""
    found: dict[int, bytes] = {}
    at, left, end, newline, marker = 0, 0, 0, b"\n", b""
    for line in lines:
        if left <= 0 and (hunk := _HUNK.match(line)):
            at, left = int(hunk[1]), int(1 if hunk[2] is None else hunk[2])
            end = max(end, at + left - 1 if left else at)
            if end > MAX_LINES:
                raise BadDiff(f"The diff changes a file beyond line {MAX_LINES:,}.")
        elif line.startswith(b"\\") and marker != b"+":
            newline = b""  # after the line before, which is the last
        elif left > 0 and line[:1] in (b" ", b"-", b""):
            found[at] = line[1:]
            at, left = at + 1, left - 1
        marker = line[:1]
    rows = [found.get(number, b"") for number in range(1, end + 1)]
    return b"\n".join(rows) + (newline if rows else b"")
