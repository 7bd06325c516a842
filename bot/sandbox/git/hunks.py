"""Which lines of a pull request's diff can carry a comment. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEADER = re.compile(r"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands in a patch: which hunk, and how far below its first `@@` line."""

    hunk: int
    position: int


@dataclass(frozen=True, slots=True)
class Patch:
    """A file's patch, readable by (side, line); side is LEFT or RIGHT, lines count from 1."""

    lines: tuple[str, ...]
    places: dict[tuple[str, int], Place]

    def at_position(self, position: int) -> tuple[str, int] | None:
        """The side and line of a position, the older way to name a line of a diff."""
        named = [key for key, place in self.places.items() if place.position == position]
        # A line of context stands on both sides; GitHub speaks of the right one.
        return max(named) if named else None

    def hunk_until(self, place: Place) -> str:
        """The hunk's text from its header to the given place: a comment's `diff_hunk`."""
        start = max(
            index
            for index, line in enumerate(self.lines[: place.position + 1])
            if _HEADER.match(line)
        )
        return "\n".join(self.lines[start : place.position + 1])


def parse(patch: str) -> Patch:
    """Index the lines of a patch that starts at its first `@@` line."""
    lines = tuple(patch.split("\n"))
    places: dict[tuple[str, int], Place] = {}
    hunk, left, right = -1, 0, 0
    for position, line in enumerate(lines):
        if header := _HEADER.match(line):
            hunk, left, right = hunk + 1, int(header[1]), int(header[2])
            continue
        place = Place(hunk, position)
        if line[:1] in ("-", " "):
            places["LEFT", left] = place
            left += 1
        if line[:1] in ("+", " "):
            places["RIGHT", right] = place
            right += 1
    return Patch(lines, places)


def follow(patch: str | None, line: int) -> int | None:
    """Where a line of the old file stands in the new one, or None if it was changed away.

    `patch` is the file's patch from old to new; None means that the file did not change.
    """
    if patch is None:
        return line
    moved = 0
    old, new = 0, 0
    for text in patch.split("\n"):
        if header := _HEADER.match(text):
            old, new = int(header[1]), int(header[2])
            if old > line:
                return line + moved
            continue
        if text.startswith("-"):
            if old == line:
                return None
            old += 1
        elif text.startswith("+"):
            new += 1
        elif text.startswith(" "):
            if old == line:
                return new
            old, new = old + 1, new + 1
        moved = new - old
    return line + moved
