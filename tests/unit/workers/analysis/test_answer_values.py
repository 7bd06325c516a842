"""What a model means by a share, a number or a text, in whatever form it says so."""

from typing import Any

import pytest

from bot.domain.look_ups import Operation
from bot.domain.model import CheckOutcome, Severity
from bot.domain.team_checks import CheckStatus
from workers.analysis.answer_values import (
    ALIASES,
    check_status,
    named,
    number,
    operation,
    outcome,
    same_path,
    severity,
    share,
    text,
    unfenced,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.7, 0.7),
        (0, 0.0),
        (1, 1.0),
        (1.5, 0.15),
        (8, 0.8),
        (10, 1.0),
        (11, 0.11),
        (85, 0.85),
        (100, 1.0),
        ("0.7", 0.7),
        ("0,7", 0.7),
        ("80%", 0.8),
        ("5 %", 0.05),
        ("5/100", 0.05),
        ("85 / 100", 0.85),
        ("8/10", 0.8),
        (" High ", 0.9),
        ("low", 0.3),
        (101, None),
        (-0.1, None),
        (True, None),
        (None, None),
        ("sure", None),
        ("80% or 90%", None),
        ([0.7], None),
    ],
)
def test_a_share_is_read_from_each_scale(value: object, expected: float | None) -> None:
    assert share(value) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (12, 12),
        (12.0, 12),
        (0, 0),
        (9_999_999, 9_999_999),
        (10_000_000, None),
        (-1, None),
        ("12", 12),
        ("L12", 12),
        ("12-15", 12),
        ("line 12 of 15", 12),
        ([12, 15], 12),
        (["L12"], 12),
        ("-12", None),
        ("12345678", None),
        ("none", None),
        ([], None),
        (True, None),
        (None, None),
    ],
)
def test_the_first_whole_number_is_meant(value: object, expected: int | None) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    ("said", "status"),
    [
        *((said, CheckStatus.PASSED) for said in ("passed", "PASS", "**Met**.", "\u2705 OK")),
        *((said, CheckStatus.PASSED) for said in ("The check passes!", "check_passed", "true")),
        *((said, CheckStatus.FAILED) for said in ("failed", "The check fails.", "Violated")),
        ("could_not_tell", CheckStatus.COULD_NOT_TELL),
        ("not applicable", CheckStatus.COULD_NOT_TELL),
        ("not passed", CheckStatus.COULD_NOT_TELL),
        ("non-compliant", CheckStatus.COULD_NOT_TELL),
        ("doesn't pass", CheckStatus.COULD_NOT_TELL),
        ("never passes", CheckStatus.COULD_NOT_TELL),
        ("partially met", CheckStatus.COULD_NOT_TELL),
        ("wasn't met", CheckStatus.COULD_NOT_TELL),
        ("passed, but violations remain", CheckStatus.COULD_NOT_TELL),
        ("passed in part", CheckStatus.COULD_NOT_TELL),
        ("passed: 3/10", CheckStatus.COULD_NOT_TELL),
        ("passed?", CheckStatus.COULD_NOT_TELL),
        ("\u274c passed", CheckStatus.COULD_NOT_TELL),
        ("no violations", CheckStatus.COULD_NOT_TELL),
        ("did not fail", CheckStatus.COULD_NOT_TELL),
        ("perhaps", None),
        ("noncompliant", None),
        ("", None),
        (True, None),
    ],
)
def test_a_check_passed_or_failed_if_nothing_else_is_said(
    said: object, status: CheckStatus | None
) -> None:
    assert check_status(said) == status


@pytest.mark.parametrize(
    ("item", "ours"),
    [
        ({"Relevant-File": "a.py"}, {"relevant_file": "a.py", "path": "a.py"}),
        ({"path": "", "file": "a.py"}, {"path": "a.py", "file": "a.py"}),
        ({"path": "b.py", "file": "a.py"}, {"path": "b.py", "file": "a.py"}),
        ({"path": None, "file": ""}, {"path": None, "file": ""}),
        ({"line": 0, "lineno": 3}, {"line": 0, "lineno": 3}),
        ({}, {}),
    ],
)
def test_a_property_that_is_missing_is_taken_from_another_name_if_it_stands_there(
    item: dict[str, Any], ours: dict[str, Any]
) -> None:
    assert named(item, ALIASES) == ours


def test_a_word_is_looked_for_in_a_short_text_alone() -> None:
    assert severity("high".ljust(200)) is Severity.HIGH
    assert severity("high".ljust(201)) is None
    assert severity(["high"]) is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("read_file", Operation.READ),
        ("grep", Operation.SEARCH),
        ("search references", Operation.USES),
        ("list_callers", Operation.USES),
        ("goto definition", Operation.DEFINITION),
        ("dance", None),
        (None, None),
    ],
)
def test_a_look_up_is_what_is_found_and_then_how(said: object, meant: Operation | None) -> None:
    assert operation(said) is meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("confirmed", (CheckOutcome.CONFIRMED,)),
        ("not confirmed", None),
        ("refuted", (None,)),
        ("not refuted, but unsure", (None,)),
        ("not certain: unclear", (CheckOutcome.UNDECIDED,)),
        ("perhaps", None),
    ],
)
def test_a_verdict_that_is_taken_back_confirms_nothing(
    said: str, meant: tuple[CheckOutcome | None] | None
) -> None:
    assert outcome(said) == meant


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\nb\n", "a\nb\n"),
        (["a\n", "b"], "a\nb"),
        ("a\0b\ud83d", "ab?"),
        (["a", 1], ""),
        ([], ""),
        (3, ""),
        (None, ""),
    ],
)
def test_a_text_or_its_lines_are_read_and_nothing_else(value: object, expected: str) -> None:
    assert text(value) == expected


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("```python\nx = 1\ny = 2\n```", "x = 1\ny = 2"),
        ("~~~\nx\n~~~", "x"),
        ("```\na\n```\nb\n```", "```\na\n```\nb\n```"),
        ("`x`", "x"),
        (" `x = 1` ", "x = 1"),
        ("`x", "`x"),
        ("x`", "x`"),
        ("``x`", "``x`"),
        ("`x``", "`x``"),
        ("``", "``"),
        (" x = 1", " x = 1"),
        ("", ""),
    ],
)
def test_a_fence_or_a_pair_of_backticks_around_code_is_taken_off(value: str, code: str) -> None:
    assert unfenced(value) == code


@pytest.mark.parametrize(
    ("said", "paths", "meant"),
    [
        ("notes (new)", ["notes", "notes (new)"], "notes (new)"),
        ("./a.py", ["a.py", "src/a.py"], "a.py"),
        ("a.py", ["src/a.py", "b.py"], "src/a.py"),
        ("a", ["src/a", "b"], "src/a"),
        ("other.py", ["src/a.py"], None),
        ("a.py", ["src/a.py", "lib/a.py"], None),
        ("./", ["src/"], None),
    ],
)
def test_a_path_as_it_is_counts_before_one_that_ends_like_it(
    said: str, paths: list[str], meant: str | None
) -> None:
    assert same_path(said, dict.fromkeys(paths)) == meant
