"""What fuzzing and reading found once, so that it does not come back."""

import re
from collections.abc import Callable

import pytest

from bot.text.secrets import redact
from tests.support.runtime_growth import growth
from tests.support.secret_shapes import SHAPES, private_key
from workers.analysis.anchor import anchor
from workers.analysis.answer_schemas import REVIEW_SCHEMA
from workers.analysis.llm.json_reader import MAX_ANSWER, read_answer
from workers.analysis.suggestions import fitting_suggestion
from workers.reports.sanitize import sanitize
from workers.scan.repository.diff import DiffError, parse_raw

from .targets import SHOWN

#: Four times the text may take so many times as long; the square would be sixteen.
LINEAR = 9


@pytest.mark.variations(3)
@pytest.mark.parametrize(
    "answer",
    [
        lambda size: "```\n" + "\t" * size,
        lambda size: "```\n" + "\n \t" * (size // 3),
        lambda size: "```" * (size // 3),
        lambda size: "{" + ", " * (size // 2),
        lambda size: "<think>" * (size // 7),
        lambda size: '{"findings": [' + '{"a": []},' * (size // 10),
        lambda size: "{" + "[" * (size // 2) + "]" * (size // 2),
        lambda size: '{"a": "' + '" x' * (size // 3),
        lambda size: '{"a":' * (size // 5),
        lambda size: "[{a:1}" * (size // 6),
        lambda size: "{/*" * (size // 3),
    ],
    ids=[
        "tabs",
        "lines",
        "fences",
        "commas",
        "thoughts",
        "findings",
        "depth",
        "quotes",
        "names",
        "lists",
        "comments",
    ],
)
def test_an_answer_made_to_be_slow_is_read_in_linear_time(answer: Callable[[int], str]) -> None:
    """White space before a fence that never closes took minutes of the worker's event loop."""

    def read(size: int) -> None:
        read_answer(answer(size), REVIEW_SCHEMA.wanted)

    assert growth(read, MAX_ANSWER) < LINEAR


def test_a_suggestion_made_to_be_slow_is_read_at_once() -> None:
    at = anchor(SHOWN.file, "b = [3, 4]", content=SHOWN.content)
    assert at is not None
    assert growth(lambda size: fitting_suggestion("```\n" + "\t" * size, SHOWN, at), 7900) < LINEAR
    assert fitting_suggestion("```python\nb = 5\n```\n", SHOWN, at) == "b = 5"


def test_a_quote_made_to_be_slow_is_read_at_once() -> None:
    assert growth(lambda size: anchor(SHOWN.file, "1" + " " * size + "x"), 7900) < LINEAR
    assert anchor(SHOWN.file, "2 - -|b = [3, 4]\n- 2   +  | b = [3, 4]") is not None


def test_a_record_of_git_without_a_name_is_an_error() -> None:
    """A rename with one path of two became a file of no name."""
    with pytest.raises(DiffError, match="names no file"):
        parse_raw(b":100644 100644 5555555 6666666 R090\0old\0\0")


@pytest.mark.parametrize("name", ["github personal", "google", "npm", "hugging face"])
def test_two_tokens_with_nothing_between_them_are_both_hidden(name: str) -> None:
    """The first was none, as a letter came after it, and the second a name in words."""
    shown = redact(SHAPES[name] * 2)
    assert shown.count("[redacted:") == 2
    assert not re.sub(r"\[redacted:[a-z-]+\]", "", shown)


def test_a_key_that_is_cut_off_before_another_is_hidden_as_well() -> None:
    """Of two beginnings only the second was taken for a key's."""
    cut = private_key().split("\n")[:4]
    shown = redact("\n".join([*cut, private_key(), "x = 1"]))
    assert not any(line in shown for line in cut)
    assert shown.endswith("\nx = 1")


def test_code_that_names_the_first_line_of_a_key_is_shown() -> None:
    """All that followed was hidden, up to the end of the file."""
    first = private_key().partition("\n")[0]
    code = f'if text.startswith("{first}"):\n    return load(text)\n'
    assert redact(code) == code


@pytest.mark.parametrize(
    "text",
    [
        "@[the fix](https://evil.example/)",
        "ww[w.evil.example](x)",
        "# @**mona**",
        "# GH**-12**",
        "[@](x)[mona](x)",
    ],
)
def test_removing_marks_creates_no_mention_or_address(text: str) -> None:
    """A link's words are written bare, and made a mention with what stood before it."""
    assert not re.search(r"@\w|www\.|GH-\d", re.sub(r"`[^`]*`", "", sanitize(text)))
