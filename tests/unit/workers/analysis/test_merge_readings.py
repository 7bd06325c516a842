"""Two readings of one batch become one: what both report is counted, nothing is lost."""

from typing import Any

import pytest

from bot.domain.diff import Side
from bot.domain.model import BatchResult, Category, Finding, Place, Severity, SkippedFile
from bot.domain.reasons import FileSkipReason
from workers.analysis.merge_readings import combine, with_reported, without_repeats


def found(title: str, line: int | None = 10, **changed: Any) -> Finding:
    values: dict[str, Any] = {
        "path": "a.py",
        "category": Category.CORRECTNESS,
        "severity": Severity.MEDIUM,
        "title": title,
        "body": "",
        "confidence": 0.6,
        "source": "llm",
        "start_line": line,
        "end_line": line,
        "fingerprint": f"{title} {line}",
    }
    return Finding(**(values | changed))


def agreed(one: Finding, other: Finding) -> bool:
    findings = combine([BatchResult(findings=(one,)), BatchResult(findings=(other,))]).findings
    assert sum(each.agreement for each in findings) == 2
    return len(findings) == 1


LOST = "Unsaved bookings are lost after an error"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (found("An error loses what was typed", 12), True),
        (found("An error loses what was typed", 90), False),
        (found("Bookings that are unsaved are lost after the error", 90), True),
        (found("Bookings that are unsaved are lost after the error", None), True),
        (found("The label names another button", 10), False),
        (found(LOST, 10, path="b.py"), False),
        (found("An error loses what was typed", 10, side=Side.LEFT), False),
    ],
    ids=["near", "far", "far, alike", "no line, alike", "near, other", "other file", "other side"],
)
def test_findings_are_one_by_place_and_words(other: Finding, same: bool) -> None:
    assert agreed(found(LOST), other) is same
    assert agreed(other, found(LOST)) is same


def test_the_surer_one_is_kept_with_what_the_other_adds() -> None:
    seen = Place(path="lib.py", start_line=1, end_line=2)
    one = found(LOST, confidence=0.5, severity=Severity.HIGH, looked_at=(seen,), suggestion="x")
    other = found("An error loses bookings", confidence=0.8)
    [kept] = combine([BatchResult(findings=(one,)), BatchResult(findings=(other,))]).findings
    assert (kept.title, kept.confidence, kept.severity) == (other.title, 0.8, Severity.HIGH)
    assert (kept.looked_at, kept.suggestion, kept.agreement) == ((seen,), "x", 2)


def test_each_finding_agrees_with_one_at_most() -> None:
    twice = (found(LOST, 10), found(LOST, 11))
    findings = combine([BatchResult(findings=twice[:1]), BatchResult(findings=twice)]).findings
    assert sorted(each.agreement for each in findings) == [1, 2]


def test_what_one_reading_read_is_read() -> None:
    first = BatchResult(
        reviewed=("a.py",), skipped=(SkippedFile("b.py", FileSkipReason.NOT_READ),), overview="One."
    )
    second = BatchResult(
        reviewed=("b.py",), summaries=(("b.py", "It does."),), overview="Two.", notes=("Note.",)
    )
    both = combine([first, second])
    assert both.reviewed == ("a.py", "b.py")
    assert both.skipped == ()
    assert (both.overview, both.summaries, both.notes) == (
        "One.",
        (("b.py", "It does."),),
        ("Note.",),
    )


def test_one_reading_stays_as_it_is() -> None:
    only = BatchResult(findings=(found(LOST),), reviewed=("a.py",))
    assert combine([only]) == only


@pytest.mark.parametrize(
    ("again", "repeated"),
    [
        (found("Bookings stay unsaved after some error", 12), True),
        (found("An error loses what was typed", 10, fingerprint=f"{LOST} 10"), True),
        (found("An error loses what was typed", 12), False),
        (found("The error names another button", 10), False),
        (found(LOST, 10, path="b.py", fingerprint="b"), False),
    ],
    ids=["other words", "the same lines", "few common words", "near, other", "other file"],
)
def test_what_was_reported_is_not_reported_in_other_words(again: Finding, repeated: bool) -> None:
    reported = found(LOST)
    kept = without_repeats(BatchResult(findings=(again,)), [reported])
    assert kept.findings == (() if repeated else (again,))
    assert [each.text for each in kept.rejected] == [f"reported before: {LOST}"] * repeated
    # Where it is checked again, it keeps its name.
    both = with_reported(BatchResult(findings=(again,)), [reported]).findings
    name = reported.fingerprint
    assert [each.fingerprint for each in both] == (
        [name] if repeated else [again.fingerprint, name]
    )
    assert both[0].title == again.title
