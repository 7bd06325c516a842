"""From what a model claims to a finding that we stand by, or a reason why not (pure)."""

import re
from collections.abc import Iterator, Mapping, Sequence

from bot.domain.diff import Side, Surroundings
from bot.domain.fingerprint import fingerprint
from bot.domain.look_ups import LookUpResult
from bot.domain.model import Finding, Place, Rejected
from bot.domain.reasons import RejectionReason
from bot.policy.finding_filter import FindingFilter, Rejection, doubts
from workers.analysis.anchor import Anchor, anchor
from workers.analysis.answer_values import same_path
from workers.analysis.model_answer import RawFinding
from workers.analysis.redacted_view import RedactedView, clean, one_line
from workers.analysis.suggestions import fitting_suggestion

#: A line that shows a fix has at least so many letters and digits.
_SHORTEST_PROOF = 3
#: `12 |` or `- 14 +|`, as prompts print them before a line.
_NUMBERS = re.compile(r"^\s*(?:(?:\d+|-)\s+)?(?:\d+|-)?\s*[+-]?\s*\|")
#: Places that are kept with one finding.
_MAX_PLACES = 20


def validate_finding(
    raw: RawFinding,
    files: Mapping[str, RedactedView],
    finding_filter: FindingFilter,
    looked_up: Sequence[LookUpResult] = (),
) -> Finding | Rejected:
    """The finding, anchored where its quote stands in the diff; `files` by path as shown,
    `looked_up` in the order of the numbers under which it was shown."""
    shown = files.get(same_path(raw.path, files) or "")
    title = one_line(raw.title)
    if shown is None:
        reason = RejectionReason.NOT_IN_CHANGE
        return Rejected(path=one_line(raw.path), title=title, reason=reason)
    path = shown.source.file.path
    if rejection := _unwanted(raw, finding_filter):
        return Rejected(path=path, title=title, reason=rejection[0], detail=rejection[1])
    at = _place(raw, shown)
    quote = _anchored_text(shown, at) if at else clean(raw.quote)
    suggestion = None
    if at and raw.suggestion is not None:
        suggestion = fitting_suggestion(raw.suggestion, shown, at)
    confirmed = _confirmed(raw, shown, at)
    before, after = _around(shown, at)
    return Finding(
        path=path,
        category=raw.category,
        severity=raw.severity,
        title=title,
        body=clean(raw.body),
        confidence=raw.confidence,
        source="llm",
        quote=quote,
        side=at.side if at else raw.side,
        start_line=at.start_line if at else None,
        end_line=at.end_line if at else None,
        suggestion=suggestion,
        fingerprint=confirmed
        or fingerprint(path, raw.category, quote or title, _secrets(shown, at)),
        trace=clean(raw.trace),
        looked_at=_looked_at(raw, looked_up),
        agreement=2 if confirmed else 1,
        before=before,
        after=after,
    )


def _around(shown: RedactedView, at: Anchor | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Lines before and after it, as shown, for people."""
    if at is None:
        return (), ()
    return Surroundings(shown.file, at.side).around(at.start_line, at.end_line)


def shows_fix(
    line: str, files: Sequence[RedactedView], looked_up: Sequence[LookUpResult] = ()
) -> bool:
    """Whether the lines that are to show that a finding is fixed were shown: in the change, in its
    context or among what was looked up. Numbers and marks before them do not count."""
    wanted = [text for each in line.strip("`\n").split("\n") if (text := _code(each))]
    shown = {_code(each) for each in _shown_lines(files, looked_up)}
    letters = sum(char.isalnum() for text in wanted for char in text)
    return letters >= _SHORTEST_PROOF and shown.issuperset(wanted)


def _shown_lines(files: Sequence[RedactedView], looked_up: Sequence[LookUpResult]) -> Iterator[str]:
    for file in files:
        for hunk in file.file.hunks:
            yield from (line.text for line in hunk.lines)
        for text in (file.content or "", *(each.text for each in file.source.context)):
            yield from clean(text).split("\n")
    for result in looked_up:
        yield from clean(result.text).split("\n")


def _code(line: str) -> str:
    """The line without the numbers and marks that prompts print before it, white space folded."""
    return " ".join(_NUMBERS.sub("", line).split())


def _place(raw: RawFinding, shown: RedactedView) -> Anchor | None:
    """Where the quote stands; without one, the changed line whose number was given."""
    if raw.quote.strip():
        return anchor(shown.file, raw.quote, raw.line, raw.side, shown.content)
    changed = (
        line
        for hunk in shown.file.hunks
        for line in hunk.on(raw.side)
        if (line.added or line.removed) and line.number(raw.side) == raw.line
    )
    if raw.line is None or next(changed, None) is None:
        return None
    return Anchor(raw.side, raw.line, raw.line)


def _looked_at(raw: RawFinding, looked_up: Sequence[LookUpResult]) -> tuple[Place, ...]:
    """The places that it says it rests on, or else those of files that it names."""
    text = f"{raw.trace} {raw.body}"
    named = [looked_up[number - 1] for number in raw.looked_at if 0 < number <= len(looked_up)]
    places = [
        place
        for result in named or looked_up
        for place in result.places
        if named or place.path in text
    ]
    return tuple(dict.fromkeys(places))[:_MAX_PLACES]


def _unwanted(raw: RawFinding, finding_filter: FindingFilter) -> Rejection | None:
    return finding_filter.rejects(raw.category, raw.severity, raw.path) or doubts(
        raw.confidence, finding_filter.min_confidence
    )


def _anchored_text(shown: RedactedView, at: Anchor) -> str:
    """The lines that the anchor covers, as shown: a secret is not quoted either."""
    return "\n".join(
        line.text
        for hunk in shown.file.hunks
        for line in hunk.on(at.side)
        if at.start_line <= (line.number(at.side) or 0) <= at.end_line
    )


def _secrets(shown: RedactedView, at: Anchor | None) -> list[str]:
    """Keyed hashes of what is masked in the lines that the anchor covers."""
    if at is None or at.side is not Side.RIGHT:
        return []
    return [hash for line, hash in shown.source.secrets if at.start_line <= line <= at.end_line]


def _confirmed(raw: RawFinding, shown: RedactedView, at: Anchor | None) -> str:
    """The fingerprint of the analyser's evidence that the finding confirms: they are one."""
    if raw.rule is None or at is None or at.side is not Side.RIGHT:
        return ""
    for evidence in shown.source.evidence:
        start, end = evidence.start_line or 0, evidence.end_line or 0
        if evidence.source == raw.rule and start <= at.end_line and end >= at.start_line:
            return evidence.fingerprint
    return ""
