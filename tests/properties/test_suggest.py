"""A suggestion that is kept applies, parses, changes something and stands in its place."""

import ast

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line, Side
from bot.domain.model import BatchFile
from bot.text.languages import parses
from tests.support.tally import Tally
from workers.analysis.anchor import Anchor
from workers.analysis.redacted_view import RedactedView, show
from workers.analysis.suggestions import MAX_LINES, fitting_suggestion

PYTHON = """\
import os


class Shop:
    def total(self, prices):
        result = 0
        for price in prices:
            if price:
                result += price

        return result

    def show(self):
        print(f"{self.total([1, 2])} ```")
"""
GO = """\
package shop

func total(prices []int) int {
\tresult := 0
\tfor _, p := range prices {
\t\tresult += p
\t}
\treturn result
}
"""
TALLIED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
SOURCES = [("python", PYTHON), ("go", GO)]
SNIPPETS = [
    "", "\n", "pass", "return sum(prices)", "result = 1", "if price:\n    result = 2",
    "result := 1", "if p > 0 {\n\tresult += p\n}", "return (", "}", "return result", "```",
    "[redacted:password]", "\u202e", "x = 1\r\ny = 2",
]  # fmt: skip
INDENTS = ["", "    ", "        ", "            ", "\t", "\t\t", " ", "  \t"]


def shown(language: str, content: str) -> RedactedView:
    lines = tuple(Line(None, n, text) for n, text in enumerate(content.split("\n")[:-1], start=1))
    file = ChangedFile(path="shop", status=FileStatus.ADDED, hunks=(Hunk(0, 1, "", lines),))
    return show(BatchFile(file=file, language=language, content=content))


@st.composite
def places(draw: st.DrawFn) -> tuple[str, str, Anchor]:
    """A language, a file in it, some lines of that file."""
    language, content = draw(st.sampled_from(SOURCES))
    if draw(st.booleans()):
        content = content.replace("\n", "\r\n")
    start = draw(st.integers(1, content.count("\n")))
    end = draw(st.integers(start, min(start + 6, content.count("\n"))))
    return language, content, Anchor(Side.RIGHT, start, end)


@st.composite
def suggestions(draw: st.DrawFn, lines: list[str]) -> str:
    """The lines themselves, or others, indented and fenced in any way."""
    text = draw(st.one_of(st.just("\n".join(lines)), st.sampled_from(SNIPPETS), st.text()))
    indent = draw(st.sampled_from(INDENTS))
    text = "\n".join(indent + line if line else line for line in text.split("\n"))
    fence = draw(st.sampled_from(["", "```", "````"]))
    return f"{fence}python\n{text}\n{fence}" if fence else text


def indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


@TALLIED
@given(data=st.data(), place=places())
def test_what_is_kept_can_be_committed(
    tally: Tally, data: st.DataObject, place: tuple[str, str, Anchor]
) -> None:
    tally.at_least(kept=0.1, refused=0.3)
    language, content, at = place
    lines = content.replace("\r\n", "\n").split("\n")
    old = lines[at.start_line - 1 : at.end_line]
    kept = fitting_suggestion(data.draw(suggestions(old)), shown(language, content), at)
    tally.add(kept=kept is not None, refused=kept is None)
    if kept is None:
        return

    new = kept.split("\n") if kept else []
    assert len(new) <= MAX_LINES
    assert [line.rstrip() for line in new] != [line.rstrip() for line in old]
    applied = "\n".join([*lines[: at.start_line - 1], *new, *lines[at.end_line :]])
    assert parses(language, applied)
    if language == "python":
        ast.parse(applied)  # by its own parser, which minds empty blocks and indentation
    assert "[redacted:" not in kept
    first = next((line for line in old if line.strip()), "")
    if new and new[0].strip() and first:
        expected_indent, found = indent(first), indent(new[0])
        assert expected_indent.startswith(found) or found.startswith(expected_indent), (
            "tabs and spaces mixed"
        )
        assert found or not expected_indent, "the indentation was lost"


@TALLIED
@given(place=places(), fence=st.sampled_from(["", "```", "````"]))
def test_code_without_its_indentation_gets_it_back(
    tally: Tally, place: tuple[str, str, Anchor], fence: str
) -> None:
    tally.at_least(kept=0.15, indented=0.1)
    language, content, at = place
    lines = content.replace("\r\n", "\n").split("\n")
    [old] = [lines[at.start_line - 1]]
    other = {"python": "pass", "go": "print(1)"}[language]
    fenced = f"{fence}\n{other}\n{fence}" if fence else other
    only = Anchor(Side.RIGHT, at.start_line, at.start_line)
    kept = fitting_suggestion(fenced, shown(language, content), only)
    tally.add(kept=kept is not None, indented=kept is not None and bool(indent(old)))
    assert kept in (None, indent(old) + other)
