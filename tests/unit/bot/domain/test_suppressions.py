"""Which findings a suppression covers, and what names a finding."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.fingerprint import fingerprint, names_secret
from bot.domain.model import Category, Finding, Severity
from bot.domain.suppressions import Dismissals, Suppression

DAY = 86_400.0


def finding(name: str, severity: Severity = Severity.HIGH) -> Finding:
    return Finding(
        path="a.py",
        category=Category.SECURITY,
        severity=severity,
        title="t",
        body="b",
        confidence=1,
        source="ruff:S1",
        quote="x",
        fingerprint=name,
    )


def suppression(name: str, **more: Any) -> Suppression:
    return Suppression(
        fingerprint=name, path="a.py", title="t", reason="ours", suppressed_by="ada", **more
    )


CODE = fingerprint("a.py", "ruff:S1", "x")
SECRET = fingerprint("a.py", "secrets:aws", "key = [redacted:secret]", ["value"])


def test_the_same_code_with_another_secret_is_another_finding() -> None:
    other = fingerprint("a.py", "secrets:aws", "key = [redacted:secret]", ["other"])
    assert other != SECRET
    assert SECRET[:16] == other[:16]
    assert names_secret(SECRET)
    assert not names_secret(CODE)


@pytest.mark.parametrize("severity", Severity)
def test_a_suppression_never_covers_what_is_critical_but_the_same_secret(
    severity: Severity,
) -> None:
    assert suppression(CODE).covers(finding(CODE, severity)) == (severity is not Severity.CRITICAL)
    assert suppression(SECRET).covers(finding(SECRET, severity))


def test_a_suppression_covers_the_finding_that_it_names_alone() -> None:
    other = fingerprint("a.py", "ruff:S1", "y")
    assert not suppression(CODE).covers(finding(other))
    assert not suppression(SECRET).covers(finding(CODE))


def test_a_suppression_lasts_since_it_was_made_or_used_last() -> None:
    assert suppression(CODE, suppressed_at=3 * DAY).last_used_at == 3 * DAY
    assert suppression(CODE, suppressed_at=3 * DAY, used_at=5 * DAY).last_used_at == 5 * DAY
    assert suppression(CODE).day == ""
    assert suppression(CODE, suppressed_at=3 * DAY).day == "1970-01-04"


def test_another_critical_defect_on_the_line_of_a_dismissed_secret_is_reported() -> None:
    """By a model, whose findings of one category on one line have one fingerprint."""
    dismissed = replace(suppression(SECRET), title="The key of the test account is in the code")
    other = replace(finding(SECRET, Severity.CRITICAL), source="llm", title="SQL is built of input")
    assert not dismissed.covers(other)
    assert dismissed.covers(replace(other, severity=Severity.HIGH))
    assert dismissed.covers(replace(other, title="The key of the test account is in this code"))
    assert dismissed.covers(replace(other, source="secrets:aws-key-id"))


def test_who_dismissed_it_when_and_why_is_known() -> None:
    made = suppression(CODE, suppressed_at=1_763_900_000.0)
    dismissals = Dismissals(frozenset({SECRET}), {CODE: made})
    assert dismissals.why(finding(CODE)) == "by ada on 2025-11-23: ours"
    assert dismissals.why(finding(SECRET, Severity.CRITICAL)) == "on this pull request"
    assert dismissals.why(finding("0" * 16)) is None
    assert Dismissals(in_repository={CODE: suppression(CODE)}).why(finding(CODE)) == "by ada: ours"


def test_a_critical_finding_is_reported_in_spite_of_a_suppression() -> None:
    dismissals = Dismissals(in_repository={CODE: suppression(CODE)})
    assert dismissals.why(finding(CODE, Severity.CRITICAL)) is None
