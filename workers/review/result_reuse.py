"""What is taken over from push to push, so that only what changed is read again (pure)."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

from bot.domain.model import Batch, BatchResult, FileResult, Scan


def reusable_results(batch: Batch, result: BatchResult) -> dict[str, FileResult]:
    """What a batch gave for each of its files that a model read to the end and checked, by the
    readings' keys. A file in parts, not all of which were read, is read again."""
    summaries = dict(result.summaries)
    unfinished = {*result.inconclusive, *(item.path for item in result.skipped)}
    return {
        part.key: FileResult(
            path=part.file.path,
            findings=tuple(
                finding for finding in result.findings if finding.path == part.file.path
            ),
            summary=summaries.get(part.file.path, ""),
        )
        for part in batch.files
        if result.model and part.key and part.file.path in {*result.reviewed} - unfinished
    }


def with_reused_results(scan: Scan, kept: Iterable[FileResult]) -> Scan:
    """The scan with the findings and summaries of what need not be read again."""
    kept = tuple(kept)
    summaries = {
        file_result.path: file_result.summary for file_result in kept if file_result.summary
    }
    return replace(
        scan,
        reused_findings=tuple(chain(*(file_result.findings for file_result in kept))),
        files=tuple(
            replace(file, summary=summaries.get(file.path, file.summary)) for file in scan.files
        ),
    )
