"""The findings as lines for editors, `path:line: severity: title` (pure)."""

from bot.domain.diff import Side, display_path
from bot.domain.model import Finding, Place, Report
from bot.text.invisible_characters import show_hidden


def text(report: Report) -> bytes:
    """UTF-8, a line for each place of each finding; nothing where there are no findings."""
    lines = [line for finding in report.findings for line in _lines(finding)]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")


def position(at: Finding | Place) -> str:
    """`path:line`; the path alone where there is no line, or one of the old file only."""
    path = display_path(at.path)
    known = at.start_line is not None and at.side is Side.RIGHT
    return f"{path}:{at.start_line}" if known else path


def one_line(words: str) -> str:
    """Text that neither ends the line nor hides in it."""
    return " ".join(show_hidden(words).split())


def _lines(finding: Finding) -> list[str]:
    message = f"{finding.severity}: {one_line(finding.title)}"
    places: tuple[Finding | Place, ...] = finding.located or (finding,)
    return [f"{position(place)}: {message}" for place in places]
