"""Reasons are told apart by the code and explained to people."""

import pytest

from bot.domain.model import Rejected, SkippedFile, decode, encode
from bot.domain.reasons import FileSkipReason, RejectionReason

ALL = (*FileSkipReason, *RejectionReason)


@pytest.mark.parametrize("reason", ALL, ids=str)
def test_every_reason_has_one_text_with_at_most_one_place_for_a_detail(
    reason: FileSkipReason | RejectionReason,
) -> None:
    assert reason.text.strip()
    assert reason.text.count("{}") == reason.text.count("{") <= 1
    assert [each for each in type(reason) if each.text == reason.text] == [reason]


def test_a_detail_is_never_read_as_a_pattern() -> None:
    skipped = SkippedFile("a.py", FileSkipReason.NOT_READ, "{0.__class__} {}")
    assert skipped.text == "not reviewed by the model: {0.__class__} {}"


def test_a_missing_detail_leaves_no_colon() -> None:
    rejected = Rejected(path="a.py", title="t", reason=RejectionReason.REFUTED)
    assert rejected.text == "refuted"


def test_reasons_are_kept_as_their_codes() -> None:
    rejected = Rejected(path="a.py", title="t", reason=RejectionReason.CONFIDENCE, detail="0.1")
    assert b'"reason":"confidence"' in encode(rejected)
    assert decode(Rejected, encode(rejected)) == rejected
