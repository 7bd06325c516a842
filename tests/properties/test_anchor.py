"""The anchor is right or refuses: over random diffs, quotes, noise and duplicates.

`ANCHOR_CASES=10000 pytest tests/properties/test_anchor.py` runs ten thousand cases.
"""

import os
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line, Side
from tests.support.runtime_growth import growth
from tests.support.tally import Tally
from workers.analysis.anchor import TOLERANCE, Anchor, anchor

CASES = int(os.environ.get("ANCHOR_CASES", "250"))

#: Seconds for each test: as many cases as are asked for end in time on a busy machine too.
pytestmark = pytest.mark.timeout(120 + CASES // 4)

#: Few texts, so that most lines have duplicates; some look like markers and numbers.
POOL = [
    "", "}", "    return x", "        return x", "return x", "- return x", "+ return x",
    "x = compute(y)", "    x = compute(y)", "x = compute(y, z)", "3 4 +|x = compute(y)",
    "| x = compute(y)", "if x:", "-if x:", "call(x = compute(y))",
]  # fmt: skip


@dataclass(frozen=True)
class Diff:
    """A changed file and the whole text of its head."""

    file: ChangedFile
    content: str


@dataclass(frozen=True)
class Quoted:
    """Some lines of a diff and how a model quotes them; `changed` if a comment may stand there."""

    quote: str
    side: Side
    start: int
    end: int
    changed: bool


@st.composite
def diffs(draw: st.DrawFn, texts: st.SearchStrategy[str] | None = None) -> Diff:
    texts = st.sampled_from(POOL) if texts is None else texts
    old, new = 1, 1
    hunks, head = [], []
    for _ in range(draw(st.integers(1, 3))):
        gap = draw(st.lists(texts, max_size=40))  # unchanged lines outside the hunks
        head += gap
        old, new = old + len(gap), new + len(gap)
        start = (old, new)
        lines = []
        for kind in draw(st.lists(st.sampled_from("  +-"), min_size=1, max_size=14)):
            text = draw(texts)
            lines.append(Line(None if kind == "+" else old, None if kind == "-" else new, text))
            old, new = old + (kind != "+"), new + (kind != "-")
            head += [text] if kind != "-" else []
        hunks.append(Hunk(*start, "", tuple(lines)))
    file = ChangedFile(path="a.py", status=FileStatus.MODIFIED, hunks=tuple(hunks))
    return Diff(file, "\n".join(head))


def mark(line: Line) -> str:
    return "+" if line.added else "-" if line.removed else " "


@st.composite
def white_noise(draw: st.DrawFn, text: str) -> str:
    """`text` with other white space around and between its words."""
    gaps = st.sampled_from([" ", "  ", "\t"])
    ends = st.sampled_from(["", " ", "    ", "\t"])
    words = text.split()
    inner = "".join(draw(gaps) + word for word in words)[1:] if words else ""
    return draw(ends) + inner + draw(ends)


@st.composite
def quotes(draw: st.DrawFn, diff: Diff, noise: bool = True) -> Quoted | None:
    """A span of one side of one hunk, quoted plainly, with markers or with numbers."""
    hunk = draw(st.sampled_from(diff.file.hunks))
    side = draw(st.sampled_from(list(Side)))
    lines = list(hunk.on(side))
    if not lines:
        return None
    first = draw(st.integers(0, len(lines) - 1))
    span = lines[first : first + draw(st.integers(1, 4))]
    style = draw(st.sampled_from(["plain", "marked", "numbered"]))
    shown = span
    both = side is Side.RIGHT and any(line.added for line in span)
    if style != "plain" and both and draw(st.booleans()):
        at = [hunk.lines.index(span[0]), hunk.lines.index(span[-1])]
        shown = list(hunk.lines[at[0] : at[1] + 1])  # with the removed lines in between
    written = []
    for line in shown:
        text = draw(white_noise(line.text)) if noise else line.text
        prefix = {
            "plain": "",
            "marked": mark(line),
            "numbered": f"{line.old or '-'} {line.new or '-'} {mark(line)}|",
        }[style]
        written.append(prefix + text)
    full = [line for line in span if line.text.strip()]
    if not full:
        return None
    span = span[span.index(full[0]) : span.index(full[-1]) + 1]
    start, end = span[0].number(side), span[-1].number(side)
    assert start is not None
    assert end is not None
    changed = any(line.added or line.removed for line in span)
    return Quoted("\n".join(written), side, start, end, changed)


@settings(
    max_examples=CASES,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(data=st.data())
def test_an_anchor_is_right_or_refused(tally: Tally, data: st.DataObject) -> None:
    tally.at_least(found=0.15, refused=0.15)
    diff = data.draw(diffs())
    quoted = data.draw(quotes(diff))
    if quoted is None:
        return
    off = data.draw(st.none() | st.integers(-TOLERANCE, TOLERANCE))
    found = anchor(
        diff.file,
        quoted.quote,
        None if off is None else quoted.start + off,
        data.draw(st.sampled_from([None, quoted.side])),
        data.draw(st.sampled_from([None, diff.content])),
    )

    tally.add(found=found is not None, refused=found is None)
    if found is not None:
        assert quoted.changed
        assert found == Anchor(quoted.side, quoted.start, quoted.end)


@settings(
    max_examples=CASES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_unique_lines_are_always_found(tally: Tally, data: st.DataObject) -> None:
    tally.at_least(changed=0.2)
    numbers = iter(range(10_000))
    diff = data.draw(diffs(st.builds(lambda: f"    line_{next(numbers)} = {{}}")))
    quoted = data.draw(quotes(diff))
    tally.add(changed=quoted is not None and quoted.changed)
    if quoted is None or not quoted.changed:
        return
    off = data.draw(st.none() | st.integers(-TOLERANCE, TOLERANCE))

    found = anchor(diff.file, quoted.quote, None if off is None else quoted.start + off)

    assert found == Anchor(quoted.side, quoted.start, quoted.end)


@settings(
    max_examples=CASES // 2,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_an_anchor_lies_in_one_hunk_and_touches_a_changed_line_whatever_is_quoted(
    tally: Tally, data: st.DataObject
) -> None:
    """Also what is quoted from several hunks, from both sides, from elsewhere or in part."""
    tally.at_least(found=0.08, several=0.01, refused=0.2)
    diff = data.draw(diffs())
    all_lines = [line for hunk in diff.file.hunks for line in hunk.lines]
    lines = [line.text for line in all_lines]
    start = data.draw(st.integers(0, len(lines) - 1))
    hints = st.sampled_from([all_lines[start].new, all_lines[start].old, None])
    run = lines[start : start + data.draw(st.integers(1, 4))]
    texts = st.sampled_from([*POOL, *lines]) | st.text(max_size=20)
    others = data.draw(st.lists(texts, max_size=2))
    quote = "\n".join(data.draw(st.sampled_from([run, run, [*run, *others], others])))
    side = data.draw(st.sampled_from([None, *Side]))
    found = anchor(diff.file, quote, data.draw(hints | st.integers(0, 60)), side)

    tally.add(
        found=found is not None,
        several=found is not None and found.end_line > found.start_line,
        refused=found is None,
    )
    if found is not None:
        assert diff.file.contains(found.side, found.start_line, found.end_line)
        assert any(
            line.added or line.removed
            for hunk in diff.file.hunks
            for line in hunk.on(found.side)
            if found.start_line <= (line.number(found.side) or 0) <= found.end_line
        )


@settings(max_examples=CASES // 4, deadline=None)
@given(st.data())
def test_what_is_not_in_the_diff_has_no_anchor(data: st.DataObject) -> None:
    diff = data.draw(diffs())
    assert anchor(diff.file, "no_such_name(anywhere)", 3, Side.RIGHT, diff.content) is None


def test_an_unchanged_line_with_its_old_number_is_not_taken_for_a_changed_one() -> None:
    """The hint is 28 lines off the old number of the last line, and so 31 off its new one."""
    lines = (
        *(Line(number, number, "") for number in range(101, 114)),
        *(Line(None, number, "") for number in (114, 115)),
        Line(None, 116, "x = compute(y, z)"),
        Line(114, 117, "x = compute(y, z)"),
    )
    file = ChangedFile(path="a.py", status=FileStatus.MODIFIED, hunks=(Hunk(101, 101, "", lines),))
    assert anchor(file, "x = compute(y, z)", 114 - 28) is None
    assert anchor(file, "x = compute(y, z)", 114 - 28, Side.LEFT) is None


def test_removed_lines_are_not_distinguished_by_a_number_of_the_new_side() -> None:
    """The first is line 135 of the new side, which is 5 lines from the old number of the second."""
    first = Hunk(99, 134, "", (Line(99, 134, "a"), Line(100, None, "gone(x, y)")))
    second = Hunk(139, 173, "", (Line(139, 173, "b"), Line(140, None, "gone(x, y)")))
    file = ChangedFile(path="a.py", status=FileStatus.MODIFIED, hunks=(first, second))
    assert anchor(file, "gone(x, y)", 135, Side.RIGHT) is None
    assert anchor(file, "gone(x, y)", 100, Side.LEFT) == Anchor(Side.LEFT, 100, 100)


def test_a_quote_on_every_line_of_a_large_file_takes_linear_time() -> None:
    def look(size: int) -> None:
        lines = tuple(Line(None, number, "again(x, y)") for number in range(1, size // 2))
        hunk = Hunk(1, 1, "", lines)
        file = ChangedFile(path="a.py", status=FileStatus.MODIFIED, hunks=(hunk,))
        content = "\n".join(["again(x, y)"] * size)
        assert anchor(file, "again(x, y)", 3, Side.RIGHT, content) is None

    assert growth(look, 8000) < 10
