"""What we reported on a pull request before, at a later push (pure).

A finding stays open until there is evidence: the reader names the line that fixes it, or its own
lines are gone. That nobody reports it again is none: a model does not find everything twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.domain.diff import Side
from bot.domain.model import Batch, BatchResult, Category, Finding, Report, Scan
from bot.domain.suppressions import Dismissals
from workers.analysis.anchor import anchor
from workers.analysis.redacted_view import RedactedView, show


def with_open_findings(
    batches: Sequence[Batch], scan: Scan, reported: Iterable[Finding], focus: Category | None
) -> tuple[tuple[Batch, ...], Scan]:
    """The batches with what was `reported` on their files, at the lines where it is now, and the
    scan with what was reported on files that need not be read again. A finding whose lines are gone
    is in neither, nor is one of a category that the review does not look for."""
    shown = [(batch.number, show(part)) for batch in batches for part in batch.files]
    read = {view.source.file.path for _, view in shown}
    reused = {finding.fingerprint for finding in scan.reused_findings}
    of_batch: defaultdict[int, list[Finding]] = defaultdict(list)
    of_kept: list[Finding] = []
    for finding in reported:
        if finding.fingerprint in reused or focus not in (None, finding.category):
            continue
        if finding.path in read:
            same = [each for each in shown if each[1].source.file.path == finding.path]
            if now := _on_its_lines(finding, same) or _elsewhere(finding, same):
                number, moved = now
                of_batch[number].append(moved)
        elif finding.path in scan.reviewed_paths:
            of_kept.append(finding)
    with_findings = tuple(
        replace(batch, open_findings=tuple(sorted(of_batch[batch.number], key=_order)))
        for batch in batches
    )
    return with_findings, replace(scan, reused_findings=(*scan.reused_findings, *of_kept))


def _order(finding: Finding) -> tuple[object, ...]:
    """The most severe first: of too many for a prompt the last are not shown."""
    return finding.severity.rank, finding.path, finding.start_line or 0, finding.fingerprint


#: Parts of changed files as they are shown, each with the number of its batch.
_Shown = Iterable[tuple[int, RedactedView]]


def _on_its_lines(finding: Finding, shown: _Shown) -> tuple[int, Finding] | None:
    """The finding where its lines are in the change now."""
    for number, file in shown:
        at = anchor(file.file, finding.quote, finding.start_line, finding.side, file.content)
        if at is not None and at.side is finding.side:
            return number, replace(finding, start_line=at.start_line, end_line=at.end_line)
    return None


def _elsewhere(finding: Finding, shown: _Shown) -> tuple[int, Finding] | None:
    """The finding without lines, if the file holds what it quotes at several places or where
    nothing is changed any more."""
    for number, file in shown:
        if finding.side is Side.RIGHT and _folded(finding.quote) in _folded(file.content or ""):
            return number, replace(finding, start_line=None, end_line=None, suggestion=None)
    return None


def _folded(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n" + "\n".join(line for line in lines if line) + "\n"


def still_open(
    earlier: Iterable[Finding],
    scan: Scan,
    results: Iterable[BatchResult],
    report: Report,
    dismissed: Dismissals,
) -> tuple[Finding, ...]:
    """What is open after the review: what the model found, now or before, and is reported or was
    dismissed; and of the `earlier` ones those that this review could not say anything of."""
    found = (*(each for result in results for each in result.findings), *scan.reused_findings)
    told = [f for f in found if f.fingerprint in report.fingerprints or dismissed.why(f)]
    focus, unread = report.review.focus, {item.path for item in report.skipped}
    left = [
        each
        for each in earlier
        if focus not in (None, each.category)
        or each.path in unread
        or (report.skipped_unlisted and each.path not in report.reviewed_paths)
    ]
    return tuple(dict.fromkeys((*told, *left)))
