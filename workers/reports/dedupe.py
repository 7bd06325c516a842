"""One finding for one defect, by whomever and wherever it is reported (pure).

First what says the same of the same code is joined (`deduplicate`), then what is the same at
several places (`group`).
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from bot.domain.diff import Side
from bot.domain.fingerprint import fingerprint, have_same_words, secrets_part
from bot.domain.model import LLM_SOURCE, CheckOutcome, Finding, Place
from templates.languages import _

_Where = tuple[str, Side]
_Known = tuple[Collection[str], ...]

#: In so many files an analyzer's rule is reported for each, if the titles differ; from one more on,
#: once. In one file it is always reported once.
SEPARATE = 2
SEPARATE_LINES = 1


def deduplicate(findings: Iterable[Finding], *known: Collection[str]) -> list[Finding]:
    """The findings without those that say the same as another one.

    An analyzer's evidence and the model that confirms it are joined, as are the rules of two
    analyzers, and what one of them says of equal code in one file, which has one fingerprint: it is
    one finding with several places. Two defects that a model sees in one line stay two, the second
    under a fingerprint of its own. `known` are fingerprints that were reported before: of two that
    are joined the one in the first of these sets is kept, so that nothing is posted again under
    another name.
    """
    same: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        same[finding.fingerprint].append(finding)
    unique = [one for each in same.values() for one in _distinct(each, known)]
    earlier = _Index()
    for finding in sorted(unique, key=lambda each: LLM_SOURCE not in each.tools):
        duplicate = earlier.find_duplicate(finding)
        if duplicate is None:
            earlier.add(finding)
        else:
            earlier.findings[duplicate] = _joined(earlier.findings[duplicate], finding, known)
    return earlier.findings


def group(findings: Sequence[Finding], *known: Collection[str]) -> list[Finding]:
    """The findings in their order; the same defect at several places is the first of them, with the
    others as its `places`.

    The same is a rule of an analyzer in one file, or in more than SEPARATE files, or in two in the
    same words, and what a model says in the same words of other lines. What was reported before
    stays apart from what is new: `known` are the sets of such fingerprints.
    """
    in_files = _grouped(findings, lambda each: (*_kind(each, known), each.path), SEPARATE_LINES)
    return _grouped(in_files, lambda each: _kind(each, known), SEPARATE)


def _grouped(
    findings: Sequence[Finding], kind: Callable[[Finding], object], separate: int
) -> list[Finding]:
    """Those of a kind as the first of them, if there are more than `separate` or all of one
    title."""
    kinds: defaultdict[object, list[Finding]] = defaultdict(list)
    for finding in findings:
        kinds[kind(finding)].append(finding)
    found: list[Finding] = []
    for finding in findings:
        alike = kinds[kind(finding)]
        if not _is_one(alike, separate):
            found.append(finding)
        elif finding is alike[0]:
            found.append(with_places(finding, alike[1:]))
    return found


def _kind(finding: Finding, known: _Known) -> tuple[object, ...]:
    """Findings of one kind may be the same defect at several places."""
    reported_in = next((n for n, names in enumerate(known) if finding.fingerprint in names), -1)
    kind = (reported_in, finding.category, finding.severity)
    if not finding.anchored or (LLM_SOURCE in finding.tools and finding.source != LLM_SOURCE):
        return (*kind, finding.fingerprint)  # stays alone
    if finding.source == LLM_SOURCE:
        return (*kind, LLM_SOURCE, " ".join(finding.title.casefold().split()))
    return (*kind, finding.source)


def _is_one(alike: Sequence[Finding], separate: int) -> bool:
    if len(alike) < 2:
        return False
    return (
        alike[0].source == LLM_SOURCE
        or len(alike) > separate
        or len({finding.title for finding in alike}) == 1
    )


def _distinct(same: Iterable[Finding], known: _Known) -> list[Finding]:
    """What the findings of one fingerprint come to: one for each defect."""
    defects: list[list[Finding]] = []
    for finding in sorted(same, key=_strength):
        alike = next((each for each in defects if _speak_of_one(each[0], finding)), None)
        if alike is None:
            defects.append([finding])
        else:
            alike.append(finding)
    return [_combined(each, known, number) for number, each in enumerate(defects, 1)]


def _strength(finding: Finding) -> tuple[object, ...]:
    rank = finding.severity.rank, -finding.confidence
    return (
        not finding.anchored,
        LLM_SOURCE not in finding.tools,
        *rank,
        finding.start_line or 0,
        finding.title,
    )


def _speak_of_one(first: Finding, finding: Finding) -> bool:
    """Whether two findings on equal code are one defect. A rule's title is made of the code; of a
    model's titles most words have to be the same."""
    if first.source != LLM_SOURCE or finding.source != LLM_SOURCE:
        return True
    return have_same_words(first.title, finding.title)


