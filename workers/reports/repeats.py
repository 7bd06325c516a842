"""A rule that fires all over a change is told once, with the other places (pure)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from bot.model import Category, Finding, Severity
from workers.reports.environment import place
from workers.reports.sanitize import code_span
from workers.reports.sources import LLM, tools_of

#: So often a rule is told in full; from one more on, once.
SEPARATE = 2
#: Places named in one comment; of more, the number is told.
_NAMED = 20

_Kind = tuple[str, Category, Severity]


def fold_repeats(findings: Sequence[Finding], posted: frozenset[str]) -> list[Finding]:
    """`findings`, ranked, in which each analyser's rule occurs at most SEPARATE times, or once.

    The first of the many stays and names the others, rather one of `posted`: it is on its
    lines already. What an LLM said was written for its place and stays as it is.
    """
    kinds: defaultdict[_Kind, list[Finding]] = defaultdict(list)
    for finding in findings:
        if LLM not in tools_of(finding):
            kinds[_kind(finding)].append(finding)
    told = []
    for finding in findings:
        same = kinds.get(_kind(finding), [])
        if LLM in tools_of(finding) or len(same) <= SEPARATE:
            told.append(finding)
        elif finding is (first := _first(same, posted)):
            told.append(_naming(first, [other for other in same if other is not first]))
    return told


def _kind(finding: Finding) -> _Kind:
    return finding.source, finding.category, finding.severity


def _first(same: Sequence[Finding], posted: frozenset[str]) -> Finding:
    return next((finding for finding in same if finding.fingerprint in posted), same[0])


def _naming(first: Finding, others: Sequence[Finding]) -> Finding:
    places = [f"- {_place(other, first)}" for other in others[:_NAMED]]
    if len(others) > _NAMED:
        places.append(f"- and {len(others) - _NAMED} more")
    count = f"{len(others)} other places"
    return replace(
        first, body="\n\n".join((first.body, f"The same in {count}:", "\n".join(places)))
    )


def _place(finding: Finding, first: Finding) -> str:
    title = "" if finding.title == first.title else f": {finding.title}"
    return f"{code_span(place(finding))}{title}"
