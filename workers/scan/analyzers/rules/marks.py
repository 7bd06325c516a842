"""Comments by which people allow what ruff finds in Python (pure).

ruff is run without them, as some would hide every weakness of a file. What counts is this:

- `# noqa: S602` and `# ruff: ignore[S602]` allow the rules that they name on their line;
- `# nosec` and `# nosec: B602`, as bandit has them, allow security rules (B602 is S602) there;
- a bare `# noqa`, and what holds for a whole file or a part of it, allow all but security.

https://docs.astral.sh/ruff/linter/#error-suppression
"""

import re
from collections import defaultdict
from collections.abc import Iterable

_CODES = r"(?P<codes>(?:[A-Z]+\d+[\s,]*)+)"
_NOQA = re.compile(
    rf"#\s*(?P<file>(?:ruff|flake8)\s*:\s*)?noqa\b(?P<some>\s*:\s*{_CODES}?)?", re.IGNORECASE
)
_RUFF = re.compile(rf"#\s*ruff\s*:\s*(?P<what>ignore|file-ignore|disable|enable)\[{_CODES}\]")
_NOSEC = re.compile(r"#\s*nosec\b(?P<names>[^#]*)")
_ANY, _ANY_SECURITY = "any", "any security"
#: Marks for more than a line that are taken of one file; each costs a walk over its lines.
_MAX_WIDE = 100


class Marks:
    """The marks of one file; its lines count from 1."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._by_line: defaultdict[int, set[str]] = defaultdict(set)
        self._wide: list[tuple[range, set[str]]] = []
        above: set[str] = set()
        for number, line in enumerate(self._lines, 1):
            alone = line.lstrip().startswith("#")
            if above and not alone:
                self._by_line[number] |= above
                above = set()
            if "#" in line:
                above |= self._read(number, line, alone=alone)

    def allow(self, rule: str, lines: Iterable[int], *, security: bool) -> bool:
        """Whether a mark allows the rule on one of the lines."""
        lines, names = [*lines], {rule, _ANY_SECURITY if security else _ANY}
        return any(names & self._by_line.get(number, set()) for number in lines) or (
            not security
            and any(
                names & codes and any(number in reach for number in lines)
                for reach, codes in self._wide
            )
        )

    def _read(self, number: int, line: str, *, alone: bool) -> set[str]:
        """Take in the marks of a line; what they allow on the next one that is no comment."""
        for mark in _NOSEC.finditer(line):
            named = {f"S{digits}" for digits in re.findall(r"\bB(\d+)", mark["names"])}
            self._by_line[number] |= named or {_ANY_SECURITY}
        for mark in _NOQA.finditer(line):
            codes = _codes(mark["codes"]) if mark["some"] else {_ANY}
            if not mark["file"]:
                self._by_line[number] |= codes
            elif alone:
                self._widely(range(len(self._lines) + 1), codes)
        above: set[str] = set()
        for mark in _RUFF.finditer(line):
            codes = _codes(mark["codes"])
            match mark["what"]:
                case "ignore" if alone:
                    above |= codes
                case "ignore":
                    self._by_line[number] |= codes
                case "file-ignore":
                    self._widely(range(len(self._lines) + 1), codes)
                case "disable" if len(self._wide) < _MAX_WIDE:
                    self._widely(range(number, self._end_of_block(number, mark.start())), codes)
                case "enable":
                    self._enable(number, codes)
                case _:  # too many
                    pass
        return above

    def _widely(self, lines: range, codes: set[str]) -> None:
        if len(self._wide) < _MAX_WIDE:
            self._wide.append((lines, codes))

    def _end_of_block(self, number: int, indent: int) -> int:
        """The first line behind the block that a comment with that indent stands in."""
        for at, line in enumerate(self._lines[number:], number + 1):
            if line.strip() and len(line) - len(line.lstrip()) < indent:
                return at
        return len(self._lines) + 1

    def _enable(self, number: int, codes: set[str]) -> None:
        """End what `disable` has begun for the same rules."""
        self._wide = [
            (range(lines.start, number), begun)
            if begun == codes and lines.start and number in lines
            else (lines, begun)
            for lines, begun in self._wide
        ]


def _codes(text: str | None) -> set[str]:
    return set(re.findall(r"[A-Z]+\d+", (text or "").upper()))
