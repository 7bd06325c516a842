"""What an LLM, an analyser or an author says does nothing on GitHub but be read."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.text.invisible_characters import show_hidden
from workers.reports.sanitize import code_span, fence, fence_language, sanitize, sanitize_line

GITHUB = MarkdownIt("commonmark").enable(["table", "strikethrough"])
ACTIVE = re.compile(r"@\w|#\d|://|(?<![^\W_])(?:GH-\d|www\.)", re.IGNORECASE)

PIECES = st.sampled_from(
    [
        "@mona",
        "@octo/team",
        "#1",
        "fixes #12",
        "Closes octo/shop#3",
        "GH-7",
        "https://evil.example/?q=1",
        "www.evil.example",
        "_www.evil.example",
        "mailto:a@b.example",
        "a@b.example",
        "![x](http://evil.example/p.png)",
        "[x](http://evil.example)",
        "<http://evil.example>",
        "[r]: http://evil.example",
        "[r]",
        "![r]",
        "<img src=x>",
        "<script>",
        "</details>",
        "<!-- glossator:review:1 -->",
        "<!--",
        "-->",
        "<b>",
        "<a href='x'>",
        "/lgtm",
        "/review",
        "`",
        "``",
        "```",
        "````",
        "~~~",
        "```suggestion",
        "```mermaid",
        "\\",
        "*",
        "**",
        "_",
        "__",
        "~~",
        "|",
        "---",
        "===",
        ":--",
        "- ",
        "1. ",
        "> ",
        "# ",
        "    ",
        "\t",
        "\n",
        "\n\n",
        " ",
        "&#64;mona",
        "&lt;b&gt;",
        "&#10;",
        "&#x202e;",
        "\u202e",
        "\u200b",
        "\u2066",
        "\U000e0041",
        "\x00",
        "\r",
        "$x$",
        "word",
        "a_b_c",
        "é",
        "语",
        "🙂",
    ]
)
HOSTILE = st.lists(PIECES | st.text(max_size=4), max_size=25).map("".join)


def outside_code(markdown: str) -> list[Token]:
    """The inline tokens of what GitHub would render, without code."""
    tokens = GITHUB.parse(markdown)
    inline = [child for token in tokens for child in token.children or []]
    return [t for t in [*tokens, *inline] if t.type not in ("code_inline", "fence", "code_block")]


def visible_texts(markdown: str) -> list[str]:
    """Each run of text as GitHub's filters meet it: adjacent text nodes joined."""
    texts = []
    for token in GITHUB.parse(markdown):
        run = ""
        for child in token.children or []:
            if child.type in ("text", "text_special"):
                run += child.content
            else:
                texts.append(run)
                run = ""
        texts.append(run)
    return texts


@given(HOSTILE)
@example("``a` @mona b``#1")
@example("`x`@mona`y``#1`z`")
@example("x\n:--\n`a | @mona`")
@example("- a\n\n  ```\n  </details>\n- @mona")
@example("&#10;&#10;/lgtm")
@example("a\\\n/lgtm")
@example("[@mona](x)![@mona](y)")
@example("**@mona**_#1_")
def test_nothing_that_acts_is_left_outside_code(text: str) -> None:
    markdown = sanitize(text)
    kinds = {token.type for token in outside_code(markdown)}
    assert not kinds & {"link_open", "image", "html_inline", "html_block", "table_open"}
    assert not [text for text in visible_texts(markdown) if ACTIVE.search(text)]
    assert not re.search(r"(?m)^/", markdown)
    assert "<!-- glossator" not in markdown


@given(HOSTILE)
def test_a_line_stays_one_line_and_does_nothing(text: str) -> None:
    markdown = sanitize_line(text)
    assert "\n" not in markdown
    kinds = {token.type for token in outside_code(markdown)} - {"softbreak"}
    assert kinds <= {
        "paragraph_open", "paragraph_close", "inline", "text", "text_special",
        "em_open", "em_close", "strong_open", "strong_close",
    }  # fmt: skip
    assert not [text for text in visible_texts(markdown) if ACTIVE.search(text)]


