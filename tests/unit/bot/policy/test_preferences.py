"""What may be kept as a preference, and what it may leave out."""

from dataclasses import replace

import pytest

from bot.config.repository_config import TeamPreference
from bot.domain.model import Category, Finding, Severity
from bot.policy.preferences import concerning, folder_of, globs, may_leave_out, sentence
from bot.text.globs import any_matches
from tests.support.secret_shapes import aws_key_id

FINDING = Finding(
    path="src/api/orders.py",
    category=Category.CORRECTNESS,
    severity=Severity.HIGH,
    title="The id is not checked",
    body="Any id is loaded.",
    confidence=0.9,
    source="llm",
    quote="load(id)",
    start_line=5,
    end_line=5,
    fingerprint="00000000000000a1",
)


@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("severity", Severity)
def test_what_is_critical_or_about_security_is_left_out_by_no_preference(
    severity: Severity, category: Category
) -> None:
    allowed = severity is not Severity.CRITICAL and category is not Category.SECURITY
    assert may_leave_out(replace(FINDING, severity=severity, category=category)) is allowed


def test_what_an_analyzer_says_too_is_left_out_by_no_preference() -> None:
    assert may_leave_out(FINDING)
    assert not may_leave_out(replace(FINDING, source="ruff:F821"))
    assert not may_leave_out(replace(FINDING, agreement=2))


def test_a_sentence_is_one_short_line_without_secrets() -> None:
    secret = aws_key_id("x")
    assert sentence(f"  It is\n\r\u2028 ours:\t{secret} ") == "It is ours: [redacted:aws-key-id]"
    assert sentence(" \n ") == ""
    long = sentence("word " * 100)
    assert len(long) <= 200
    assert long.endswith("…")
    assert secret not in sentence("x" * 190 + " " + secret)


def test_globs_of_a_model_are_kept_where_they_fit_the_findings_path() -> None:
    path = FINDING.path
    assert globs(["docs/**", " src/{api,web}/** ", "", "src/`x`/**"], path) == ("src/api/**",)
    assert globs(["src/{api,web}/**", "*.py"]) == ("src/api/**", "src/web/**", "*.py")
    assert len(globs([f"{name}/**" for name in range(50)])) == 5
    assert globs(["*" * 5000], path) != ()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/api/orders.py", ("src/api/**",)),
        ("setup.py", ("/setup.py",)),
        ("app/[id]/page*.ts", ("app/[[]id]/**",)),
        ("src/" + "x" * 300 + "/a.py", ("src/**",)),
        ("src/a\nb/c.py", ("src/**",)),
    ],
)
def test_the_folder_of_a_file_as_globs(path: str, expected: tuple[str, ...]) -> None:
    assert folder_of(path) == expected
    assert any_matches(folder_of(path), path)


def test_a_preference_concerns_the_paths_that_it_matches() -> None:
    one, other = TeamPreference(("src/**",), "a"), TeamPreference(("docs/", "*.md"), "b")
    assert concerning([one, other], ["src/a.py"]) == [one]
    assert concerning([one, other], ["src/README.md", "x"]) == [one, other]
    assert concerning([one, other], ["x"]) == []
