"""Hostile Markdown and code as HTML."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Category, Finding, Severity
from bot.web.pages.markup import CODE_CHARACTERS, Highlighter, change, code, inline, markdown


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


def test_long_code_is_cut() -> None:
    assert len(code("x" * 10 * CODE_CHARACTERS, "x.txt")) < 2 * CODE_CHARACTERS


def finding(**changed: Any) -> Finding:
    values: dict[str, Any] = {
        "path": "x.py",
        "category": Category.CORRECTNESS,
        "severity": Severity.HIGH,
        "title": "t",
        "body": "b",
        "confidence": 1.0,
        "source": "llm",
        "quote": "def f(): pass",
    }
    return Finding(**(values | changed))


def test_code_has_colors_as_long_as_that_is_quick() -> None:
    slow = Highlighter(seconds=0.000_001)
    assert '<span class="k">' in slow(finding())
    assert slow(finding(start_line=7)).count("<span") == 1, "the line's number is left"


def test_code_is_shown_between_its_neighbors() -> None:
    html = code("b", "x.txt", 9, before=("a",), after=("c", "d"))
    rows = [row.partition("</span></span>")[0] for row in html.split('<span class="row')[1:]]
    assert [row.startswith(" hit") for row in rows] == [False, True, False, False]
    assert [number for number in (" 8<", " 9<", "10<", "11<") if number in html] == [
        *(" 8<", " 9<", "10<", "11<"),
    ]


def test_a_suggestion_is_shown_between_its_neighbors() -> None:
    html = Highlighter()(finding(suggestion="", before=("a",), after=("c",), path="x.txt"))
    rows = [row.partition("</span>")[0] for row in html.split('<span class="row')[1:]]
    assert rows == ['"> a', ' del">-def f(): pass', '"> c']


def test_a_link_is_its_text_and_its_address() -> None:
    shown = inline("see [the rule](https://docs.example/x?a=1&b)")
    assert shown == "see the rule (https://docs.example/x?a=1&amp;b)"


def test_a_suggestion_is_shown_as_a_diff() -> None:
    html = change("a = 1\nkept\nb = 2", "a = <3>\nkept", "x.txt")
    rows = [row.partition("</span>")[0] for row in html.split('<span class="row')[1:]]
    assert rows == [' del">-a = 1', ' add">+a = &lt;3&gt;', '"> kept', ' del">-b = 2']


def test_lines_that_are_to_be_deleted_are_all_removed() -> None:
    assert 'class="row add"' not in change("a\nb", "", "x.py")
