"""Texts are counted and cut as GitHub counts."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.github.lengths import Length, characters, cut, shorten, utf8_bytes
from tests.support.tally import Tally

TALLIED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize(
    ("text", "units", "octets"), [("", 0, 0), ("aé", 2, 3), ("𝄞", 2, 4), ("\ud800", 1, 3)]
)
def test_a_character_beyond_the_basic_plane_counts_twice(
    text: str, units: int, octets: int
) -> None:
    assert (characters(text), utf8_bytes(text)) == (units, octets)


#: As people write them.
LINES = st.text(st.sampled_from("aé𝄞 "), min_size=20, max_size=60)


@TALLIED
@given(
    lines=st.lists(
        st.text(max_size=10) | st.text(min_size=9, max_size=40) | LINES | st.just("x" * 300),
        min_size=1,
        max_size=6,
    ),
    times=st.sampled_from([1, 4]),
    limit=st.integers(100, 300),
    length=st.sampled_from([characters, utf8_bytes]),
)
def test_a_cut_text_fits_and_keeps_as_much_of_its_beginning_as_there_is_room_for(
    tally: Tally, lines: list[str], times: int, limit: int, length: Length
) -> None:
    tally.at_least(cut=0.15, whole=0.05, at_a_line=0.02)
    text = "\n".join(lines * times)
    short = cut(text, limit, length)
    tally.add(
        cut=length(text) > limit,
        whole=length(text) <= limit,
        at_a_line=length(text) > limit and text[short.rindex("\n\n_Truncated:")] == "\n",
    )
    assert length(short) <= limit
    if length(text) <= limit:
        assert short == text
    else:
        kept, _, notice = short.rpartition("\n\n_Truncated:")
        assert notice
        assert text.startswith(kept)
        room = limit - length(short[len(kept) :])
        fits = next(n for n in range(len(text), -1, -1) if length(text[:n]) <= room)
        assert len(kept) == fits or (text[len(kept)] == "\n" and len(kept) > fits // 2)


def test_a_text_is_cut_at_the_end_of_a_line_unless_it_is_one_line() -> None:
    lines = "a line of the text\n" * 100
    assert cut(lines, 200).partition("\n\n_Truncated")[0].endswith("a line of the text")
    beginning, _, notice = cut("𝄞" * 200, 200).partition("\n\n")
    assert notice == "_Truncated: GitHub accepts at most 200 characters._"
    assert characters(beginning) >= 200 - 2 - len(notice) - 1
    assert cut("𝄞" * 200, 200, utf8_bytes).endswith("at most 200 bytes._")


@TALLIED
@given(text=st.text(max_size=60), limit=st.integers(1, 50))
def test_a_shortened_text_fits_and_is_a_beginning(tally: Tally, text: str, limit: int) -> None:
    tally.at_least(shortened=0.02, whole=0.15)
    short = shorten(text, limit)
    tally.add(shortened=characters(text) > limit, whole=characters(text) <= limit)
    assert short == text or short.endswith("…")
    assert characters(short) <= limit
    assert text.startswith(short.removesuffix("…"))
