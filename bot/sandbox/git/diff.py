"""The diff between two commits, file by file as GitHub's API gives it, and the lines in it."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.git.git import run_cached

#: "No single file's diff may exceed 20,000 lines or 500 KB of raw diff data", GitHub docs,
#: "Repository limits". Beyond it the API leaves `patch` out.
PATCH_LINES = 20_000

PATCH_BYTES = 500_000

_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied"}


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One changed file; `patch` starts at the first `@@` and is None for binary or large files."""

    path: str
    previous_path: str | None
    status: str
    sha: str
    additions: int
    deletions: int
    patch: str | None


async def unified_diff(git_dir: Path, base: str, head: str) -> bytes:
    """The diff between two commits as GitHub's diff media type has it."""
    options = ("-M", "--no-color", "--no-ext-diff")
    return await run_cached(git_dir, "diff", *options, base, head, of=[base, head])


async def changed_files(git_dir: Path, base: str, head: str) -> list[FileDiff]:
    """The changed files between two commits, with renames found."""
    options = ("-M", "--no-color", "--no-ext-diff", "--no-textconv")

    async def printed(*more: str) -> bytes:
        return await run_cached(git_dir, "diff", *options, *more, base, head, of=[base, head])

    raw, numbers, patch_text = await asyncio.gather(
        printed("--raw", "--no-abbrev", "-z"), printed("--numstat", "-z"), printed()
    )
    patches, counts = _sections(patch_text), _counts(numbers)
    files = []
    for letter, sha, old, new in _raw_entries(raw):
        patch = patches.pop(0)
        if letter == "T":  # git shows a change of type as a removal and an addition
            patch = patch + "\n" + _hunks_of(patches.pop(0))
        added, deleted = counts[new]
        files.append(
            FileDiff(
                path=new,
                previous_path=old,
                status=_STATUS.get(letter, "changed"),
                sha=sha,
                additions=added,
                deletions=deleted,
                patch=_kept(_hunks_of(patch)),
            )
        )
    return files


def _raw_entries(raw: bytes) -> list[tuple[str, str, str | None, str]]:
    """(status letter, blob id, previous path, path) of each `--raw -z` record."""
    fields = iter(raw.decode(errors="replace").split("\0"))
    entries = []
    for meta in fields:
        if not meta:
            continue
        _, _, old_sha, new_sha, status = meta.lstrip(":").split(" ")
        letter = status[0]
        path = next(fields)
        old = None
        if letter in "RC":
            old, path = path, next(fields)
        entries.append((letter, old_sha if letter == "D" else new_sha, old, path))
    return entries


def _counts(numstat: bytes) -> dict[str, tuple[int, int]]:
    """Added and deleted lines by path of `--numstat -z`; binary files have none."""
    fields = iter(numstat.decode(errors="replace").split("\0"))
    counts: dict[str, tuple[int, int]] = {}
    for record in fields:
        if not record:
            continue
        added, deleted, path = record.split("\t", 2)
        if not path:  # a rename: the two names follow as fields of their own
            next(fields)
            path = next(fields)
        counts[path] = (_number(added), _number(deleted))
    return counts


def _number(text: str) -> int:
    return 0 if text == "-" else int(text)


def _sections(patch: bytes) -> list[str]:
    """Cut a diff at its `diff --git` lines; no line of content can start like that."""
    text = "\n" + patch.decode(errors="replace")
    return text.split("\ndiff --git ")[1:]


def _hunks_of(section: str) -> str:
    """What follows the file's headers: the hunks, or nothing."""
    start = section.find("\n@@ ")
    return section[start + 1 :].rstrip("\n") if start >= 0 else ""


def _kept(patch: str) -> str | None:
    """The patch, unless GitHub would leave it out."""
    if not patch or len(patch) > PATCH_BYTES or patch.count("\n") > PATCH_LINES:
        return None
    return patch


HUNK_HEADER = re.compile(r"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


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
            if HUNK_HEADER.match(line)
        )
        return "\n".join(self.lines[start : place.position + 1])


def parse(patch: str) -> Patch:
    """Index the lines of a patch that starts at its first `@@` line."""
    lines = tuple(patch.split("\n"))
    places: dict[tuple[str, int], Place] = {}
    hunk, left, right = -1, 0, 0
    for position, line in enumerate(lines):
        if header := HUNK_HEADER.match(line):
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
