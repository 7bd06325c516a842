"""From what an analyser said to a finding that stands on changed lines (pure)."""

from bot.change import Side
from bot.model import Finding
from workers.scan.analyzers.model import Said, Target

_MAX_TITLE = 200
_MAX_BODY = 2000
_MAX_LINES = 10  # of one comment


def finding(analyzer: str, said: Said, target: Target) -> Finding | None:
    """The finding, anchored; None if no changed line is touched."""
    lines = _changed_lines(said, target)
    if lines is None:
        return None
    start, end = lines
    quote = said.quote
    if quote is None:
        text = target.text.split("\n")[start - 1 : end]
        quote = "\n".join(line.removesuffix("\r") for line in text)
    return Finding(
        path=target.path,
        category=said.category,
        severity=said.severity,
        title=_one_line(said.title),
        body=said.body[:_MAX_BODY],
        confidence=said.confidence,
        source=f"{analyzer}:{said.rule}" if said.rule else analyzer,
        quote=quote,
        side=Side.RIGHT,
        start_line=start,
        end_line=end,
    )


def _changed_lines(said: Said, target: Target) -> tuple[int, int] | None:
    """The first run of added lines within the message's lines, kept short."""
    added = [
        line.new
        for hunk in target.file.hunks
        for line in hunk.lines
        if line.added and line.new is not None and said.line <= line.new <= said.end_line
    ]
    if not added:
        return None
    end = added[0]
    while end + 1 in added and end + 1 - added[0] < _MAX_LINES:
        end += 1
    return added[0], end


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MAX_TITLE else text[: _MAX_TITLE - 1] + "…"
