"""Whether a review comment's place is inside the diff. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.git.file_diff import FileDiff
from bot.sandbox.git.hunks import Patch, parse


class Unplaceable(Exception):
    """`what` of the comment is not in the diff: Path, Line, Start line or Position."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(frozen=True, slots=True)
class Placed:
    """A comment's place; without a line it stands on the file as a whole."""

    path: str
    commit_id: str
    diff_hunk: str
    side: str = "RIGHT"
    line: int | None = None
    start_side: str | None = None
    start_line: int | None = None
    position: int | None = None


def place(comment: Mapping[str, Any], changed: Mapping[str, FileDiff], commit_id: str) -> Placed:
    """Find a comment's place in the changed files, by path. Raises Unplaceable."""
    path = comment.get("path", "")
    if path not in changed:
        raise Unplaceable("Path")
    if comment.get("subject_type") == "file":
        return Placed(path, commit_id, "")
    text = changed[path].patch
    if text is None:
        raise Unplaceable("Line")
    patch = parse(text)
    side, line = _line(comment, patch)
    start_side, start_line = _start(comment, patch, side, line)
    at = patch.places[side, line]
    hunk = patch.hunk_until(at)
    return Placed(path, commit_id, hunk, side, line, start_side, start_line, at.position)


def _line(comment: Mapping[str, Any], patch: Patch) -> tuple[str, int]:
    if "line" not in comment and "position" in comment:
        found = patch.at_position(comment["position"])
        if found is None:
            raise Unplaceable("Position")
        return found
    key = (comment.get("side", "RIGHT"), comment.get("line"))
    if key not in patch.places:
        raise Unplaceable("Line")
    return key[0], int(comment["line"])


def _start(
    comment: Mapping[str, Any], patch: Patch, side: str, line: int
) -> tuple[str | None, int | None]:
    """The range's first line: before the last one, and in the same hunk."""
    start = comment.get("start_line")
    if start is None:
        return None, None
    start_side = comment.get("start_side") or side
    first, last = patch.places.get((start_side, start)), patch.places[side, line]
    if first is None or first.hunk != last.hunk or first.position >= last.position:
        raise Unplaceable("Start line")
    return start_side, start
