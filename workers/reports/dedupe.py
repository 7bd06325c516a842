"""One finding where an analyser and the LLM, or two analysers, say the same (pure)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from bot.domain.diff import Side
from bot.domain.model import CheckOutcome, Finding
from workers.reports.grouping import with_places
from workers.reports.sources import LLM, joined, tools_of

_Where = tuple[str, Side]
_Known = tuple[frozenset[str], ...]


def deduplicate(findings: Iterable[Finding], *known: frozenset[str]) -> list[Finding]:
    """The findings, each told once: by fingerprint first, then by what they speak of.

    Of two with one fingerprint by one tool the more severe, then the more certain stays, and
    names the other's place or, on the same lines, its title; by two they are merged, as an
    analyser's evidence and the LLM that confirms it. `known` are
    the fingerprints that people have heard of, as they dismissed them or they stand on the pull
    request: a merged finding keeps such a one, of the first set that has one, so that it is
    not posted again under its other name.
    """
    unique: dict[str, Finding] = {}
    places: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        places[finding.fingerprint].append(finding)
        same = unique.get(finding.fingerprint)
        unique[finding.fingerprint] = _merge_same(same, finding, known) if same else finding
    earlier = _Index()
    for finding in sorted(unique.values(), key=_llm_first):
        duplicate = earlier.find_duplicate(finding)
        if duplicate is None:
            earlier.add(finding)
        else:
            merged = _merged(earlier.findings[duplicate], finding, known)
            for name in {earlier.findings[duplicate].fingerprint, finding.fingerprint}:
                if name != merged.fingerprint:
                    places[merged.fingerprint] += places[name]
            earlier.findings[duplicate] = merged
    return [_with_places(finding, places[finding.fingerprint]) for finding in earlier.findings]


def _with_places(finding: Finding, same: Iterable[Finding]) -> Finding:
    """The finding, and where else the same stands in the same words."""
    others = {each.start_line or 0: each for each in same if each.side is finding.side}
    elsewhere = [others[line] for line in sorted(others) if _disjoint(finding, others[line])]
    return with_places(finding, elsewhere)


class _Index:
    """Findings by where they stand: a twin is not looked for among all of them, as there may be
    one for each changed line."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._from_llm: defaultdict[_Where, list[int]] = defaultdict(list)
        self._from_tools: defaultdict[tuple[_Where, int | None], list[int]] = defaultdict(list)

    def add(self, finding: Finding) -> None:
        where = finding.path, finding.side
        by_llm = LLM in tools_of(finding)
        same = self._from_llm[where] if by_llm else self._from_tools[where, finding.start_line]
        same.append(len(self.findings))
        self.findings.append(finding)

    def find_duplicate(self, finding: Finding) -> int | None:
        """The position of the first finding that says the same."""
        where = finding.path, finding.side
        # What the LLM said stands first; merged, it may have come to lie on other lines.
        near = (*self._from_llm[where], *self._from_tools[where, finding.start_line])
        return next((at for at in near if _is_duplicate(self.findings[at], finding)), None)


def _merge_same(old: Finding, new: Finding, known: _Known) -> Finding:
    if old.anchored == new.anchored and not tools_of(old) & tools_of(new):
        return _merged(old, new, known)
    better = _stronger(old, new)
    other = old if better is new else new
    if better.anchored and _overlap(better, other) and better.title != other.title:
        return replace(better, body=_with_title(better.body, other))
    return better


def _stronger(known: Finding, new: Finding) -> Finding:
    better = (new.severity.rank, -new.confidence) < (known.severity.rank, -known.confidence)
    if new.anchored != known.anchored:
        better = new.anchored
    return new if better else known


def _llm_first(finding: Finding) -> bool:
    return LLM not in tools_of(finding)


def _is_duplicate(earlier: Finding, new: Finding) -> bool:
    """Whether two findings of one file and side say the same; if an analyser alone told the
    first, they begin on one line."""
    if tools_of(earlier) & tools_of(new):
        return False
    if LLM not in tools_of(earlier):  # two analysers: rules of one port, as ruff's S and bandit
        return earlier.category == new.category
    same_quote = bool(_folded(new)) and _folded(new) == _folded(earlier)
    return _overlap(earlier, new) and (earlier.category == new.category or same_quote)


def _disjoint(one: Finding, other: Finding) -> bool:
    return one.anchored and other.anchored and not _overlap(one, other)


def _overlap(earlier: Finding, new: Finding) -> bool:
    if earlier.start_line is None or earlier.end_line is None:
        return False
    if new.start_line is None or new.end_line is None:
        return False
    return earlier.start_line <= new.end_line and new.start_line <= earlier.end_line


def _folded(finding: Finding) -> str:
    return " ".join(finding.quote.split())


def _merged(earlier: Finding, new: Finding, known: _Known) -> Finding:
    """`earlier` in the richer words of both, as severe as the more severe, named after the
    analyser (whose rule does not change from one answer to the next)."""
    longer, shorter = (new, earlier) if len(new.body) > len(earlier.body) else (earlier, new)
    both = (earlier.fingerprint, new.fingerprint)
    names = [name for group in known for name in both if name in group]
    return replace(
        longer,
        severity=min(earlier.severity, new.severity, key=lambda severity: severity.rank),
        confidence=max(earlier.confidence, new.confidence),
        check=CheckOutcome.CONFIRMED,  # one of the two is an analyzer, whose rule is a proof
        agreement=earlier.agreement + new.agreement,
        trace=longer.trace or shorter.trace,
        looked_at=tuple(dict.fromkeys((*longer.looked_at, *shorter.looked_at))),
        source=joined(earlier, new),
        body=_with_title(longer.body, shorter),
        suggestion=_suggestion(longer, shorter),
        fingerprint=names[0] if names else new.fingerprint,
    )


def _suggestion(longer: Finding, shorter: Finding) -> str | None:
    """The other's too, where it replaces the same lines."""
    here = (longer.side, longer.start_line, longer.end_line)
    if longer.suggestion is None and here == (shorter.side, shorter.start_line, shorter.end_line):
        return shorter.suggestion
    return longer.suggestion


def _with_title(body: str, shorter: Finding) -> str:
    """The body, and the other's title: two that overlap may still differ in a detail."""
    return f"{body}\n\nAlso: {shorter.title}" if shorter.title not in body else body
