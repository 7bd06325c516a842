"""What was reported before, at a later push: where it is now, and what stays open."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line, Side
from bot.domain.model import (
    Batch,
    BatchFile,
    BatchResult,
    Category,
    Finding,
    PullRequestContext,
    Report,
    Scan,
    Severity,
    SkippedFile,
)
from bot.domain.reasons import FileSkipReason
from bot.domain.suppressions import Dismissals
from workers.review.open_findings import still_open, with_open_findings

SCAN = Scan(
    merge_base="b" * 40,
    pr_context=PullRequestContext(title="", body=""),
    files=(),
    skipped=(),
    evidence=(),
    reviewed_paths=("a.py", "kept.py"),
)


def finding(path: str = "a.py", quote: str = "x = f(1)", **changed: Any) -> Finding:
    values: dict[str, Any] = {
        "path": path,
        "category": Category.CORRECTNESS,
        "severity": Severity.HIGH,
        "title": "f() fails for 1",
        "body": "It raises.",
        "confidence": 0.9,
        "source": "llm",
        "quote": quote,
        "start_line": 1,
        "end_line": 1,
        "suggestion": "x = f(2)",
        "fingerprint": f"{path}:{quote}",
    }
    return Finding(**(values | changed))


def part(*lines: str, path: str = "a.py", start: int = 1, rest: str = "") -> BatchFile:
    """A part with added lines from `start` on; a line with `-` before it is a removed one."""
    shown, number = [], start
    for line in lines:
        if line.startswith("-"):
            shown.append(Line(number, None, line[1:]))
        else:
            shown.append(Line(None, number, line))
            number += 1
    file = ChangedFile(
        path=path, status=FileStatus.MODIFIED, hunks=(Hunk(start, start, "", tuple(shown)),)
    )
    head = [line for line in lines if not line.startswith("-")]
    return BatchFile(file=file, language="python", content="\n".join([*head, rest]))


@pytest.mark.parametrize(
    ("now", "at"),
    [
        (part("import f", "x = f(1)"), 2),
        (part("import f", "    x  =  f(1)"), 2),
        (part("y = 1", rest="x = f(1)"), None),  # nothing is changed there any more
        (part("x = f(1)", "y = 2", "x = f(1)"), None),  # nobody knows which one
    ],
)
def test_a_finding_is_open_where_its_lines_are_now(now: BatchFile, at: int | None) -> None:
    [batch], scan = with_open_findings([Batch(0, (now,))], SCAN, [finding()], None)
    [moved] = batch.open_findings
    assert (moved.start_line, moved.end_line) == (at, at)
    assert moved.suggestion == (finding().suggestion if at else None)
    assert scan == SCAN


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (part("x = f(2)"), finding()),
        (part("x = f(1)"), finding(path="gone.py")),
        (part("guard()"), finding(quote="guard()", side=Side.LEFT)),
        (part("x = 1", rest="guard()"), finding(quote="guard()", side=Side.LEFT)),
    ],
    ids=["changed", "no file of the change", "added again", "not removed any more"],
)
def test_a_finding_whose_lines_are_gone_is_not_open(now: BatchFile, found: Finding) -> None:
    [batch], scan = with_open_findings([Batch(0, (now,))], SCAN, [found], None)
    assert (batch.open_findings, scan.reused_findings) == ((), ())


def test_a_finding_on_removed_lines_is_open_while_they_are_removed() -> None:
    found = finding(quote="guard()", side=Side.LEFT)
    [batch], _ = with_open_findings([Batch(0, (part("-guard()", "x = 1"),))], SCAN, [found], None)
    assert len(batch.open_findings) == 1


def test_a_finding_is_shown_with_the_part_that_holds_it_the_most_severe_first() -> None:
    first, second = (
        Batch(0, (part("y = 1", rest="x = f(1)"),)),
        Batch(1, (part("x = f(1)", "z = 3", start=40),)),
    )
    low = finding(quote="z = 3", severity=Severity.LOW, start_line=41, end_line=41)
    batches, _ = with_open_findings(
        [first, second], SCAN, [low, finding(start_line=40, end_line=40)], None
    )
    assert [[f.quote for f in batch.open_findings] for batch in batches] == [
        [],
        ["x = f(1)", "z = 3"],
    ]


def test_a_file_that_need_not_be_read_again_keeps_its_findings_once() -> None:
    reused, more = finding("kept.py"), finding("kept.py", quote="y = 1")
    scan = replace(SCAN, reused_findings=(reused,))
    batches, scan = with_open_findings([Batch(0, (part("z"),))], scan, [reused, more], None)
    assert scan.reused_findings == (reused, more)
    assert batches[0].open_findings == ()


def test_a_review_of_one_category_is_shown_no_other() -> None:
    [batch], _ = with_open_findings(
        [Batch(0, (part("x = f(1)"),))], SCAN, [finding()], Category.SECURITY
    )
    assert batch.open_findings == ()


def test_open_is_what_is_reported_or_dismissed_and_what_nobody_could_look_at(
    report: Report,
) -> None:
    reported, dismissed, hidden = (finding(quote=name) for name in ("a", "b", "c"))
    unread, gone = finding("unread.py"), finding("gone.py")
    report = replace(
        report,
        findings=(reported,),
        skipped=(SkippedFile("unread.py", FileSkipReason.NOT_READ, "no answer"),),
    )
    result = BatchResult(findings=(reported, dismissed, hidden))
    dismissals = Dismissals(frozenset({dismissed.fingerprint}))
    kept = still_open([reported, unread, gone], SCAN, [result], report, dismissals)
    assert kept == (reported, dismissed, unread)

    focused = replace(report, review=replace(report.review, focus=Category.SECURITY), skipped=())
    assert still_open([gone], SCAN, [], focused, dismissals) == (gone,), "it was not looked for"
