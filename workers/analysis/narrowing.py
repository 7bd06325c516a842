"""Show a question less of a large change where the rest does not help it (pure).

A later round of reading has read everything once, and goes on with what it looked up; a check is
about a few findings. A small change is shown whole each time.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from bot.domain.diff import Hunk
from bot.domain.look_ups import LookUpResult
from bot.domain.model import Finding, Snippet
from workers.analysis.answer_values import same_path
from workers.analysis.redacted_view import RedactedView

#: Lines of hunks and context up to which all files are shown again to a later round.
_SMALL_CHANGE = 400
#: Lines of hunks and context up to which a check is shown a file whole.
_SMALL_FILE = 100
#: Lines between a finding and what is shown of a larger file.
_NEAR = 40
#: Context that a later round is shown again; of callers it looked up what it wants to see.
_EXPLAINING = ("enclosing", "definition")


def for_later_round(
    files: Sequence[RedactedView], looked_up: Iterable[LookUpResult], drafted: Collection[str]
) -> tuple[list[RedactedView], list[str]]:
    """Of the files what a later round of reading needs: their hunks with what surrounds them and
    what they call if a look-up concerns them, their hunks alone if a finding is `drafted` for their
    path, and a line of text for each other one. Paths are in the model's own forms."""
    if sum(map(_lines, files)) <= _SMALL_CHANGE:
        return list(files), []
    results = tuple(looked_up)
    by_path = {file.path: file for file in files}
    asked_about = {same_path(result.look_up.path, by_path) for result in results}
    found_in = {place.path for result in results for place in result.places}
    with_draft = {same_path(path, by_path) for path in drafted}
    symbols = {result.look_up.symbol for result in results} - {""}
    shown, rest = [], []
    for file in files:
        if (
            file.path in asked_about
            or file.source.file.path in found_in
            or _mentions(file, symbols)
        ):
            context = tuple(each for each in file.source.context if each.role in _EXPLAINING)
            shown.append(replace(file, source=replace(file.source, context=context)))
        elif file.path in with_draft:
            shown.append(file.without_context())
        else:
            size = f"+{file.file.additions} -{file.file.deletions}"
            rest.append(f"{file.path}: {file.file.status}, {size}; you have read it")
    return (shown, rest) if shown else (list(files), [])


def _mentions(file: RedactedView, symbols: Iterable[str]) -> bool:
    text = "\n".join(line.text for hunk in file.file.hunks for line in hunk.lines)
    return any(re.search(rf"(?<!\w){re.escape(each)}(?!\w)", text) for each in symbols)


def near_findings(file: RedactedView, findings: Iterable[Finding]) -> RedactedView:
    """The file, if it is large without the hunks that are far from all of its `findings` and what
    surrounds these. What is left out is named."""
    own = [each for each in findings if each.path == file.source.file.path]
    if _lines(file) <= _SMALL_FILE or not all(each.anchored for each in own):
        return file
    near = [hunk for hunk in file.file.hunks if any(_is_near(hunk, each) for each in own)]
    far = [hunk for hunk in file.file.hunks if hunk not in near]
    if not near or not far:
        return file
    context = tuple(each for each in file.source.context if _explains(each, near))
    return replace(
        file,
        file=replace(file.file, hunks=tuple(near)),
        source=replace(file.source, context=context),
        left_out=tuple(hunk.new_start for hunk in far),
    )


def _lines(file: RedactedView) -> int:
    hunks = sum(len(hunk.lines) for hunk in file.file.hunks)
    return hunks + sum(each.text.count("\n") + 1 for each in file.source.context)


def _is_near(hunk: Hunk, finding: Finding) -> bool:
    start, end = finding.start_line or 0, finding.end_line or 0
    numbers = [n for line in hunk.lines if (n := line.number(finding.side)) is not None]
    return bool(numbers) and min(numbers) - _NEAR <= end and start <= max(numbers) + _NEAR


def _explains(snippet: Snippet, hunks: Iterable[Hunk]) -> bool:
    """Whether it is about more than its own lines, or they are near these hunks."""
    if snippet.role != "enclosing":
        return True
    end = snippet.start_line + snippet.text.count("\n")
    return any(
        hunk.new_start - _NEAR <= end and snippet.start_line <= _new_end(hunk) + _NEAR
        for hunk in hunks
    )


def _new_end(hunk: Hunk) -> int:
    return max((line.new for line in hunk.lines if line.new), default=hunk.new_start)
