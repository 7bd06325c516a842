"""What a review looks for: the server's word, the repository's, and that of who asks."""

from typing import Any

import pytest

from bot.config.repository_config import PathSeverity, RepoConfig
from bot.config.settings import Settings
from bot.domain.model import Category, Effort, Severity
from bot.domain.reasons import RejectionReason
from bot.policy.finding_filter import FindingFilter, doubts, effort_of, finding_filter

PATH = "src/app.py"
SECURITY, QUALITY = Category.SECURITY, Category.QUALITY
SERVER: dict[str, Any] = {
    "categories": (SECURITY, QUALITY),
    "min_severity": Severity.MEDIUM,
    "min_confidence": 0.7,
}


@pytest.mark.parametrize(
    ("config", "focus", "categories", "least"),
    [
        (RepoConfig(), None, (SECURITY, QUALITY), Severity.MEDIUM),
        (RepoConfig(categories=(QUALITY,)), None, (QUALITY,), Severity.MEDIUM),
        (RepoConfig(min_severity=Severity.CRITICAL), None, (SECURITY, QUALITY), Severity.CRITICAL),
        (RepoConfig(categories=(QUALITY,)), SECURITY, (SECURITY,), Severity.MEDIUM),
    ],
    ids=["the server's", "the repository's categories", "its severity", "what was asked for"],
)
def test_the_nearest_word_holds(
    config: RepoConfig,
    focus: Category | None,
    categories: tuple[Category, ...],
    least: Severity,
) -> None:
    settings = Settings(_env_file=None, **SERVER)
    assert finding_filter(settings, config, focus) == FindingFilter(categories, least, 0.7)


def test_whoever_asks_chooses_the_effort_and_the_repository_before_the_server() -> None:
    settings = Settings(_env_file=None, review_effort=Effort.QUICK)
    deep = RepoConfig(effort=Effort.DEEP)
    assert effort_of(settings, RepoConfig(), None) is Effort.QUICK
    assert effort_of(settings, deep, None) is Effort.DEEP
    assert effort_of(settings, deep, Effort.STANDARD) is Effort.STANDARD


def test_an_unwanted_finding_is_rejected_with_the_reason() -> None:
    looked_for = FindingFilter((SECURITY,), Severity.MEDIUM, 0.7)
    assert looked_for.rejects(SECURITY, Severity.MEDIUM, PATH) is None
    assert looked_for.rejects(QUALITY, Severity.HIGH, PATH) == (RejectionReason.CATEGORY, "quality")
    low = looked_for.rejects(SECURITY, Severity.LOW, PATH)
    assert low == (RejectionReason.SEVERITY, "medium")


def test_the_first_path_that_fits_has_the_least_severity() -> None:
    config = RepoConfig(
        path_severities=(
            PathSeverity(("tests/e2e/",), Severity.INFO),
            PathSeverity(("tests/", "*.sh"), Severity.HIGH),
        )
    )
    criteria = finding_filter(Settings(_env_file=None, **SERVER), config, None)
    least = {
        path: criteria.least_severity(path)
        for path in ("tests/e2e/a.py", "tests/a.py", "bin/run.sh", PATH)
    }
    assert list(least.values()) == [Severity.INFO, Severity.HIGH, Severity.HIGH, Severity.MEDIUM]
    assert criteria.rejects(SECURITY, Severity.MEDIUM, "tests/a.py") is not None
    assert criteria.rejects(SECURITY, Severity.LOW, "tests/e2e/a.py") is None
    assert criteria.rejects(SECURITY, Severity.CRITICAL, "tests/a.py") is None


def test_a_finding_below_the_least_confidence_is_doubted() -> None:
    assert doubts(0.7, 0.7) is None
    assert doubts(0.69, 0.7) == (RejectionReason.CONFIDENCE, "0.69 of 0.7")
    assert doubts(0.1, 0.7, "No.") == (RejectionReason.CONFIDENCE, "0.1 of 0.7: No.")
