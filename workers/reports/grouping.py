"""A rule that fires all over a change is told once, with the other places (pure)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from bot.domain.model import Category, Finding, Severity
from workers.reports.sanitize import code_span
from workers.reports.sources import LLM, tools_of
from workers.reports.templates import place
from workers.reports.verdict import plural

#: So often a rule is told in full; from one more on, once.
SEPARATE = 2
#: Places named in one comment; of more, the number is told.
_MAX_LISTED = 20

_Kind = tuple[str, Category, Severity]


def fold_repeats(findings: Sequence[Finding], posted: frozenset[str]) -> list[Finding]:
    """`findings`, ranked; of an analyser's rule that occurs more than SEPARATE times only one, and
    those of `posted`, which stand on their lines already.

    The one names the others; it is rather one of `posted` too. What an LLM said was written for
    its place and stays as it is.
    """
    kinds: defaultdict[_Kind, list[Finding]] = defaultdict(list)
    for finding in findings:
        if LLM not in tools_of(finding):
            kinds[_kind(finding)].append(finding)
    firsts = {kind: _first(same, posted) for kind, same in kinds.items() if len(same) > SEPARATE}
    kept: list[Finding] = []
    for finding in findings:
        first = None if LLM in tools_of(finding) else firsts.get(_kind(finding))
        if finding is first:
            same = kinds[_kind(first)]
            kept.append(
                with_places(
                    first, [f for f in same if f is not first and f.fingerprint not in posted]
                )
            )
        elif first is None or finding.fingerprint in posted:
            kept.append(finding)
    return kept


def _first(same: Sequence[Finding], posted: frozenset[str]) -> Finding:
    return next((finding for finding in same if finding.fingerprint in posted), same[0])


def _kind(finding: Finding) -> _Kind:
    return finding.source, finding.category, finding.severity


def with_places(first: Finding, others: Sequence[Finding]) -> Finding:
    """The first, and where the others are, which are not told themselves."""
    if not others:
        return first
    places = [f"- {_place(other, first)}" for other in others[:_MAX_LISTED]]
    if len(others) > _MAX_LISTED:
        places.append(f"- and {len(others) - _MAX_LISTED} more")
    heading = f"The same in {plural(len(others), 'other place')}:"
    return replace(first, body="\n\n".join((first.body, heading, "\n".join(places))))


def _place(finding: Finding, first: Finding) -> str:
    title = "" if finding.title == first.title else f": {finding.title}"
    return f"{code_span(place(finding))}{title}"
