"""Figures of the dashboard and their charts."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import State
from bot.store import ReviewSummary, UsageTotal
from bot.web.pages.statistics import BASE, DAYS, WIDTH, bar_chart, days_of, summarize
from tests.support.web_server import REVIEW

NOW = 1_800_000_000.0


def listed(state: State, *, days: float = 0, seconds: float = 10, repo: str = "") -> ReviewSummary:
    repository = replace(REVIEW.repository, full_name=repo or "octo/demo")
    opened = NOW - days * 86_400
    return ReviewSummary(
        review=replace(REVIEW, repository=repository),
        state=state,
        opened_at=opened,
        finished_at=opened + seconds if state.finished else None,
        title="",
        tokens=100,
        cost=0.25,
        review_url="",
    )


def test_figures_are_of_what_ended_by_itself() -> None:
    reviews = [
        listed(State.QUEUED),
        listed(State.CANCELLED),
        listed(State.FAILED),
        *(listed(State.COMPLETED, seconds=n) for n in (10, 20, 30)),
    ]
    figures = summarize(reviews, {}, NOW)
    assert (figures.running, figures.finished) == (1, 5)
    assert (figures.success, figures.failure) == (0.75, 0.25)
    assert (figures.median_seconds, figures.p90_seconds) == (20, 30)


def test_days_without_reviews_are_there_and_older_ones_are_not() -> None:
    reviews = [listed(State.QUEUED), listed(State.QUEUED, days=1), listed(State.QUEUED, days=99)]
    figures = summarize(reviews, {}, NOW)
    assert len(figures.tokens_per_day) == DAYS
    assert [tokens for _, tokens in figures.tokens_per_day[-3:]] == [0, 100, 100]
    assert sum(cost for _, cost in figures.cost_per_day) == pytest.approx(0.5)


def test_what_questions_cost_belongs_to_its_day() -> None:
    days = days_of(NOW)
    daily_usage = {
        days[-1]: UsageTotal(40, 0.5),
        days[-2]: UsageTotal(3),
        "1999-12-31": UsageTotal(1000, 9.0),
    }
    figures = summarize([listed(State.QUEUED)], daily_usage, NOW)
    assert figures.tokens_per_day[-2:] == [(days[-2], 3), (days[-1], 140)]
    assert sum(cost for _, cost in figures.cost_per_day) == pytest.approx(0.75)


def test_no_reviews_give_no_rates() -> None:
    figures = summarize([], {}, NOW)
    assert (figures.success, figures.median_seconds) == (None, None)


labels = st.text(alphabet=st.characters(categories=["L", "N", "P"]), max_size=8)
values = st.lists(st.tuples(labels, st.floats(0, 100)), max_size=20)


@given(values, labels)
def test_charts_are_well_formed_and_inside_their_box(
    points: list[tuple[str, float]], title: str
) -> None:
    shown = [label for label, _ in points]
    root = ElementTree.fromstring(bar_chart(points, title, shown))
    assert root.get("aria-label") == title
    for mark in root.iter("rect"):
        assert 0 <= float(mark.get("y", "-1")) <= BASE
        assert 0 <= float(mark.get("x", "-1")) <= WIDTH
