"""What is shown of a notebook is on exactly that line of its file, before and after any change."""

import json
from difflib import SequenceMatcher
from itertools import chain
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line, Side
from tests.support.tally import Tally
from workers.scan.analyzers.analyzer import Target
from workers.scan.notebooks import source_text, sources, with_cells

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12)
_LINES = (
    st.sampled_from(["x = 1", "", "    y = 'a\\\"b'", '"],', '"source": [', "é\t\u2028", "}"])
    | _TEXT
)
_SOURCES = st.lists(_LINES, max_size=6).map("\n".join)
_OUTPUTS = st.lists(
    st.fixed_dictionaries({"name": st.just("stdout"), "text": st.lists(_LINES, max_size=3)}),
    max_size=2,
)
_CELLS = st.lists(
    st.fixed_dictionaries(
        {
            "cell_type": st.sampled_from(["code", "markdown", "raw"]),
            "metadata": st.dictionaries(_TEXT, _TEXT, max_size=2)
            | st.just({"source": ["not this\n", "nor that"]}),
            "outputs": _OUTPUTS,
            "source": _SOURCES,
        }
    ),
    max_size=5,
)


def written(cells: list[dict[str, Any]]) -> str:
    """A notebook as Jupyter writes it."""
    split = [cell | {"source": cell["source"].splitlines(keepends=True)} for cell in cells]
    notebook = {"cells": split, "metadata": {"source": ["x\n"]}, "nbformat": 4}
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def changed(old: str, new: str) -> ChangedFile:
    """The change as git shows it, with three lines of context."""
    before, after = old.split("\n")[:-1], new.split("\n")[:-1]
    hunks = []
    for group in SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(3):
        lines = []
        for tag, a, b, c, d in group:
            if tag == "equal":
                lines += [Line(a + n + 1, c + n + 1, before[a + n]) for n in range(b - a)]
            else:
                lines += [Line(n + 1, None, before[n]) for n in range(a, b)]
                lines += [Line(None, n + 1, after[n]) for n in range(c, d)]
        hunks.append(Hunk(group[0][1] + 1, group[0][3] + 1, "", tuple(lines)))
    return ChangedFile(path="n.ipynb", status=FileStatus.MODIFIED, hunks=tuple(hunks))


def code(cells: list[dict[str, Any]]) -> list[list[str]]:
    return [
        [line.removesuffix("\n") for line in cell["source"].splitlines(keepends=True)]
        for cell in cells
    ]


@given(_CELLS)
def test_each_line_of_a_source_is_found_on_its_own_line(cells: list[dict[str, Any]]) -> None:
    text = written(cells)
    found = sources(text)
    assert found is not None
    shown = source_text(text, found).split("\n")
    assert len(shown) == len(text.split("\n"))
    lines_of: list[list[str]] = [[] for _ in cells]
    for number, cell in found.items():
        lines_of[cell.number - 1].append(shown[number - 1])
        assert cell.kind == cells[cell.number - 1]["cell_type"]
        said = json.loads(text.split("\n")[number - 1].strip().removesuffix(","))
        assert shown[number - 1] == said.removesuffix("\n")
    assert lines_of == code(cells)
    assert all(line == "" for n, line in enumerate(shown, 1) if n not in found)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=_CELLS, after=_CELLS)
def test_hunks_show_lines_of_cells_under_the_numbers_of_the_file(
    tally: Tally, before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    tally.at_least(shown=0.4)
    old, new = written(before), written(after)
    raw = Target(changed(old, new), "", new)
    shown = with_cells(raw, raw)
    numbers = {
        Side.LEFT: {n for hunk in raw.file.hunks for line in hunk.lines if (n := line.old)},
        Side.RIGHT: {n for hunk in raw.file.hunks for line in hunk.lines if (n := line.new)},
    }
    tally.add(shown=any(hunk.lines for hunk in shown.file.hunks))
    for side, text in ((Side.LEFT, old), (Side.RIGHT, new)):
        found = sources(text)
        assert found is not None
        lines = source_text(text, found).split("\n")
        seen = [
            (number, line.text)
            for hunk in shown.file.hunks
            for line in hunk.on(side)
            if (number := line.number(side))
        ]
        assert len({number for number, _ in seen}) == len(seen)
        for number, line_text in seen:
            assert number in found
            assert number in numbers[side], "a comment may stand there"
            assert lines[number - 1] == line_text
    for hunk in shown.file.hunks:
        for side, text in ((Side.LEFT, old), (Side.RIGHT, new)):
            found = sources(text) or {}
            ns = [n for line in hunk.on(side) if (n := line.number(side))]
            assert ns == list(range(ns[0], ns[0] + len(ns))) if ns else True
            assert len({found[n].number for n in ns}) <= 1, "a hunk is of one cell"
    # Nothing that was changed in a source is left out.
    if [*chain(*code(before))] != [*chain(*code(after))]:
        assert shown.file.hunks
