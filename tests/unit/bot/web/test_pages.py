"""Hostile text on pages, numbers in words, charts, figures."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import State
from bot.store import ReviewSummary
from bot.store.usage_questions import UsageTotal
from bot.web.pages import charts
from bot.web.pages.formatting import duration, money, number
from bot.web.pages.markup import CODE_CHARACTERS, Highlighter, code, inline, markdown
from bot.web.pages.statistics import DAYS, days_of, sum_up
from bot.web.pages.templates import page
from tests.support.web_server import REVIEW

NOW = 1_800_000_000.0


@given(st.text())
def test_no_tag_of_theirs_survives_markdown(text: str) -> None:
    hostile = f"{text} <img src=x onerror=alert(1)> [a](javascript:b) ![c](https://d)"
    for html in (markdown(hostile), inline(hostile)):
        assert "<img" not in html
        assert "<a " not in html
        assert "<script" not in html


@given(st.text(), st.sampled_from(["a.py", "b.html", "no-such.type", "c.php", ""]))
def test_code_is_text_in_one_block(text: str, path: str) -> None:
    html = code(text + "</code></pre><script>", path)
    assert html.count("<pre") == html.count("</pre>") == 1
    assert "<script" not in html


def test_code_has_the_numbers_of_its_lines() -> None:
    assert '<span class="ln"> 9</span>' in code("a\nb", "x.txt", 9)
    assert '<span class="ln">10</span>' in code("a\nb", "x.txt", 9)


def test_leading_empty_lines_keep_the_numbers_right() -> None:
    assert code("\n\nlast", "x.py", 1).count('class="ln"') == 3


def test_hidden_characters_are_shown() -> None:
    assert "\u202e" not in code("a\u202eb", "x.py")
    assert "\\u{202E}" in markdown("a\u202eb")


def test_hidden_characters_are_visible_on_every_page() -> None:
    page_text = bytes(page("message.html", title="a\u202eb", message="<b>\u200b\0").body).decode()
    assert page_text.count("a\\u{202E}b") == 2, "as the page's title and its heading"
    assert "&lt;b&gt;\\u{200B}\\u{0000}" in page_text


def test_long_code_is_cut() -> None:
    assert len(code("x" * 10 * CODE_CHARACTERS, "x.txt")) < 2 * CODE_CHARACTERS


def test_code_has_colors_as_long_as_that_is_quick() -> None:
    slow = Highlighter(seconds=0.000_001)
    assert '<span class="k">' in slow("def f(): pass", "x.py")
    assert slow("def f(): pass", "x.py", 7).count("<span") == 1, "the line's number is left"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (185, "3 min 5 s"), (3840, "1 h 4 min")]
)
def test_durations_are_human_readable(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_numbers_and_money_are_readable() -> None:
    assert number(1234567) == "1,234,567"
    assert [money(v) for v in (0, 0.0012, 0.5, 1234.5)] == [
        "$0.00",
        "$0.0012",
        "$0.50",
        "$1,234.50",
    ]


def listed(
    state: State, *, days: float = 0, seconds: float = 10, score: int | None = None, repo: str = ""
) -> ReviewSummary:
    repository = replace(REVIEW.repository, full_name=repo or "octo/demo")
    opened = NOW - days * 86_400
    return ReviewSummary(
        review=replace(REVIEW, repository=repository),
        state=state,
        opened_at=opened,
        finished_at=opened + seconds if state.finished else None,
        title="",
        score=score,
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
    figures = sum_up(reviews, {}, NOW)
    assert (figures.running, figures.finished) == (1, 5)
    assert (figures.success, figures.failure) == (0.75, 0.25)
    assert (figures.median_seconds, figures.p90_seconds) == (20, 30)


def test_days_without_reviews_are_there_and_older_ones_are_not() -> None:
    reviews = [listed(State.QUEUED), listed(State.QUEUED, days=1), listed(State.QUEUED, days=99)]
    figures = sum_up(reviews, {}, NOW)
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
    figures = sum_up([listed(State.QUEUED)], daily_usage, NOW)
    assert figures.tokens_per_day[-2:] == [(days[-2], 3), (days[-1], 140)]
    assert sum(cost for _, cost in figures.cost_per_day) == pytest.approx(0.75)


def test_scores_run_from_old_to_new_in_each_repository() -> None:
    reviews = [
        listed(State.COMPLETED, score=90),
        listed(State.COMPLETED, score=50, days=1),
        listed(State.COMPLETED, score=70, repo="octo/shop"),
        listed(State.FAILED, repo="octo/silent"),
    ]
    scores = sum_up(reviews, {}, NOW).scores
    assert [score for _, score in scores["octo/demo"]] == [50, 90]
    assert list(scores) == ["octo/demo", "octo/shop"]


def test_no_reviews_give_no_rates() -> None:
    figures = sum_up([], {}, NOW)
    assert (figures.success, figures.median_seconds, figures.scores) == (None, None, {})


labels = st.text(alphabet=st.characters(categories=["L", "N", "P"]), max_size=8)
values = st.lists(st.tuples(labels, st.floats(0, 100)), max_size=20)


@given(values, labels)
def test_charts_are_well_formed_and_inside_their_box(
    points: list[tuple[str, float]], title: str
) -> None:
    shown = [label for label, _ in points]
    for svg in (charts.bars(points, title, shown), charts.line(points, title)):
        root = ElementTree.fromstring(svg)
        assert root.get("aria-label") == title
        for mark in root.iter("rect"):
            assert 0 <= float(mark.get("y", "-1")) <= charts.BASE
            assert 0 <= float(mark.get("x", "-1")) <= charts.WIDTH