@given(HOSTILE)
def test_no_hidden_character_is_left(text: str) -> None:
    shown = show_hidden(text)
    assert not re.search(
        "[\u200b-\u200f\u202a-\u202e\u2060-\u2069\U000e0000-\U000e007f\x00\r]", shown
    )
    assert show_hidden(shown) == shown


@given(st.text())
def test_inline_code_shows_the_text(text: str) -> None:
    markdown = code_span(text)
    tokens = GITHUB.parseInline(f"a {markdown} b")[0].children or []
    if markdown:
        assert [t.type for t in tokens] == ["text", "code_inline", "text"]
    else:
        assert not show_hidden(text).strip()


@given(HOSTILE)
def test_a_fence_holds_whatever_is_in_it(text: str) -> None:
    tokens = GITHUB.parse(fence(text, "python") + "\n\nafter")
    assert [t.type for t in tokens][0] == "fence"
    assert [t.type for t in tokens][1:] == ["paragraph_open", "inline", "paragraph_close"]
    code = show_hidden(text).replace("<!-- glossator", "<! -- glossator")
    if "\t" not in code:  # a tab may be widened by the indentation
        assert tokens[0].content.rstrip("\n") == code.rstrip("\n")


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("Ask @mona (fixes #12).", "Ask `@mona` (fixes `#12`)."),
        ("See https://evil.example/x.", "See `https://evil.example/x`."),
        ("[docs](https://evil.example)", "docs (`https://evil.example`)"),
        ("![p](https://evil.example/p.png)", "`![p](https://evil.example/p.png)`"),
        ("<b>bold</b> & more", "&lt;b>bold&lt;/b> & more"),
        ("/lgtm\n/approve", "\\/lgtm\n\\/approve"),
        ("list[int] and a_b and 2 * 3", "list\\[int\\] and a_b and 2 \\* 3"),
        ("*very* **bad** `x`", "*very* **bad** `x`"),
        ("# Big\n\n- a\n- b", "**Big**\n\n- a\n- b"),
        ("```suggestion\nx\n```", "```\nx\n```"),
        ("```python\nx\n```", "```python\nx\n```"),
        ("```\n/lgtm\n```", " ```\n /lgtm\n ```"),
        ("a\u202eb", "a\\\\u{202E}b"),
        ("👨‍👩‍👧 ❤️", "👨‍👩‍👧 ❤️"),
        ("1. a\n   - b\n2. c", "1. a\n\n   - b\n2. c"),
        ("> said\n> so", "> said\n> so"),
        ("runs $(cmd), and f($x).", "runs `$(cmd)`, and `f($x)`."),
        ("call obj.__init__() first", "call obj.\\_\\_init\\_\\_() first"),
        ("x = a[i](b)", "x = a\\[i\\]\\(b)"),
    ],
)
def test_ordinary_markdown_stays_readable(text: str, markdown: str) -> None:
    assert sanitize(text) == markdown


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_what_says_nothing_is_no_code(text: str) -> None:
    assert code_span(text) == ""


@pytest.mark.parametrize("text", ["#", "a\n\n#", "## #\n\na"])
def test_a_heading_without_words_leaves_no_mark(text: str) -> None:
    assert sanitize(text) == ("a" if "a" in text else "")


def test_a_title_is_not_bold_in_itself() -> None:
    assert sanitize_line("**Division** by __zero__ in __init__", strong=False) == (
        "Division by \\_\\_zero\\_\\_ in \\_\\_init\\_\\_"
    )


@pytest.mark.parametrize("info", ["suggestion", "SUGGESTION x", "mermaid", "math", "a`b", ""])
def test_a_fence_gets_no_name_that_github_acts_on(info: str) -> None:
    assert fence_language(info) == ""


@pytest.mark.parametrize("text", ["_www.evil.example", "a_www.evil.example/x", "_GH-7"])
def test_an_underscore_ends_no_word_for_github(text: str) -> None:
    """https://github.com/github/cmark-gfm links `www.` after a blank or one of `*_~(`."""
    assert "`" in sanitize(text)
    assert "`" in sanitize_line(text)
