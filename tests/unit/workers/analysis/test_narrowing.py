"""Of a large change, a later round and a check are shown what helps them; of a small one all."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line, Side
from bot.domain.look_ups import LookUp, LookUpResult, Operation
from bot.domain.model import BatchFile, Category, Finding, Place, Severity, Snippet
from workers.analysis.narrowing import for_later_round, near_findings
from workers.analysis.prompt import check_prompt
from workers.analysis.redacted_view import RedactedView, show


def view(path: str, *starts: int, lines: int = 60) -> RedactedView:
    """A file with a hunk of so many added lines at each start, and what surrounds it."""
    hunks = tuple(
        Hunk(
            start,
            start,
            "",
            tuple(Line(None, start + n, f"{path[0]}{start + n}()") for n in range(lines)),
        )
        for start in starts
    )
    file = ChangedFile(path=path, status=FileStatus.MODIFIED, hunks=hunks, additions=lines)
    context = (
        *(Snippet("enclosing", path, start - 5, f"def around_{start}():") for start in starts),
        Snippet("caller", "far.py", 1, f"call({path})"),
    )
    return show(BatchFile(file=file, language="python", content=None, context=context))


def finding(line: int | None, path: str = "a.py", side: Side = Side.RIGHT) -> Finding:
    return Finding(
        path=path, category=Category.QUALITY, severity=Severity.LOW, title="t", body="b",
        confidence=0.9, source="llm", start_line=line, end_line=line, side=side,
    )  # fmt: skip


def result(look_up: dict[str, Any], *paths: str) -> LookUpResult:
    places = tuple(Place(path=path, start_line=1, end_line=1) for path in paths)
    return LookUpResult(look_up=LookUp(**look_up), places=places)


FILES = [view(f"{name}.py", 100, 300, lines=50) for name in "abcd"]
USES = {"operation": Operation.USES, "symbol": "x", "path": "other.py"}


@pytest.mark.parametrize(
    ("looked_up", "whole"),
    [
        (result({"operation": Operation.READ, "path": "b.py"}), "b.py"),
        (result({"operation": Operation.READ, "path": "./b.py"}), "b.py"),
        (result(USES, "elsewhere.py", "b.py"), "b.py"),
        (result(USES | {"symbol": "b120"}), "b.py"),
    ],
    ids=["asked about", "asked about by another form", "found there", "changes what was asked"],
)
@pytest.mark.parametrize("drafted", ["c.py", "b/c.py", "./c.py", "`c.py`", "c.py:120"])
def test_a_later_round_is_shown_what_its_look_ups_and_findings_concern(
    looked_up: LookUpResult, whole: str, drafted: str
) -> None:
    shown, rest = for_later_round(FILES, [looked_up], {drafted, "elsewhere.py"})
    assert [(file.path, [each.role for each in file.source.context]) for file in shown] == [
        (whole, ["enclosing", "enclosing"]),
        ("c.py", []),
    ]
    assert rest == [
        "a.py: modified, +50 -0; you have read it",
        "d.py: modified, +50 -0; you have read it",
    ]


def test_a_small_change_is_shown_whole_again_and_so_is_one_that_no_look_up_concerns() -> None:
    small = FILES[:2]
    assert for_later_round(small, [result(USES)], ()) == (small, [])
    assert for_later_round(FILES, [result(USES, "elsewhere.py")], ()) == (FILES, [])


@pytest.mark.parametrize(("line", "kept"), [(120, [100]), (189, [100]), (345, [300]), (500, [])])
def test_a_check_is_shown_the_hunks_near_its_findings(line: int, kept: list[int]) -> None:
    file = FILES[0]
    near = near_findings(file, [finding(line), finding(310, "b.py")])
    starts = [hunk.new_start for hunk in near.file.hunks]
    if not kept:
        assert near == file, "nothing is near: then all may matter"
        return
    assert starts == kept
    assert list(near.left_out) == [start for start in (100, 300) if start not in kept]
    assert [each.text for each in near.source.context] == [
        f"def around_{kept[0]}():",
        "call(a.py)",
    ]
    shown = check_prompt([near], [(1, finding(line))], 24_000).user
    assert f"not shown, from new line {near.left_out[0]} on: look them up" in shown


def test_a_small_file_and_one_with_a_finding_without_lines_are_shown_whole() -> None:
    small = view("a.py", 100, 300, lines=20)
    assert near_findings(small, [finding(110)]) == small
    assert near_findings(FILES[0], [finding(110), finding(None)]) == FILES[0]


def test_the_side_of_a_finding_counts() -> None:
    file = FILES[0]
    removed = Hunk(900, 300, "", tuple(Line(900 + n, None, "gone()") for n in range(50)))
    both = replace(file, file=replace(file.file, hunks=(file.file.hunks[0], removed)))
    assert near_findings(both, [finding(910, side=Side.LEFT)]).left_out == (100,)
