"""The score falls with what is found and never rises by finding more."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Category, Finding, Severity
from workers.reports.verdict import score

FINDINGS = st.builds(
    Finding,
    path=st.just("a.py"),
    category=st.sampled_from(Category),
    severity=st.sampled_from(Severity),
    title=st.just("A title"),
    body=st.just(""),
    confidence=st.floats(allow_nan=False),
    source=st.just("llm"),
)
MANY = st.lists(FINDINGS, max_size=10)
LINES = st.integers(0, 100_000)


@given(MANY, LINES)
def test_it_is_a_number_from_0_to_100(findings: list[Finding], lines: int) -> None:
    assert 0 <= score(findings, lines) <= 100
    assert score([], lines) == 100


@given(MANY, FINDINGS, LINES)
def test_another_finding_never_raises_it(
    findings: list[Finding], more: Finding, lines: int
) -> None:
    assert score([*findings, more], lines) <= score(findings, lines)


@given(FINDINGS, st.sampled_from(Severity), LINES)
def test_a_more_severe_finding_never_raises_it(
    finding: Finding, severity: Severity, lines: int
) -> None:
    other = replace(finding, severity=severity)
    graver, milder = sorted((finding, other), key=lambda f: f.severity.rank)
    assert score([graver], lines) <= score([milder], lines)


@given(MANY, LINES, LINES)
def test_a_larger_change_bears_more(findings: list[Finding], lines: int, more: int) -> None:
    assert score(findings, lines + more) >= score(findings, lines)


@pytest.mark.parametrize(
    ("severity", "expected"),
    [(Severity.CRITICAL, 49), (Severity.HIGH, 70), (Severity.MEDIUM, 87), (Severity.LOW, 97)],
)
def test_one_certain_finding_in_ten_lines_scores_as_documented(
    severity: Severity, expected: int, one: Finding
) -> None:
    assert score([replace(one, severity=severity, confidence=1.0)], 10) == expected
