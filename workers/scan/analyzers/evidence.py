"""From what an analyser said to a finding that stands on changed lines (pure)."""

from bisect import bisect_left
from dataclasses import replace

from bot.domain.diff import Side
from bot.domain.model import Finding, Severity
from workers.scan.analyzers.analyzer import Diagnostic, Target
from workers.scan.analyzers.rules import rules
from workers.scan.selection.risk import is_fixture

_MAX_TITLE = 200
_MAX_BODY = 2000
_MAX_LINES = 10  # of one comment


class ChangedLines:
    """A file that messages are held against: its lines and the numbers of those that were added,
    looked up once, as an analyser may have something to say of every line."""

    def __init__(self, target: Target) -> None:
        self.path = target.path
        self._lines = target.text.split("\n")
        self._added = target.file.added_lines

    def changed(self, first: int, last: int) -> tuple[int, int] | None:
        """The first run of added lines from `first` to `last`, kept short."""
        at = bisect_left(self._added, first)
        run = self._added[at : at + _MAX_LINES]
        if not run or run[0] > last:
            return None
        end = run[0]
        for number in run[1:]:
            if number != end + 1 or number > last:
                break
            end = number
        return run[0], end

    def text(self, first: int, last: int) -> str:
        return "\n".join(line.removesuffix("\r") for line in self._lines[first - 1 : last])


def in_our_words(analyzer: str, diagnostic: Diagnostic) -> Diagnostic:
    """The message as our rules have it; as the tool has it where the rule is not among them."""
    known = rules(analyzer).get(diagnostic.rule)
    if known is None:
        return diagnostic
    return replace(
        diagnostic,
        category=known.category,
        severity=max(known.severity, diagnostic.at_most, key=lambda severity: severity.rank),
        confidence=min(known.confidence, diagnostic.confidence),
        body=f"{known.why} {known.fix}",
        url=known.url,
    )


def finding(analyzer: str, diagnostic: Diagnostic, changed_lines: ChangedLines) -> Finding | None:
    """The finding, anchored; None if no changed line is touched."""
    lines = changed_lines.changed(diagnostic.line, diagnostic.end_line)
    if lines is None:
        return None
    start, end = lines
    return Finding(
        path=changed_lines.path,
        category=diagnostic.category,
        severity=_severity(diagnostic, changed_lines.path),
        title=_one_line(diagnostic.title),
        body=diagnostic.body[:_MAX_BODY],
        confidence=diagnostic.confidence,
        source=f"{analyzer}:{diagnostic.rule}" if diagnostic.rule else analyzer,
        quote=changed_lines.text(start, end) if diagnostic.quote is None else diagnostic.quote,
        side=Side.RIGHT,
        start_line=start,
        end_line=end,
        url=diagnostic.url,
    )


def _severity(diagnostic: Diagnostic, path: str) -> Severity:
    """Files that tests use may be broken on purpose: nothing in them is high."""
    if is_fixture(path) and diagnostic.severity.rank < Severity.MEDIUM.rank:
        return Severity.MEDIUM
    return diagnostic.severity


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MAX_TITLE else text[: _MAX_TITLE - 1] + "…"
