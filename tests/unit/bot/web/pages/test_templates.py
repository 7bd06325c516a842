"""Text, numbers and times on pages."""

import pytest

from bot.domain.model import Category, Finding, Severity
from bot.github.urls import CodeLinks
from bot.web.pages.markup import Highlighter
from bot.web.pages.templates import _environment, ago, duration, money, page
from templates.languages import number


def test_hidden_characters_are_visible_on_every_page() -> None:
    page_text = bytes(page("message.html", title="a\u202eb", message="<b>\u200b\0").body).decode()
    assert page_text.count("a\\u{202E}b") == 2, "as the page's title and its heading"
    assert "&lt;b&gt;\\u{200B}\\u{0000}" in page_text


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


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (-5, "just now"),
        (59, "just now"),
        (3599, "59 min ago"),
        (7200, "2 h ago"),
        (86_400, "1 day ago"),
        (5 * 86_400, "5 days ago"),
        (90 * 86_400, "1970-01-01"),
    ],
)
def test_times_are_told_by_their_age(age: float, words: str) -> None:
    assert ago(1000, 1000 + age) == words


def test_the_page_of_a_rule_is_a_link() -> None:
    finding = Finding(
        path="a.py", category=Category.CORRECTNESS, severity=Severity.HIGH, title="t",
        body="See https://elsewhere.example.", confidence=1.0, source="ruff:F821",
        start_line=1, end_line=1, url="https://docs.astral.sh/ruff/rules/undefined-name",
    )  # fmt: skip
    module = _environment().get_template("finding.html").module
    shown = str(module.finding_card(finding, CodeLinks(), Highlighter(), "inline"))  # type: ignore[attr-defined]
    assert f'<a href="{finding.url}">about this rule</a>' in shown
    assert "elsewhere.example" in shown
    assert 'href="https://elsewhere' not in shown
