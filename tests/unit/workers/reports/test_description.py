"""Our part of a description is between the markers, and all else is the author's."""

from hypothesis import given
from hypothesis import strategies as st

from bot.github.lengths import BODY_CHARACTERS
from workers.reports.description import BEGIN, END, with_overview, without_overview

BLOCK = f"{BEGIN}\nIt does this.\n{END}"
OTHER = f"{BEGIN}\nIt does that.\n{END}"
PIECES = st.lists(st.sampled_from([BEGIN, END, "a\r\n", "\n\n", "  ", "<!-- x -->", "é"]))


@given(PIECES.map("".join))
def test_whatever_the_author_wrote_stays_to_the_byte(body: str) -> None:
    changed = with_overview(body, BLOCK)
    pair = body.count(BEGIN) == body.count(END) == 1 and body.find(BEGIN) < body.find(END)
    if changed is None:
        assert not pair
        assert BEGIN in body or END in body
        return
    own = (body.partition(BEGIN)[0], body.partition(END)[2]) if pair else (body, "")
    assert changed.partition(BEGIN)[0].startswith(own[0])
    assert changed.partition(END)[2] == own[1]
    assert with_overview(changed, BLOCK) == changed, "safe to repeat"
    again = with_overview(changed, OTHER)
    assert again is not None
    assert again.replace(OTHER, BLOCK) == changed


def test_the_model_reads_what_the_author_wrote() -> None:
    assert without_overview("Mine.") == "Mine."
    assert without_overview(f"Mine.\n\n{BLOCK}\nAnd more.") == "Mine.\nAnd more."
    assert without_overview(f"{END} {BEGIN}") == f"{END} {BEGIN}"


def test_a_description_that_is_full_is_left_alone() -> None:
    assert with_overview("x" * (BODY_CHARACTERS - 10), BLOCK) is None
