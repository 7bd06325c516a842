"""Search, definitions and uses in the files of a repository, as answers to look-ups."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence

from bot.domain.model import Place
from bot.text.globs import PatternSet, expand_braces
from bot.text.languages import language_of
from templates.languages import _
from workers.repository.look_up_text import AnswerText, Problem
from workers.repository.repository_files import Found, Hit, RepositoryFiles
from workers.repository.search_pattern import BadPattern, SearchPattern, search_pattern
from workers.scan.context.context import text_of
from workers.scan.context.grammar_nodes import NODES
from workers.scan.context.outline import end_of_statement
from workers.scan.context.related import similar
from workers.scan.selection.risk import is_test

#: Lines of an answer, of them in one file, and files.
MAX_FOUND = 60
_MAX_IN_FILE = 10
_MAX_FILES_SHOWN = 30
#: Definitions of one name, lines of each, and files that are parsed for them.
_MAX_DEFINITIONS = 4
_MAX_DEFINITION = 60
_MAX_PARSED = 40
#: Lines of a definition that no grammar's node encloses.
_SHORT_DEFINITION = 12

_SYMBOL = re.compile(r"[\w$@!?.:#>()-]{1,120}")
_NAME = re.compile(r"[\w$]+[!?]?")
#: What a line looks like on which a name is defined, in most languages: after a word such as
#: `class`, or first on its line before `=`, `:` or `(`, or after a type as in C.
_DEFINING = (
    r"\b(const|let|var|val|type|interface|enum|class|struct|trait|object|record|function\*?|func|"
    r"fun|fn|def|module|namespace|model|static|define|macro|table|view)\s+([*&]|self\.)?{name}\b|"
    r"^\s*((export|public|private|protected|static|readonly|async|override|get|set)\s+)*"
    r"{name}\s*(<[^>]*>\s*)?[=:(]|"
    r"^[A-Za-z_][A-Za-z0-9_ \t*&:<>,]*[ \t*&]{name}\s*\(|^func\s*\([^)]*\)\s*{name}\b"
)


async def search(files: RepositoryFiles, wanted: str, glob: str) -> AnswerText:
    """Lines that hold the text, or match the expression. Raises Problem."""
    try:
        pattern = search_pattern(wanted)
    except BadPattern as exc:
        raise Problem(str(exc)) from exc
    globs = PatternSet(expand_braces(glob)) if glob else None
    found = await files.search(pattern, lambda path: globs is None or globs.matches(path), ())
    if not found.searched:
        raise Problem("no file that may be searched matches `glob`" if glob else "no files")
    answer = await _listed(files, found, pattern, found.hits)
    if not answer.places:
        raise Problem(f"not found in {_searched(found)}")
    return answer


async def uses(files: RepositoryFiles, symbol: str, path: str) -> AnswerText:
    """Lines that hold the name as a word, code before tests, near before far, each under the
    definition that it stands in. Raises Problem."""
    name = _name(symbol)
    found = await files.search(SearchPattern(name), _in_language(path), [path], word=True)
    ordered = sorted(found.hits, key=lambda hit: is_test(hit.path))  # stable: near before far
    answer = await _listed(files, found, SearchPattern(name), ordered, enclosing=True)
    if not answer.places:
        raise Problem(f"not found in {_searched(found)}")
    return answer


async def definition(files: RepositoryFiles, symbol: str, path: str) -> AnswerText:
    """The definitions of a name, near ones first. Raises Problem."""
    name = _name(symbol)
    expression = _DEFINING.replace("{name}", re.escape(name))
    fits = _in_language(path)
    found = await files.search(SearchPattern(expression, regex=True), fits, [path])
    places, texts = await _defined(files, name, found)
    if not places:
        found = await files.search(SearchPattern(name), fits, [path], word=True)
        places, texts = await _defined(files, name, found)
    if not places:
        only = f"no definition found in {_searched(found)}, only uses: `uses` shows them"
        raise Problem(only if found.hits else f"not found in {_searched(found)}")
    answer = AnswerText(truncated=len(places) > _MAX_DEFINITIONS)
    for place in places[:_MAX_DEFINITIONS]:
        last = min(place.end_line, place.start_line + _MAX_DEFINITION - 1)
        answer.add(f"{place.path}, lines {place.start_line} to {place.end_line}")
        answer.add_lines(texts[place.path], range(place.start_line, last + 1))
        answer.places.append(place)
        answer.truncated |= last < place.end_line
    answer.problem = _caveat(found)
    return answer


async def _defined(
    files: RepositoryFiles, name: str, found: Found
) -> tuple[list[Place], dict[str, list[str]]]:
    """The definitions among the hits, tests last, and the texts that they stand in."""
    hits: dict[str, list[int]] = {}
    for hit in found.hits:
        hits.setdefault(hit.path, []).append(hit.line)
    texts = await files.texts(sorted(hits, key=is_test)[:_MAX_PARSED])
    return await asyncio.to_thread(_definitions, name, texts, hits), texts


def _name(symbol: str) -> str:
    """The last name of what may be `Class.method`, `a::b` or `f()`."""
    if not _SYMBOL.fullmatch(symbol.strip()):
        raise Problem("`symbol` is one name, as of a function, a class or a constant")
    names = _NAME.findall(symbol)
    if not names:
        raise Problem("`symbol` is one name, as of a function, a class or a constant")
    return str(names[-1])


def _in_language(path: str) -> Callable[[str], bool]:
    """Whether a file may use what stands in `path`; without one, all code."""
    language = language_of(path) if path else ""
    if language not in NODES:
        return lambda other: language_of(other) in NODES
    return lambda other: similar(language_of(other), language)


def _definitions(
    name: str, texts: Mapping[str, Sequence[str]], hits: Mapping[str, Sequence[int]]
) -> list[Place]:
    """By the grammar where it knows them, else by what stands before the name."""
    described = _("definition of `{name}`", name=name)
    by_grammar, by_words = [], []
    defining = re.compile(_DEFINING.replace("{name}", re.escape(name)))
    for path, lines in texts.items():
        outline = text_of(path, "\n".join(lines)).outline
        blocks = [block for block in outline.definitions if block.name == name]
        by_grammar += [
            Place(path=path, start_line=b.start, end_line=b.end, description=described)
            for b in blocks
        ]
        held = {line for block in blocks for line in range(block.start, block.end + 1)}
        for line in hits[path]:
            if line not in held and line <= len(lines) and defining.search(lines[line - 1]):
                last = _end_of(path, lines, line)
                by_words.append(
                    Place(path=path, start_line=line, end_line=last, description=described)
                )
                break
    return by_grammar + by_words


def _end_of(path: str, lines: Sequence[str], start: int) -> int:
    """The last line of what begins at `start`: by the grammar, else before the next line that is
    no deeper and closes nothing."""
    last = end_of_statement(language_of(path, lines[0]), "\n".join(lines), start)
    if last is not None:
        return last
    first = lines[start - 1]
    depth = len(first) - len(first.lstrip())
    for number in range(start + 1, min(start + _MAX_DEFINITION, len(lines)) + 1):
        line = lines[number - 1]
        shallow = len(line) - len(line.lstrip()) <= depth
        if line.strip() and shallow:
            return number if line.strip()[0] in ")]}" else number - 1
    return min(start + _SHORT_DEFINITION, len(lines))


async def _listed(
    files: RepositoryFiles,
    found: Found,
    pattern: SearchPattern,
    hits: Sequence[Hit],
    *,
    enclosing: bool = False,
) -> AnswerText:
    by_file: dict[str, list[int]] = {}
    for hit in hits:
        by_file.setdefault(hit.path, []).append(hit.line)
    texts = await files.texts(list(by_file)[:_MAX_FILES_SHOWN])
    answer = await asyncio.to_thread(_lines_of_files, texts, by_file, pattern, enclosing)
    shown = sum(len(numbers) for numbers in by_file.values())
    more = "" if found.complete else "more than "
    answer.problem = f"{more}{shown} lines in {len(by_file)} files; {_caveat(found)}".rstrip("; ")
    answer.truncated |= not found.complete or len(by_file) > len(texts)
    return answer


def _lines_of_files(
    texts: Mapping[str, Sequence[str]],
    by_file: Mapping[str, Sequence[int]],
    pattern: SearchPattern,
    enclosing: bool,
) -> AnswerText:
    answer = AnswerText()
    remaining = MAX_FOUND
    for path, lines in texts.items():
        numbers = [n for n in by_file[path] if n <= len(lines) and _may_show(lines[n - 1], pattern)]
        kept = numbers[: min(remaining, _MAX_IN_FILE)]
        if not kept:
            answer.truncated |= bool(numbers)
            continue
        answer.truncated |= len(kept) < len(numbers)
        remaining -= len(kept)
        around = _enclosing(path, lines, kept) if enclosing else set()
        answer.add(f"{path} ({len(numbers)})" if len(numbers) > len(kept) else path)
        answer.add_lines(lines, sorted({*kept, *around}))
        answer.places += [Place(path=path, start_line=n, end_line=n) for n in kept]
    return answer


def _may_show(line: str, pattern: SearchPattern) -> bool:
    return "[redacted:" not in line or pattern.shows(line)


def _enclosing(path: str, lines: Sequence[str], numbers: Sequence[int]) -> set[int]:
    outline = text_of(path, "\n".join(lines)).outline
    blocks = (outline.enclosing(number, number) for number in numbers)
    return {block.start for block in blocks if block is not None}


def _searched(found: Found) -> str:
    said = f"{found.searched} files"
    return f"{said}; {_caveat(found)}".rstrip("; ")


def _caveat(found: Found) -> str:
    left_out = []
    if found.too_large:
        left_out.append(f"{found.too_large} files that are too large")
    if found.beyond:
        left_out.append(f"{found.beyond} files farther from the change (a `glob` narrows a search)")
    return f"not searched: {' and '.join(left_out)}" if left_out else ""
