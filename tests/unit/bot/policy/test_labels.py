"""Labels: those that fit are added, those that no longer do are removed, others are left."""

from dataclasses import replace

import pytest

from bot.config.repository_config import LabelRule, RepoConfig
from bot.domain.model import Category, Severity
from bot.policy.labels import labels_to_change
from tests.support.web_server import REVIEW, make_report

CONFIG = RepoConfig(
    labels=(
        LabelRule(name="orders", paths=("shop/orders*",)),
        LabelRule(name="database", paths=("migrations/",)),
        LabelRule(name="Security", categories=(Category.SECURITY,)),
        LabelRule(name="serious", severity=Severity.HIGH),
        LabelRule(name="never"),
    )
)
REPORT = make_report(REVIEW)


@pytest.mark.parametrize(
    ("present", "wanted", "stale"),
    [
        ((), ["orders", "Security", "serious"], []),
        (("ORDERS", "bug"), ["Security", "serious"], []),
        (("Database", "bug", "never"), ["orders", "Security", "serious"], ["database", "never"]),
    ],
)
def test_only_named_labels_come_and_go(
    present: tuple[str, ...], wanted: list[str], stale: list[str]
) -> None:
    report = replace(REPORT, pull=replace(REPORT.pull, labels=present))
    assert labels_to_change(CONFIG, report) == (wanted, stale)


def test_a_look_for_one_category_removes_none() -> None:
    report = replace(
        REPORT,
        review=replace(REVIEW, focus=Category.QUALITY),
        pull=replace(REPORT.pull, labels=("database",)),
        findings=(),
    )
    assert labels_to_change(CONFIG, report) == (["orders"], [])


def test_without_rules_nothing_changes() -> None:
    report = replace(REPORT, pull=replace(REPORT.pull, labels=("orders",)))
    assert labels_to_change(RepoConfig(), report) == ([], [])
