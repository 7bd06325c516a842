"""Two readings of one batch put together (pure): what both report ranks higher."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from bot.domain.model import BatchResult, Finding, Rejected
from bot.domain.reasons import RejectionReason

#: Findings of two readings that lie so many lines apart may be one.
_NEAR = 3
#: Shares of common words from which on two texts speak of one thing: near each other, and anywhere
#: in a file.
_ALIKE_NEAR = 0.25
_ALIKE = 0.6
#: The first of them for a finding that is dropped as reported before: that asks for more.
_REPEATED_NEAR = 0.5

_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]{3,}")


def combine(readings: Sequence[BatchResult]) -> BatchResult:
    """One result of all readings, which are independent of each other; at least one."""
    return reduce(_both, readings)


def without_repeats(result: BatchResult, reported: Sequence[Finding]) -> BatchResult:
    """The result without what says in other words what was `reported` before."""
    kept: list[Finding] = []
    repeated: list[Rejected] = []
    for finding in result.findings:
        same = next((each for each in reported if _repeats(finding, each)), None)
        if same is None:
            kept.append(finding)
        else:
            reason = RejectionReason.REPEATED
            repeated.append(
                Rejected(path=finding.path, title=finding.title, reason=reason, detail=same.title)
            )
    return replace(result, findings=tuple(kept), rejected=(*result.rejected, *repeated))


def with_reported(result: BatchResult, reported: Sequence[Finding]) -> BatchResult:
    """The result with what was `reported` before. What says the same in other words goes by its
    fingerprint, so that nobody is told twice."""
    names: dict[str, str] = {}
    for finding in result.findings:
        same = (each.fingerprint for each in reported if _repeats(finding, each))
        names[finding.fingerprint] = next(same, finding.fingerprint)
    found = [replace(each, fingerprint=names[each.fingerprint]) for each in result.findings]
    missing = [each for each in reported if each.fingerprint not in names.values()]
    return replace(result, findings=(*found, *missing))


def _repeats(finding: Finding, reported: Finding) -> bool:
    if finding.path != reported.path:
        return False
    if finding.fingerprint == reported.fingerprint:
        return _likeness(finding, reported) >= _ALIKE_NEAR
    near = finding.side is reported.side and _distance(finding, reported) <= _NEAR
    return _likeness(finding, reported) >= (_REPEATED_NEAR if near else _ALIKE)


def _both(first: BatchResult, second: BatchResult) -> BatchResult:
    findings = list(first.findings)
    unmatched = dict(enumerate(first.findings))
    for found in second.findings:
        same = [number for number, each in unmatched.items() if _same(each, found)]
        if not same:
            findings.append(found)
            continue
        number = max(same, key=lambda number: _likeness(unmatched[number], found))
        findings[number] = _agreed(unmatched.pop(number), found)
    read = {*first.reviewed, *second.reviewed}
    skipped = dict.fromkeys(
        item for item in (*first.skipped, *second.skipped) if item.path not in read
    )
    return replace(
        first,
        findings=tuple(findings),
        rejected=first.rejected + second.rejected,
        summaries=tuple({**dict(second.summaries), **dict(first.summaries)}.items()),
        reviewed=tuple(dict.fromkeys((*first.reviewed, *second.reviewed))),
        inconclusive=tuple(dict.fromkeys((*first.inconclusive, *second.inconclusive))),
        skipped=tuple(skipped),
        model=first.model or second.model,
        notes=tuple(dict.fromkeys((*first.notes, *second.notes))),
        overview=first.overview or second.overview,
        diagram=first.diagram or second.diagram,
        requirements=first.requirements or second.requirements,
        fixed=tuple({**dict(second.fixed), **dict(first.fixed)}.items()),
    )


def _agreed(one: Finding, other: Finding) -> Finding:
    """The surer one of two that are the same, with what the other one saw."""
    better, worse = (one, other) if one.confidence >= other.confidence else (other, one)
    return replace(
        better,
        severity=min(one.severity, other.severity, key=lambda severity: severity.rank),
        looked_at=tuple(dict.fromkeys((*better.looked_at, *worse.looked_at))),
        suggestion=better.suggestion
        if better.suggestion is not None or _lines(better) != _lines(worse)
        else worse.suggestion,
        agreement=one.agreement + other.agreement,
    )


def _same(one: Finding, other: Finding) -> bool:
    if one.path != other.path:
        return False
    if one.fingerprint == other.fingerprint:
        return one.start_line == other.start_line
    near = one.side is other.side and _distance(one, other) <= _NEAR
    return _likeness(one, other) >= (_ALIKE_NEAR if near else _ALIKE)


def _lines(finding: Finding) -> tuple[object, ...]:
    return finding.side, finding.start_line, finding.end_line


def _distance(one: Finding, other: Finding) -> float:
    """Lines between them, 0 where they overlap."""
    if one.start_line is None or other.start_line is None:
        return float("inf")
    ends = (one.end_line or one.start_line, other.end_line or other.start_line)
    return max(one.start_line - ends[1], other.start_line - ends[0], 0)


def _likeness(one: Finding, other: Finding) -> float:
    """The share of the words of the shorter text that the other one has too."""
    words = [set(_WORD.findall(f"{each.title} {each.body}".lower())) for each in (one, other)]
    least = min(map(len, words))
    return len(words[0] & words[1]) / least if least else 0.0
