"""The context of each batch: read the relatives from the clone, cut, pack under the budget.

Priority, over all files of a batch: what encloses a hunk, imports, definitions of what
is called, callers, tests. A snippet that does not fit is left out, a smaller one
after it may still fit.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, islice, zip_longest

from bot.domain.diff import ChangedFile
from bot.domain.model import Batch, BatchFile, Snippet
from bot.text.languages import language_of
from bot.text.tokens import count_tokens
from workers.scan.analyzers.analyzer import Target
from workers.scan.context.callers import callers
from workers.scan.context.changed_symbols import changed_symbols
from workers.scan.context.outline import Outline, outline
from workers.scan.context.related import Index, index, related
from workers.scan.context.snippets import Text, snippets
from workers.scan.repository.clone import Clone
from workers.scan.repository.errors import CloneError
from workers.scan.selection.file_filters import by_content
from workers.scan.selection.file_selection import FileSelection
from workers.scan.selection.path_rules import PathRules

ROLES = ("enclosing", "imports", "definition", "caller", "test")

_MAX_RELATIVE_BYTES = 200_000
_MAX_RELATIVES = 200
_HEAD_COST = 18  # tokens for the words and the line number that stand over a snippet


async def relatives(
    clone: Clone, selection: FileSelection
) -> tuple[dict[str, tuple[Text, ...]], tuple[str, ...]]:
    """For each target's path the other files that help, best first, and notes for people.
    Raises CloneError."""
    known = await asyncio.to_thread(index, selection.tree)
    symbols_of = await asyncio.to_thread(_inspect, selection.targets, known)
    using, notes = await _find_callers(
        clone, selection, known, {p: n for p, (_, n) in symbols_of.items()}
    )
    included = await asyncio.to_thread(_included, selection.rules, symbols_of)
    candidates = {path: (each, using.get(path, ())) for path, each in included.items()}
    by_rank = zip_longest(*(each for both in candidates.values() for each in both))
    paths = dict.fromkeys(path for rank in by_rank for path in rank if path)
    texts = await _read(clone, {path: known.blobs[path] for path in islice(paths, _MAX_RELATIVES)})
    written = {path for path, text in texts.items() if by_content(text.text) is None}
    return {
        path: tuple(
            texts[p]
            for p in dict.fromkeys([*others, *more])
            if p in written or (p in texts and p in others)
        )
        for path, (others, more) in candidates.items()
    }, notes


def _inspect(
    targets: Sequence[Target], known: Index
) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """For each target's path its relatives by name, and the names that its change touches."""
    symbols_of = {}
    for target in targets:
        own = outline(target.language, target.text)
        others = related(target.path, _imports(target, own), known)
        symbols_of[target.path] = others, changed_symbols(target.file, own, target.language)
    return symbols_of


async def _find_callers(
    clone: Clone,
    selection: FileSelection,
    known: Index,
    names: Mapping[str, Sequence[str]],
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """A search that fails costs what it would have found."""
    rules = selection.rules

    def may_show(path: str) -> bool:
        return not rules.excludes(path) and rules.attributed(path) is None

    try:
        return await callers(clone, names, known, may_show), ()
    except CloneError as exc:
        return {}, (f"Callers in other folders were not searched for: {exc}",)


def _included(
    rules: PathRules, symbols_of: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
) -> dict[str, list[str]]:
    """For each target's path its relatives that may be shown."""
    return {
        path: [each for each in others if not rules.excludes(each)]
        for path, (others, _) in symbols_of.items()
    }


async def _read(clone: Clone, blobs: Mapping[str, str]) -> dict[str, Text]:
    """Those that are not too large; one fetch in all."""
    await clone.fetch(blobs.values())
    sizes = await clone.sizes(blobs.values()) if blobs else {}
    small = {p: b for p, b in blobs.items() if sizes.get(b, 0) <= _MAX_RELATIVE_BYTES}
    contents = await clone.read(small.values())
    return await asyncio.to_thread(
        lambda: {
            path: text_of(path, contents[blob].decode("utf-8", "replace"))
            for path, blob in small.items()
            if blob in contents
        }
    )


def text_of(path: str, text: str) -> Text:
    return Text(path, text, outline(language_of(path, text.partition("\n")[0]), text))


def with_context(
    batch: Batch, own: Mapping[str, Text], others: Mapping[str, tuple[Text, ...]], budget: int
) -> Batch:
    """The batch with snippets of at most `budget` tokens in all, none of which its hunks show."""
    shown = {part.file.path: _shown(part.file) for part in batch.files}
    offered = [
        (ROLES.index(snippet.role), position, snippet)
        for position, part in enumerate(batch.files)
        for snippet in snippets(part.file, own[part.file.path], others.get(part.file.path, ()))
        if not _lines_of(snippet) <= shown.get(snippet.path, set())
    ]
    selection: list[list[Snippet]] = [[] for _ in batch.files]
    told = defaultdict[str, set[int]](set, {path: set(lines) for path, lines in shown.items()})
    for _, position, snippet in sorted(offered, key=lambda item: item[:2]):
        for piece in _untold(snippet, told[snippet.path]):
            cost = _cost(piece)
            if cost <= budget:
                told[piece.path] |= _lines_of(piece)
                selection[position].append(piece)
                budget -= cost
    files: list[BatchFile] = [
        replace(part, context=tuple(context))
        for part, context in zip(batch.files, selection, strict=True)
    ]
    return replace(batch, files=tuple(files))


def _untold(snippet: Snippet, told: set[int]) -> Iterator[Snippet]:
    """What of it no hunk and no snippet before it holds. What surrounds hunks overlaps with them:
    of that and of imports the rest alone is kept, of all else the whole."""
    lines = _lines_of(snippet)
    if lines <= told:
        return
    if snippet.role not in ("enclosing", "imports") or lines.isdisjoint(told):
        yield snippet
        return
    text = snippet.text.split("\n")
    rest = sorted(lines - told)
    for _, run in groupby(enumerate(rest), key=lambda item: item[1] - item[0]):
        numbers = [number for _, number in run]
        first, last = numbers[0] - snippet.start_line, numbers[-1] - snippet.start_line
        yield replace(snippet, start_line=numbers[0], text="\n".join(text[first : last + 1]))


def _shown(file: ChangedFile) -> set[int]:
    return {line.new for hunk in file.hunks for line in hunk.lines if line.new is not None}


def _lines_of(snippet: Snippet) -> set[int]:
    start = snippet.start_line
    return set(range(start, start + snippet.text.count("\n") + 1))


def _cost(snippet: Snippet) -> int:
    """Tokens as it is shown: under its path, with a mark before each line."""
    marked = snippet.text.replace("\n", "\n|")
    return count_tokens(marked) + count_tokens(snippet.path) + _HEAD_COST


def _imports(target: Target, own: Outline) -> str:
    lines = target.text.split("\n")
    return "\n".join("\n".join(lines[b.start - 1 : b.end]) for b in own.imports)
