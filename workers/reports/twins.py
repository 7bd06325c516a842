"""One finding where an analyser and the LLM, or two analysers, say the same (pure)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from bot.change import Side
from bot.model import Finding
from workers.reports.sources import LLM, joined, tools_of

_Where = tuple[str, Side]


def one_each(findings: Iterable[Finding], posted: frozenset[str]) -> list[Finding]:
    """The findings, each told once: by fingerprint first, then by what they speak of.

    Of two with one fingerprint by one tool the more severe, then the more certain stays; by
    two they are merged, as an analyser's evidence and the LLM that confirms it. `posted` are
    the fingerprints that stand on the pull request already: a merged finding keeps such a one,
    so that it is not posted again under its other name.
    """
    unique: dict[str, Finding] = {}
    for finding in findings:
        known = unique.get(finding.fingerprint)
        unique[finding.fingerprint] = _one(known, finding, posted) if known else finding
    told = _Told()
    for finding in sorted(unique.values(), key=_llm_first):
        twin = told.twin_of(finding)
        if twin is None:
            told.add(finding)
        else:
            told.findings[twin] = _merged(told.findings[twin], finding, posted)
    return told.findings


class _Told:
    """Findings by where they stand: a twin is not looked for among all of them, as there may be
    one for each changed line."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._of_llm: defaultdict[_Where, list[int]] = defaultdict(list)
        self._of_tools: defaultdict[tuple[_Where, int | None], list[int]] = defaultdict(list)

    def add(self, finding: Finding) -> None:
        where = finding.path, finding.side
        by_llm = LLM in tools_of(finding)
        same = self._of_llm[where] if by_llm else self._of_tools[where, finding.start_line]
        same.append(len(self.findings))
        self.findings.append(finding)

    def twin_of(self, finding: Finding) -> int | None:
        """The position of the first finding that says the same."""
        where = finding.path, finding.side
        # What the LLM said stands first; merged, it may have come to lie on other lines.
        near = (*self._of_llm[where], *self._of_tools[where, finding.start_line])
        return next((at for at in near if _twins(self.findings[at], finding)), None)


def _one(known: Finding, new: Finding, posted: frozenset[str]) -> Finding:
    if known.anchored == new.anchored and not tools_of(known) & tools_of(new):
        return _merged(known, new, posted)
    return _stronger(known, new)


def _stronger(known: Finding, new: Finding) -> Finding:
    better = (new.severity.rank, -new.confidence) < (known.severity.rank, -known.confidence)
    if new.anchored != known.anchored:
        better = new.anchored
    return new if better else known


def _llm_first(finding: Finding) -> bool:
    return LLM not in tools_of(finding)


def _twins(told: Finding, new: Finding) -> bool:
    """Whether two findings of one file and side say the same; if an analyser alone told the
    first, they begin on one line."""
    if tools_of(told) & tools_of(new):
        return False
    if LLM not in tools_of(told):  # two analysers: rules of one port, as ruff's S and bandit
        return told.category == new.category
    same_quote = bool(_folded(new)) and _folded(new) == _folded(told)
    return _overlap(told, new) and (told.category == new.category or same_quote)


def _overlap(told: Finding, new: Finding) -> bool:
    if told.start_line is None or told.end_line is None:
        return False
    if new.start_line is None or new.end_line is None:
        return False
    return told.start_line <= new.end_line and new.start_line <= told.end_line


def _folded(finding: Finding) -> str:
    return " ".join(finding.quote.split())


def _merged(told: Finding, new: Finding, posted: frozenset[str]) -> Finding:
    """`told` in the richer words of both, as severe as the more severe, named after the
    analyser (whose rule does not change from one answer to the next)."""
    rich, brief = (new, told) if len(new.body) > len(told.body) else (told, new)
    names = [f.fingerprint for f in (told, new) if f.fingerprint in posted]
    return replace(
        rich,
        severity=min(told.severity, new.severity, key=lambda severity: severity.rank),
        confidence=max(told.confidence, new.confidence),
        source=joined(told, new),
        body=_with_title(rich.body, brief),
        fingerprint=names[0] if names else new.fingerprint,
    )


def _with_title(body: str, brief: Finding) -> str:
    """The body, and the other's title: two that overlap may still differ in a detail."""
    return f"{body}\n\nAlso: {brief.title}" if brief.title not in body else body
