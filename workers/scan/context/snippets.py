"""Cut from the changed file and its relatives what explains the hunks (pure)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from bot.domain.diff import ChangedFile, Hunk
from bot.domain.model import Snippet
from bot.text.languages import language_of
from workers.scan.context.changed_symbols import changed_lines, changed_symbols
from workers.scan.context.grammar_nodes import BARE_CALLS
from workers.scan.context.outline import Block, Outline
from workers.scan.selection.risk import is_test

_CALL = re.compile(r"\b([A-Za-z_]\w{2,})\s*[!?]?\(|\b([A-Z]\w*[a-z]\w*)\b")
_BARE_CALL = re.compile(r"\b([A-Za-z_]\w{2,}[!?]?)")
_COMMENT = re.compile(r"\s*(?:#|--|//|;|%)")
_NO_CALLS = frozenset(
    {"and", "assert", "catch", "def", "elif", "else", "for", "func", "function", "if", "match",
     "not", "print", "return", "sizeof", "super", "switch", "throw", "while", "with", "yield"}
)  # fmt: skip
_MAX_ENCLOSING = 80  # lines of a definition that is shown whole
_AROUND = 20  # lines on both sides of the change, of one that is not
_MAX_DEFINITION = 30
_MAX_CALLER = 25
_MAX_DEFINITIONS = 10
_MAX_CALLERS = 6
_MAX_USES = 20  # of one file that are looked at, for two that are shown
_MAX_IMPORTS = 40


@dataclass(frozen=True, slots=True)
class Text:
    """A file of the head with its outline."""

    path: str
    text: str
    outline: Outline

    @property
    def language(self) -> str:
        return language_of(self.path, self.text.partition("\n")[0])

    @property
    def lines(self) -> list[str]:
        return [line.removesuffix("\r") for line in self.text.split("\n")]


def snippets(file: ChangedFile, own: Text, others: Sequence[Text]) -> tuple[Snippet, ...]:
    """What helps to read `file.hunks`, without repeating them; `others` best first."""
    shown = {line.new for hunk in file.hunks for line in hunk.lines if line.new is not None}
    found = [
        *_enclosing(file.hunks, own, shown),
        *_imports(own, shown),
        *islice(_definitions(file.hunks, own, others, shown), _MAX_DEFINITIONS),
        *islice(_callers(file, own, others, shown), _MAX_CALLERS),
    ]
    return tuple(dict.fromkeys(found))


def _enclosing(hunks: Sequence[Hunk], own: Text, shown: set[int]) -> Iterator[Snippet]:
    """The definition around each hunk's change, and the first line of those around it."""
    for first, last in map(_changed, hunks):
        block = own.outline.enclosing(first, last)
        if block is None:
            continue
        for outer in own.outline.definitions:
            if outer != block and outer.holds(block.start, block.end) and outer.start not in shown:
                yield _cut("enclosing", own, outer.start, outer.start)
        if shown.issuperset(range(block.start, block.end + 1)):
            continue
        if block.end - block.start < _MAX_ENCLOSING:
            yield _cut("enclosing", own, block.start, block.end)
        else:
            if block.start < first - _AROUND:
                yield _cut("enclosing", own, block.start, block.start + 2)
            start, end = max(block.start, first - _AROUND), min(block.end, last + _AROUND)
            yield _cut("enclosing", own, start, min(end, start + _MAX_ENCLOSING))


def _imports(own: Text, shown: set[int]) -> Iterator[Snippet]:
    blocks = [b for b in own.outline.imports if b.start not in shown or b.end not in shown]
    if blocks:
        start = blocks[0].start
        yield _cut("imports", own, start, min(blocks[-1].end, start + _MAX_IMPORTS))


def _definitions(
    hunks: Sequence[Hunk], own: Text, others: Sequence[Text], shown: set[int]
) -> Iterator[Snippet]:
    """Where the names that the added lines call are defined: here first, then elsewhere."""
    added = "\n".join(line.text for hunk in hunks for line in hunk.lines if line.added)
    if own.language in BARE_CALLS:
        defined = {block.name for text in (own, *others) for block in text.outline.definitions}
        names = dict.fromkeys(name for name in _BARE_CALL.findall(added) if name in defined)
    else:
        names = dict.fromkeys(call or name for call, name in _CALL.findall(added))
    for name in names:
        if name in _NO_CALLS:
            continue
        places = ((text, b) for text in (own, *others) for b in _named(text, name))
        text, block = next(places, (own, None))
        if block is not None and (text is not own or block.start not in shown):
            yield _cut(
                "definition", text, block.start, min(block.end, block.start + _MAX_DEFINITION)
            )


def _callers(
    file: ChangedFile, own: Text, others: Sequence[Text], shown: set[int]
) -> Iterator[Snippet]:
    """Where this file and others, tests last, call the definitions that the change touches."""
    names = changed_symbols(file, own.outline, own.language)
    if not names:
        return
    for text in sorted((own, *others), key=lambda text: is_test(text.path)):
        role = "test" if is_test(text.path) else "caller"
        uses: Iterator[int] = islice(_calls(text, names), _MAX_USES)
        if text is own:
            uses = (n for n in uses if n not in shown and not _within(own, n, names))
        yield from islice(dict.fromkeys(_around(role, text, n) for n in uses), 2)


def _within(text: Text, line: int, names: Iterable[str]) -> bool:
    """Whether it is one of these that calls itself or another: the change shows them anyway."""
    block = text.outline.enclosing(line, line)
    return block is not None and block.name in names


def calls_of(names: Iterable[str], language: str) -> re.Pattern[str]:
    """What a call of one of these names looks like, as far as one line tells."""
    any_of = "|".join(map(re.escape, sorted(names)))
    if language in BARE_CALLS:
        return re.compile(rf"(?<![\w$])(?:{any_of})(?![\w!?])")
    return re.compile(rf"(?<![\w$])(?:{any_of})\s*\(|<(?:{any_of})(?=[\s/>])")


def _calls(text: Text, names: Iterable[str]) -> Iterator[int]:
    call = calls_of(names, text.language)
    own_lines = {block.start for block in text.outline.definitions if block.name in names}
    for number, line in enumerate(text.lines, 1):
        if number not in own_lines and call.search(line) and not _COMMENT.match(line):
            yield number


def _around(role: str, text: Text, line: int) -> Snippet:
    """The definition that holds the line if it is short, else the lines near it."""
    block = text.outline.enclosing(line, line)
    if block is not None and block.end - block.start < _MAX_CALLER:
        return _cut(role, text, block.start, block.end)
    return _cut(role, text, max(line - 5, 1), line + 5)


def _named(text: Text, name: str) -> Iterator[Block]:
    return (block for block in text.outline.definitions if block.name == name)


def _changed(hunk: Hunk) -> tuple[int, int]:
    numbers = changed_lines(hunk)
    return (min(numbers), max(numbers)) if numbers else (hunk.new_start, hunk.new_start)


def _cut(role: str, text: Text, start: int, end: int) -> Snippet:
    return Snippet(role, text.path, start, "\n".join(text.lines[start - 1 : end]))
