"""What is taken over from push to push, so that only what changed is read again (pure)."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

from bot.domain.model import Batch, BatchResult, Reading, Scan


def readings_of(batch: Batch, result: BatchResult) -> dict[str, Reading]:
    """What a batch gave for each of its files that a model read to the end and checked, by the
    readings' keys. A file in parts, not all of which were read, is read again."""
    summaries = dict(result.summaries)
    again = {*result.unsure, *(item.path for item in result.left_out)}
    return {
        part.key: Reading(
            path=part.file.path,
            findings=tuple(
                finding for finding in result.findings if finding.path == part.file.path
            ),
            summary=summaries.get(part.file.path, ""),
        )
        for part in batch.files
        if result.model and part.key and part.file.path in {*result.reviewed} - again
    }


def with_readings(scan: Scan, kept: Iterable[Reading]) -> Scan:
    """The scan with the findings and summaries of what need not be read again."""
    kept = tuple(kept)
    summaries = {reading.path: reading.summary for reading in kept if reading.summary}
    return replace(
        scan,
        carried=tuple(chain(*(reading.findings for reading in kept))),
        files=tuple(
            replace(file, summary=summaries.get(file.path, file.summary)) for file in scan.files
        ),
    )
