"""When a review is posted, and when the one that stands is edited."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.model import Report, Trigger
from bot.store import PostedSummary
from workers.review.posted_review import has_news


@pytest.mark.parametrize(
    ("trigger", "changed", "is_news"),
    [
        (Trigger.PUSHED, {}, False),
        (Trigger.PUSHED, {"findings": ()}, False),
        (Trigger.COMMAND, {}, True),
        (Trigger.RERUN, {}, True),
        (Trigger.PUSHED, {"inline": ("00000000000000c1",)}, True),
        (Trigger.PUSHED, {"failed_sources": ("ruff",)}, False),
        (Trigger.PUSHED, {"failed_sources": ("ruff", "oxlint")}, True),
        (Trigger.PUSHED, {"failed_sources": ()}, False),
        (Trigger.PUSHED, {"complete": False, "unread": 1}, True),
    ],
)
def test_new_findings_are_those_not_reported_or_requested_before(
    report: Report, trigger: Trigger, changed: dict[str, Any], is_news: bool
) -> None:
    told = frozenset(finding.fingerprint for finding in report.findings)
    before = PostedSummary(
        id=1, node_id="PRR_1", fingerprints=told, failed_sources=frozenset({"ruff"})
    )
    review = replace(report.review, trigger=trigger)
    quiet: dict[str, Any] = {"inline": (), "failed_sources": ("ruff",), "complete": True} | changed
    assert has_news(replace(report, review=review, **quiet), before) is is_news


def test_an_unreported_finding_without_an_anchor_counts_as_new(
    report: Report,
) -> None:
    before = PostedSummary(id=1, node_id="PRR_1", fingerprints=frozenset())
    review = replace(report.review, trigger=Trigger.PUSHED)
    assert has_news(
        replace(report, review=review, inline=(), failed_sources=(), complete=True), before
    )
