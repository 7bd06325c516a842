"""What a model means by a share, a number or a text, in whatever form it says so."""

import pytest

from workers.analysis.answer_values import number, share


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
