"""Jupyter notebooks as people read them: the sources of their cells, without outputs (pure).

A notebook is JSON, in which every line of a source is a string on a line of its own, as Jupyter
writes it (nbformat 4, https://nbformat.readthedocs.io/en/latest/format_description.html). So what
is shown of a line is what that string says, under the number of the line in the file, and a
comment is placed as in any other file. A notebook that is written otherwise is shown as JSON.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.domain.diff import FileStatus, Hunk, Line
from bot.text.languages import is_notebook
from workers.scan.analyzers.analyzer import Target

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_LAST_STRING = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*"?),?\s*$')
_LANGUAGES = frozenset({"python", "julia", "r", "scala", "rust", "ruby", "go"})


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a notebook, counted from 1; `kind` is code, markdown or raw."""

    number: int
    kind: str


#: The lines of a file that hold a line of a cell's source, by number from 1.
Sources = Mapping[int, Cell]


def with_cells(raw: Target, shown: Target) -> Target:
    """The file with hunks and text of its cells alone, if it is a notebook that can be read so.
    `raw` says where they are, `shown` is the same file as it may be shown."""
    if not is_notebook(raw.path):
        return shown
    head, base = sources(raw.text), sources(_base(raw))
    if head is None or base is None:
        return shown
    hunks = tuple(cut for hunk in shown.file.hunks for cut in _cuts(hunk, head, base))
    return Target(
        file=replace(shown.file, hunks=hunks),
        language=_language(raw.text),
        text=source_text(shown.text, head),
    )


def sources(text: str) -> Sources | None:
    """Where the sources of a notebook are; None if it is none, or not written line by line. An
    empty text is a notebook without cells."""
    if not text.strip():
        return {}
    try:
        cells = json.loads(text)["cells"]
        wanted = [_joined(cell["source"]) for cell in cells]
        kinds = [str(cell["cell_type"]) for cell in cells]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    lines, found = text.split("\n"), dict[int, Cell]()
    said = [""] * len(cells)
    for line, index, value in _source_strings(text):
        if line in found or "\n" in value[:-1] or _decoded(lines[line - 1]) != value:
            return None
        found[line] = Cell(index + 1, kinds[index])
        said[index] += value
    return found if said == wanted else None


def _language(text: str) -> str:
    """That of its kernel, if there is a grammar of that name; most notebooks are in Python."""
    try:
        named = json.loads(text)["metadata"]["language_info"]["name"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "python"
    return named if named in _LANGUAGES else ""


def _joined(source: object) -> str:
    parts = [source] if isinstance(source, str) else source
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise TypeError
    return "".join(parts)


def _source_strings(text: str) -> Iterator[tuple[int, int, str]]:
    """Each string of `cells[i].source`: its line, i, and what it says. The text is valid JSON."""
    path: list[str | int] = []  # the key or the index at each depth
    line, at, key = 1, 0, True
    for match in _TOKEN.finditer(text):
        part = match[0]
        line += text.count("\n", at, match.start())
        at = match.start()
        if part in "{[":
            path.append("" if part == "{" else 0)
            key = part == "{"
        elif part in "}]":
            path.pop()
        elif part == ",":
            last = path[-1]
            key = isinstance(last, str)
            path[-1] = last + 1 if isinstance(last, int) else ""
        elif part == ":":
            key = False
        elif key:
            path[-1] = json.loads(part)
        elif part.startswith('"') and _is_source(path):
            yield line, int(path[1]), json.loads(part)


def _is_source(path: Sequence[str | int]) -> bool:
    if len(path) not in (3, 4) or path[0] != "cells" or path[2] != "source":
        return False
    return isinstance(path[1], int) and all(isinstance(each, int) for each in path[3:])


def _decoded(line: str) -> str | None:
    """What the last string on a line of JSON says; a mask in it may have broken its escapes."""
    match = _LAST_STRING.search(line)
    if match is None:
        return None
    try:
        return str(json.loads(match[1]))
    except ValueError:
        return match[1].strip('"').replace('\\"', '"').removesuffix("\\n")


def read_by_people(path: str, text: str) -> str:
    """The text of a file, of a notebook that of its cells."""
    found = sources(text) if is_notebook(path) else None
    return text if found is None else source_text(text, found)


def source_text(text: str, found: Sources) -> str:
    """A text of as many lines: those of sources as they read, all others empty."""
    lines = text.split("\n")
    return "\n".join(
        _code(line) if number in found else "" for number, line in enumerate(lines, start=1)
    )


def _code(line: str) -> str:
    return (_decoded(line) or "").removesuffix("\n").replace("\r", "")


def _base(target: Target) -> str:
    """The file before the change, from the file after it."""
    if target.file.status is FileStatus.ADDED:
        return ""
    lines = target.text.split("\n")
    for hunk in reversed(target.file.hunks):
        new = [line.new for line in hunk.lines if line.new is not None]
        start, end = (new[0] - 1, new[-1]) if new else (hunk.new_start, hunk.new_start)
        lines[start:end] = [line.text for line in hunk.lines if line.old is not None]
    return "\n".join(lines)


def _cuts(hunk: Hunk, head: Sources, base: Sources) -> Iterator[Hunk]:
    """What the hunk changes in sources: a hunk for each run of lines of one cell."""
    run: list[Line] = []
    for line in (*hunk.lines, None):
        in_source = line is not None and (
            line.new in head if line.new is not None else line.old in base
        )
        if line is not None and in_source:
            run.append(replace(line, text=_code(line.text)))
            continue
        run = _without_equal_pairs(run)
        if any(each.added or each.removed for each in run):
            yield Hunk(
                next((each.old for each in run if each.old is not None), hunk.old_start),
                next((each.new for each in run if each.new is not None), hunk.new_start),
                _section(run, head, base),
                tuple(run),
            )
        run = []


def _section(run: Iterable[Line], head: Sources, base: Sources) -> str:
    cells = [head[line.new] for line in run if line.new is not None]
    if cells:
        return f"cell {cells[0].number} ({cells[0].kind})"
    removed = next(base[line.old] for line in run if line.old is not None)
    return f"cell {removed.number} of the old notebook ({removed.kind})"


def _without_equal_pairs(run: Sequence[Line]) -> list[Line]:
    """A line that others were added after changes in JSON alone, where it gets a comma: such a
    removed line and the added one that reads the same are one unchanged line."""
    lines = list[Line]()
    removed, added = list[Line](), list[Line]()

    def flush() -> None:
        while removed and added and removed[0].text == added[0].text:
            lines.append(replace(added.pop(0), old=removed.pop(0).old))
        lines.extend((*removed, *added))
        removed.clear()
        added.clear()

    for line in run:
        if line.added:
            added.append(line)
        elif line.removed and not added:
            removed.append(line)
        else:
            flush()
            (removed if line.removed else lines).append(line)
    flush()
    return lines
