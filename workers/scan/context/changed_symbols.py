"""The names that a change defines, alters or takes away: others may call them (pure)."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from bot.domain.diff import ChangedFile, Hunk
from workers.scan.context.outline import Block, Outline, outline

#: Called by the name of the class around them.
_CONSTRUCTORS = frozenset(
    {"__init__", "__new__", "__post_init__", "constructor", "init", "initialize", "new"}
)
#: Shorter names, and these, stand everywhere and lead nowhere.
_SHORTEST = 3
_EVERYWHERE = frozenset({"main", "test", "setup", "setUp", "tearDown", "toString", "render"})
#: Of one file; the first ones of the text.
MAX_NAMES = 12


def changed_symbols(file: ChangedFile, outlined: Outline, language: str) -> tuple[str, ...]:
    """Names of the smallest definitions that hold a changed line of the head, then of those
    whose first line is removed, without the ones that say nothing. `outlined` is the head's."""
    lines = sorted(number for hunk in file.hunks for number in changed_lines(hunk))
    removed = (name for name, _ in removed_definitions(file.hunks, language))
    found = [*_altered(outlined, lines), *removed]
    names = (name for name in found if len(name) >= _SHORTEST and name not in _EVERYWHERE)
    return tuple(dict.fromkeys(names))[:MAX_NAMES]


def changed_lines(hunk: Hunk) -> list[int]:
    """The head's lines of the hunk that changed; the next line where some were only removed."""
    numbers = []
    following = hunk.new_start
    for line in hunk.lines:
        if line.new is not None:
            following = line.new + 1
            if line.added:
                numbers.append(line.new)
        else:
            numbers.append(following)
    return numbers


def _altered(outlined: Outline, lines: Sequence[int]) -> Iterator[str]:
    held = [block for block in outlined.definitions if _any_in(lines, block)]
    around: list[Block] = []  # those that the block at hand lies in, outermost first
    for position, block in enumerate(held):
        while around and around[-1].end < block.start:
            around.pop()
        smallest = position + 1 == len(held) or held[position + 1].start > block.end
        if smallest or lines[bisect_left(lines, block.start)] == block.start:
            yield around[-1].name if block.name in _CONSTRUCTORS and around else block.name
        around.append(block)


def _any_in(lines: Sequence[int], block: Block) -> bool:
    at = bisect_left(lines, block.start)
    return at < len(lines) and lines[at] <= block.end


def removed_definitions(hunks: Sequence[Hunk], language: str) -> Iterator[tuple[str, str]]:
    """Name and first line of definitions that begin on a removed line; a hunk's old side is
    parsed on its own."""
    for hunk in hunks:
        old = [line for line in hunk.lines if not line.added]
        if any(line.removed for line in old):
            for block in outline(language, "\n".join(line.text for line in old)).definitions:
                if old[block.start - 1].removed:
                    yield block.name, old[block.start - 1].text
