"""When a review is posted, and when the one that stands is edited."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.model import Report, Trigger
from bot.store.pull_requests import Spoken
from workers.review.posted_review import news


@pytest.mark.parametrize(
    ("trigger", "changed", "is_news"),
    [
        (Trigger.PUSHED, {}, False),
        (Trigger.PUSHED, {"findings": ()}, False),
        (Trigger.COMMAND, {}, True),
        (Trigger.RERUN, {}, True),
        (Trigger.PUSHED, {"inline": ("00000000000000c1",)}, True),
        (Trigger.PUSHED, {"unheard": ("ruff",)}, False),
        (Trigger.PUSHED, {"unheard": ("ruff", "bandit")}, True),
        (Trigger.PUSHED, {"unheard": ()}, False),
        (Trigger.PUSHED, {"complete": False}, True),
    ],
)
def test_news_is_what_was_not_said_before_or_asked_for(
    report: Report, trigger: Trigger, changed: dict[str, Any], is_news: bool
) -> None:
    told = frozenset(finding.fingerprint for finding in report.findings)
    before = Spoken(id=1, node_id="PRR_1", told=told, failed=frozenset({"ruff"}))
    review = replace(report.review, trigger=trigger)
    quiet: dict[str, Any] = {"inline": (), "unheard": ("ruff",), "complete": True} | changed
    assert news(replace(report, review=review, **quiet), before) is is_news


def test_a_finding_that_no_review_told_is_news_though_it_has_no_place_on_lines(
    report: Report,
) -> None:
    before = Spoken(id=1, node_id="PRR_1", told=frozenset())
    review = replace(report.review, trigger=Trigger.PUSHED)
    assert news(replace(report, review=review, inline=(), unheard=(), complete=True), before)
