"""Cut a file that is too large for one prompt into parts (pure).

It is split between hunks, and a hunk that is too large between functions, else anywhere
between lines. `workers.scan.bundles` decides which files and parts are read together.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from bot.domain.diff import Hunk, Line
from bot.domain.model import BatchFile, SkippedFile
from bot.domain.reasons import FileSkipReason
from bot.text.tokens import count_tokens
from workers.scan.context.outline import Outline

_LINE_COST = 7  # tokens for the two numbers and the marker that stand before each line
_HUNK_COST = 24  # for the line over each hunk


def hunk_tokens(hunk: Hunk) -> int:
    """Tokens of the hunk as the LLM reads it, with numbers on both sides."""
    text = "\n".join((hunk.section, *(line.text for line in hunk.lines)))
    return count_tokens(text) + _LINE_COST * len(hunk.lines) + _HUNK_COST


def split(
    file: BatchFile, budget: int, outline: Outline
) -> tuple[list[BatchFile], list[SkippedFile]]:
    """`file` in parts whose hunks cost at most `budget` tokens each; what can't be cut is named."""
    if sum(map(hunk_tokens, file.file.hunks)) <= budget:
        return [file], []
    skipped: list[SkippedFile] = []
    parts: list[list[Hunk]] = []
    remaining = 0
    for hunk in file.file.hunks:
        for piece in _pieces(hunk, budget, outline):
            cost = hunk_tokens(piece)
            if cost > budget:
                skipped.append(SkippedFile(file.file.path, FileSkipReason.LONG_PART, _lines(piece)))
                continue
            if not parts or cost > remaining:
                parts.append([])
                remaining = budget
            parts[-1].append(piece)
            remaining -= cost
    return [_part(file, tuple(hunks)) for hunks in parts], skipped


def _part(file: BatchFile, hunks: tuple[Hunk, ...]) -> BatchFile:
    numbers = {line.new for hunk in hunks for line in hunk.lines}
    return replace(
        file,
        file=replace(file.file, hunks=hunks),
        evidence=tuple(item for item in file.evidence if item.start_line in numbers),
    )


def _pieces(hunk: Hunk, budget: int, outline: Outline) -> Iterator[Hunk]:
    """The hunk, or runs of its lines that each fit; a cut before a definition is preferred
    in the last third of a run. A single line that does not fit is a piece of its own."""
    if hunk_tokens(hunk) <= budget:
        yield hunk
        return
    starts = {block.start for block in outline.definitions}
    costs = [count_tokens(line.text) + _LINE_COST + 1 for line in hunk.lines]
    budget -= _HUNK_COST + count_tokens(hunk.section)
    begin = 0
    while begin < len(hunk.lines):
        end = _reach(costs, begin, budget)
        if end < len(hunk.lines):
            end = _better_cut(hunk.lines, starts, begin, end)
        yield _piece(hunk, begin, end)
        begin = end


def _reach(costs: Sequence[int], begin: int, budget: int) -> int:
    end, spent = begin, 0
    while end < len(costs) and (end == begin or spent + costs[end] <= budget):
        spent += costs[end]
        end += 1
    return end


def _better_cut(lines: Sequence[Line], starts: set[int], begin: int, end: int) -> int:
    earliest = begin + (end - begin) * 2 // 3
    return next((i for i in range(end, max(earliest, begin), -1) if lines[i].new in starts), end)


def _piece(hunk: Hunk, begin: int, end: int) -> Hunk:
    """Where a side has no line left, its start is the number that would come next."""
    lines = hunk.lines
    return Hunk(
        _next_number(lines[begin:], lambda line: line.old)
        or 1 + max((line.old for line in lines[:begin] if line.old), default=hunk.old_start - 1),
        _next_number(lines[begin:], lambda line: line.new)
        or 1 + max((line.new for line in lines[:begin] if line.new), default=hunk.new_start - 1),
        hunk.section,
        lines[begin:end],
    )


def _next_number(lines: Sequence[Line], number: Callable[[Line], int | None]) -> int | None:
    return next((n for line in lines if (n := number(line)) is not None), None)


def _lines(hunk: Hunk) -> str:
    numbers = [line.new or line.old or 0 for line in hunk.lines]
    first, last = min(numbers), max(numbers)
    return f"line {first}" if first == last else f"lines {first} to {last}"
