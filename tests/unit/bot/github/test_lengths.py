"""Texts are counted and cut as GitHub counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.github.lengths import Length, characters, cut, shorten, utf8_bytes


@pytest.mark.parametrize(
    ("text", "units", "octets"), [("", 0, 0), ("aé", 2, 3), ("𝄞", 2, 4), ("\ud800", 1, 3)]
)
def test_a_character_beyond_the_basic_plane_counts_twice(
    text: str, units: int, octets: int
) -> None:
    assert (characters(text), utf8_bytes(text)) == (units, octets)


@given(st.text(), st.integers(100, 300), st.sampled_from([characters, utf8_bytes]))
def test_a_cut_text_fits_and_keeps_its_beginning(text: str, limit: int, length: Length) -> None:
    text *= 20
    short = cut(text, limit, length)
    assert length(short) <= limit
    if length(text) <= limit:
        assert short == text
    else:
        kept, _, notice = short.rpartition("\n\n_Cut here")
        assert notice
        assert text.startswith(kept)


def test_a_text_is_cut_at_the_end_of_a_line_unless_it_is_one_line() -> None:
    lines = "a line of the text\n" * 100
    assert cut(lines, 200).partition("\n\n_Cut")[0].endswith("a line of the text")
    beginning, _, notice = cut("𝄞" * 200, 200).partition("\n\n")
    assert notice == "_Cut here: GitHub takes at most 200 characters._"
    assert characters(beginning) >= 200 - 2 - len(notice) - 1
    assert cut("𝄞" * 200, 200, utf8_bytes).endswith("at most 200 bytes._")


@given(st.text(), st.integers(1, 50))
def test_a_shortened_text_fits_and_is_a_beginning(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert characters(short) <= limit
    assert text.startswith(short.removesuffix("…"))
