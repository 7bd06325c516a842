"""Our part of a pull request's description, between two markers (pure).

All else in it is the author's, and stays as it is to the byte. Where the markers are no longer one
pair, somebody has edited them, and nothing is ours to change.
"""

from bot.domain.model import Report
from bot.github.lengths import BODY_CHARACTERS, characters
from workers.reports.templates import render

BEGIN = "<!-- glossator:overview -->"
END = "<!-- glossator:overview:end -->"
#: Files named in it; the review names more.
_MAX_FILES = 30


def overview_block(report: Report) -> str:
    """What the change does, and what the model says of its files, with the markers."""
    told = [file for file in report.files if file.summary]
    shown = told[:_MAX_FILES]
    text = render("review/overview.md.j2", report=report, files=shown, more=len(told) - len(shown))
    return f"{BEGIN}\n{text}\n{END}"


def with_overview(body: str, block: str) -> str | None:
    """The description with the block in place of our earlier one, or after all else; None where it
    has no room, or where our earlier one is not whole."""
    found = _own(body)
    if found is None:
        if BEGIN in body or END in body:
            return None
        changed = f"{body}\n\n{block}" if body else block
    else:
        start, end = found
        if body[start:end].replace("\r\n", "\n") == block:  # as GitHub's editor saves it
            return body
        changed = body[:start] + block + body[end:]
    return changed if characters(changed) <= BODY_CHARACTERS else None


def without_overview(body: str) -> str:
    """What the author wrote: no model is to read its own words as theirs."""
    found = _own(body)
    if found is None:
        return body
    return body[: found[0]].rstrip() + body[found[1] :]


def _own(body: str) -> tuple[int, int] | None:
    """Where our part begins and ends; None where there is none, or not exactly one."""
    start, end = body.find(BEGIN), body.find(END)
    if body.count(BEGIN) != 1 or body.count(END) != 1 or end < start:
        return None
    return start, end + len(END)