def _combined(same: Sequence[Finding], known: _Known, number: int) -> Finding:
    """One finding for those of one defect and fingerprint, the strongest first. The `number`th
    defect on that code gets a fingerprint of its own."""
    first, elsewhere = same[0], []
    if number > 1:
        name = fingerprint(first.path, f"{first.category} {number}", first.quote)
        first = replace(first, fingerprint=name + secrets_part(first.fingerprint))
    for other in same[1:]:
        if first.anchored and other.anchored and not _overlap(first, other):
            elsewhere.append(replace(other, fingerprint=first.fingerprint))
        elif not first.tools & other.tools and first.anchored == other.anchored:
            first = _joined(first, other, known)
        elif (
            first.title != other.title
            and first.anchored
            and other.anchored
            and LLM_SOURCE not in other.tools
        ):
            elsewhere.append(other)  # two names that one rule does not know, in one line
        else:
            first = replace(first, body=_with_title(first.body, first.title, other))
    worst = min((each.severity for each in same), key=lambda severity: severity.rank)
    elsewhere.sort(key=lambda each: (each.start_line or 0, each.title))
    return with_places(replace(first, severity=worst), elsewhere)


def with_places(first: Finding, others: Iterable[Finding]) -> Finding:
    """The first, with the places of the others."""
    places = [*first.places]
    for other in others:
        places.append(_place(other, first))
        places += [
            each if each.description else _place(other, first, each) for each in other.places
        ]
    return replace(first, places=tuple(dict.fromkeys(places)))


def _place(finding: Finding, first: Finding, at: Place | None = None) -> Place:
    """Where a finding is, or one `at` its places, with its title if that is another one."""
    assert finding.start_line is not None
    assert finding.end_line is not None
    here = at or Place(
        path=finding.path,
        start_line=finding.start_line,
        end_line=finding.end_line,
        side=finding.side,
        fingerprint=finding.fingerprint,
    )
    by_rule = LLM_SOURCE not in finding.tools and finding.title != first.title
    return replace(here, description=finding.title if by_rule else "")


class _Index:
    """Findings by where they are: a duplicate is not looked for among all of them, as there may be
    one for each changed line."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._from_llm: defaultdict[_Where, list[int]] = defaultdict(list)
        self._from_tools: defaultdict[tuple[_Where, int | None], list[int]] = defaultdict(list)

    def add(self, finding: Finding) -> None:
        where = finding.path, finding.side
        by_llm = LLM_SOURCE in finding.tools
        same = self._from_llm[where] if by_llm else self._from_tools[where, finding.start_line]
        same.append(len(self.findings))
        self.findings.append(finding)

    def find_duplicate(self, finding: Finding) -> int | None:
        """The position of the first finding that says the same."""
        where = finding.path, finding.side
        # A model's come first; joined, one may have come to lie on other lines.
        near = (*self._from_llm[where], *self._from_tools[where, finding.start_line])
        return next((at for at in near if _is_duplicate(self.findings[at], finding)), None)


def _is_duplicate(earlier: Finding, new: Finding) -> bool:
    """Whether two findings of one file and side say the same; those of two analyzers begin on one
    line."""
    if earlier.tools & new.tools:
        return False
    if LLM_SOURCE not in earlier.tools:  # one defect that two know, as a hidden character
        return earlier.category == new.category
    same_quote = bool(_folded(new)) and _folded(new) == _folded(earlier)
    return _overlap(earlier, new) and (earlier.category == new.category or same_quote)


def _overlap(earlier: Finding | Place, new: Finding | Place) -> bool:
    if earlier.start_line is None or earlier.end_line is None:
        return False
    if new.start_line is None or new.end_line is None:
        return False
    same_side = earlier.side is new.side
    return same_side and earlier.start_line <= new.end_line and new.start_line <= earlier.end_line


def _folded(finding: Finding) -> str:
    return " ".join(finding.quote.split())


def _joined(earlier: Finding, new: Finding, known: _Known) -> Finding:
    """`earlier` in the richer words of both, as severe as the more severe, named after the
    analyzer (whose rule does not change from one answer to the next)."""
    longer, shorter = (new, earlier) if len(new.body) > len(earlier.body) else (earlier, new)
    both = (earlier.fingerprint, new.fingerprint)
    names = [name for group in known for name in both if name in group]
    sources = dict.fromkeys((*earlier.sources, *new.sources))
    return replace(
        longer,
        severity=min(earlier.severity, new.severity, key=lambda severity: severity.rank),
        confidence=max(earlier.confidence, new.confidence),
        check=CheckOutcome.CONFIRMED,  # one of the two is an analyzer, whose rule is a proof
        agreement=earlier.agreement + new.agreement,
        trace=longer.trace or shorter.trace,
        looked_at=tuple(dict.fromkeys((*longer.looked_at, *shorter.looked_at))),
        places=tuple(
            place
            for place in dict.fromkeys((*longer.places, *shorter.places))
            if place.path != longer.path or place.description or not _overlap(place, longer)
        ),
        source="+".join(sorted(sources, key=lambda source: source != LLM_SOURCE)),
        body=_with_title(longer.body, longer.title, shorter),
        suggestion=_suggestion(longer, shorter),
        url=earlier.url or new.url,  # of the first analyzer among the sources
        fingerprint=names[0] if names else new.fingerprint,
    )


def _suggestion(longer: Finding, shorter: Finding) -> str | None:
    """The other's too, where it replaces the same lines."""
    here = (longer.side, longer.start_line, longer.end_line)
    if longer.suggestion is None and here == (shorter.side, shorter.start_line, shorter.end_line):
        return shorter.suggestion
    return longer.suggestion


def _with_title(body: str, title: str, other: Finding) -> str:
    """The body, and the other's title: two that overlap may still differ in a detail."""
    if other.title == title or other.title in body:
        return body
    return f"{body}\n\n{_('Also: {title}', title=other.title)}"
