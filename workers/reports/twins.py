"""One finding where an analyser and the LLM, or two analysers, say the same (pure)."""

from collections.abc import Iterable
from dataclasses import replace

from bot.model import Finding
from workers.reports.sources import LLM, joined, tools_of


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
    told: list[Finding] = []
    for finding in sorted(unique.values(), key=_llm_first):
        twin = next((index for index, other in enumerate(told) if _twins(other, finding)), None)
        if twin is None:
            told.append(finding)
        else:
            told[twin] = _merged(told[twin], finding, posted)
    return told


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
    if told.path != new.path or told.side != new.side or tools_of(told) & tools_of(new):
        return False
    if LLM not in tools_of(told):  # two analysers: rules of one port, as ruff's S and bandit
        return told.start_line == new.start_line and told.category == new.category
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
