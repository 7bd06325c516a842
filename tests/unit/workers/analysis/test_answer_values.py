"""What a model means by a share, a number or a text, in whatever form it says so."""

import pytest

from bot.domain.team_checks import CheckStatus
from workers.analysis.answer_values import check_status, number, share


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.7, 0.7),
        (0, 0.0),
        (1, 1.0),
        (8, 0.8),
        (10, 1.0),
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
