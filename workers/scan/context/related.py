"""Which other files of the repository help to understand a changed one (pure).

Names alone decide, over the list of the head's tree: what it imports, its
neighbours in the same language, its tests. No language's own rules of import are
followed; a module's words are looked for as the end of a path.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath

from bot.domain.diff import is_printable
from bot.text.languages import language_of
from workers.scan.context.grammar_nodes import NODES
from workers.scan.repository.clone import Entry
from workers.scan.selection.risk import is_test

_MODULE = re.compile(
    r"""["'<]([\w./@-]{1,200})[">']|([A-Za-z_]\w*(?:(?:\.|::|\\|/)[A-Za-z_*{]\w*){1,12})|(\b\w{2,60}\b)"""
)
_SEPARATORS = re.compile(r"\.(?![./])|::|\\+|/+")
#: A module's file that stands for its folder.
_FOLDER_NAMES = frozenset({"__init__", "index", "mod", "lib", "main"})
_MAX_IMPORTED = 10
_MAX_NEIGHBORS = 6
_MAX_TESTS = 3
#: A name that this many files have says nothing.
_MAX_NAMESAKES = 40


@dataclass(frozen=True, slots=True)
class Index:
    """The tree's source files by the last word of their module."""

    by_stem: dict[str, tuple[str, ...]]
    by_folder: dict[str, tuple[str, ...]]
    blobs: dict[str, str]
    languages: dict[str, str]


def index(tree: Iterable[Entry]) -> Index:
    by_stem: defaultdict[str, list[str]] = defaultdict(list)
    by_folder: defaultdict[str, list[str]] = defaultdict(list)
    blobs, languages = {}, {}
    for entry in tree:
        language = language_of(entry.path)
        if language not in NODES or not is_printable(entry.path):
            continue
        blobs[entry.path], languages[entry.path] = entry.blob, language
        by_stem[_words(entry.path)[-1]].append(entry.path)
        by_folder[entry.path.rpartition("/")[0]].append(entry.path)
    return Index(_frozen(by_stem), _frozen(by_folder), blobs, languages)


def related(path: str, imports: str, known: Index) -> tuple[str, ...]:
    """Paths worth reading beside `path`, best first; `imports` is the text of its imports."""
    found = dict.fromkeys(islice(_imported(path, imports, known), _MAX_IMPORTED))
    found |= dict.fromkeys(islice(_tests(path, known), _MAX_TESTS))
    found |= dict.fromkeys(islice(_neighbors(path, known), _MAX_NEIGHBORS))
    return tuple(other for other in found if other != path)


def _imported(path: str, imports: str, known: Index) -> Iterator[str]:
    language = language_of(path)
    for quoted, dotted, word in _MODULE.findall(imports):
        for words in _candidates(path, quoted or dotted or word, relative=bool(quoted)):
            found = _ending_in(words, known)
            yield from (p for p in found if similar(language_of(p), language))
            if found:
                break


def _candidates(path: str, module: str, *, relative: bool) -> Iterator[list[str]]:
    """A module's words; the last may be a name within the module, so it is also left off."""
    if relative and module.startswith("."):
        folder = list(PurePosixPath(path).parent.parts)
        for part in module.split("/"):
            if part == "..":
                folder = folder[:-1]
            elif part != ".":
                folder.append(part)
        yield [*folder[:-1], folder[-1].partition(".")[0]] if folder else []
        return
    words = [word for word in _SEPARATORS.split(module) if word and word not in ("crate", "self")]
    yield words
    if len(words) > 1:
        yield words[:-1]


def _ending_in(words: Sequence[str], known: Index) -> list[str]:
    """Files whose module ends in these words; a single word has to be one file's only."""
    if not words:
        return []
    namesakes = known.by_stem.get(words[-1], ())
    if len(words) == 1:
        return list(namesakes) if len(namesakes) == 1 else []
    if len(namesakes) > _MAX_NAMESAKES:
        return []
    for length in range(len(words), 1, -1):
        tail = list(words[-length:])
        if found := [path for path in namesakes if _words(path)[-length:] == tail]:
            return found[:2]
    return []


def _tests(path: str, known: Index) -> Iterator[str]:
    """Tests named after the file: test_x, x_test, x.test, XTest."""
    stem = _words(path)[-1]
    if is_test(path):
        return
    for name in (
        f"test_{stem}",
        f"{stem}_test",
        f"{stem}_spec",
        f"{stem}Test",
        f"{stem}Tests",
        stem,
    ):
        for other in known.by_stem.get(name, ())[:_MAX_NAMESAKES]:
            if is_test(other) and similar(language_of(other), language_of(path)):
                yield other


def _neighbors(path: str, known: Index) -> Iterator[str]:
    language = language_of(path)
    folder = known.by_folder.get(path.rpartition("/")[0], ())
    return (p for p in folder if p != path and similar(language_of(p), language))


def similar(one: str, other: str) -> bool:
    """Whether files of these languages may call each other."""
    families = (
        {"c", "cpp", "objc", "cuda"},
        {"javascript", "typescript", "tsx"},
        {"java", "kotlin"},
    )
    return one == other or any({one, other} <= family for family in families)


def _words(path: str) -> list[str]:
    """`a/b/x.test.ts` is the module a, b, x; `a/b/__init__.py` is a, b."""
    folders = path.split("/")
    stem = folders.pop().partition(".")[0]
    return folders if stem in _FOLDER_NAMES and folders else [*folders, stem]


def _frozen(lists: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(paths) for key, paths in lists.items()}
