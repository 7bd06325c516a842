"""Secrets in files that nobody reads: a key is one in a lock file or in generated code too.

Only what is certain by its form is reported there: such files are full of long random words. Left
out are binary files and those that the repository's own configuration excludes.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.domain.diff import ChangedFile, display_path, is_printable
from bot.domain.model import Finding
from workers.scan.analyzers.analyzer import Target
from workers.scan.analyzers.runner import run_all
from workers.scan.analyzers.secrets import SECRETS
from workers.scan.redaction import Redacted, redact_scan
from workers.scan.repository.clone import Clone

#: Files that are searched, the riskiest first, and their bytes: of one, and of all.
MAX_FILES = 500
MAX_FILE_BYTES = 4_000_000
MAX_BYTES = 8_000_000
#: Below, a finding is a guess.
_CERTAIN = 0.9


@dataclass(frozen=True, slots=True)
class Searched:
    """The secrets that were found, what the search has to note, and the paths that it looked
    through: of the others nothing is known."""

    found: Redacted = Redacted((), ())
    notes: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


async def search_unread(clone: Clone, files: Sequence[ChangedFile], key: bytes) -> Searched:
    """The secrets that these files bring. Raises CloneError."""
    if not files:
        return Searched()
    targets, paths = await targets_of(clone, files[:MAX_FILES])
    results = await run_all(targets, seconds=0, analyzers=(SECRETS,))
    evidence = [item for item in results.evidence if item.confidence >= _CERTAIN]
    holding = {item.path for item in evidence}  # no other is shown
    shown = [target for target in targets if target.path in holding]
    found = await asyncio.to_thread(redact_scan, shown, evidence, key)
    complete = not (results.failed_sources or results.truncated_sources)
    return Searched(found, results.notes, paths if complete else ())


def with_plain_paths(evidence: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings as they can be told: where a path cannot be written, without a place in it."""
    return tuple(
        item
        if is_printable(item.path)
        else replace(item, path=display_path(item.path), start_line=None, end_line=None)
        for item in evidence
    )


async def targets_of(
    clone: Clone, files: Sequence[ChangedFile]
) -> tuple[tuple[Target, ...], tuple[str, ...]]:
    """What the search reads, and the paths of which it knows all then: also of those to which
    nothing is added."""
    blobs = [blob for file in files for blob in (file.old_blob, file.new_blob) if blob]
    await clone.fetch(blobs)
    sizes = await clone.sizes(blobs)
    chosen: list[ChangedFile] = []
    room = MAX_BYTES
    for file in files:
        size = sum(sizes.get(blob, 0) for blob in (file.old_blob, file.new_blob) if blob)
        if size <= min(room, MAX_FILE_BYTES):
            chosen.append(file)
            room -= size
    hunks = {file.path: file for file in await clone.hunks([file.path for file in chosen])}
    texts = await clone.read(file.new_blob for file in chosen if file.new_blob)
    targets = tuple(
        Target(found, "", texts[file.new_blob].decode("utf-8", "replace"))
        for file in chosen
        if (found := hunks.get(file.path)) and found.additions and file.new_blob in texts
    )
    read = {target.path for target in targets}
    return targets, tuple(
        path for path, file in hunks.items() if path in read or not file.additions
    )
