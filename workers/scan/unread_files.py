"""Secrets in files that nobody reads: a key is one in a lock file or in generated code too.

Only what is certain by its form is reported there: such files are full of long random words. Left
out are binary files and those that the repository's own configuration excludes.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

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


async def search_unread(
    clone: Clone, files: Sequence[ChangedFile], key: bytes
) -> tuple[Redacted, tuple[str, ...]]:
    """The secrets that these files bring, and what the search has to note. Raises CloneError."""
    if not files:
        return Redacted((), ()), ()
    targets = await _targets(clone, files[:MAX_FILES])
    results = await run_all(targets, seconds=0, analyzers=(SECRETS,))
    evidence = [item for item in results.evidence if item.confidence >= _CERTAIN]
    paths = {item.path for item in evidence}
    holding = [target for target in targets if target.path in paths]  # no other is shown
    return await asyncio.to_thread(redact_scan, holding, evidence, key), results.notes


def with_plain_paths(evidence: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings as they can be told: where a path cannot be written, without a place in it."""
    return tuple(
        item
        if is_printable(item.path)
        else replace(item, path=display_path(item.path), start_line=None, end_line=None)
        for item in evidence
    )


async def _targets(clone: Clone, files: Sequence[ChangedFile]) -> tuple[Target, ...]:
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
    return tuple(
        Target(found, "", texts[file.new_blob].decode("utf-8", "replace"))
        for file in chosen
        if (found := hunks.get(file.path)) and found.additions and file.new_blob in texts
    )
