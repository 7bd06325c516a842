"""A quote is found where it stands, and refused where it may stand elsewhere."""

import pytest

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line, Side
from workers.analysis.anchor import LONGEST_QUOTE, SHORTEST_PART, TOLERANCE, Anchor, anchor

#: The first hunk: lines 10 to 12 of the old side, 10 to 13 of the new one. The second: 200 to 201
#: of the old side, 201 to 203 of the new one.
FIRST = Hunk(
    10,
    10,
    "",
    (
        Line(10, 10, "def pay(order):"),
        Line(11, None, "    total = order.sum()"),
        Line(None, 11, "    total = order.sum(tax=True)"),
        Line(None, 12, "    log.info('paying %s', order.id)"),
        Line(12, 13, "    return charge(total)"),
    ),
)
SECOND = Hunk(
    200,
    201,
    "",
    (
        Line(200, 201, "def refund(order):"),
        Line(None, 202, "    log.info('refunding %s', order.id)"),
        Line(201, None, "    return give_back(order)"),
        Line(None, 203, "    return charge(-order.sum(tax=True))"),
    ),
)
FILE = ChangedFile(path="shop.py", status=FileStatus.MODIFIED, hunks=(FIRST, SECOND))


def head(**others: str) -> str:
    """The whole file at the head; `others` are lines outside the hunks, as `line_7="…"`."""
    lines = [""] * 300
    for hunk in FILE.hunks:
        for line in hunk.on(Side.RIGHT):
            lines[(line.new or 0) - 1] = line.text
    for name, text in others.items():
        lines[int(name.removeprefix("line_")) - 1] = text
    return "\n".join(lines)


def right(start: int, end: int | None = None) -> Anchor:
    return Anchor(Side.RIGHT, start, end or start)


def left(start: int, end: int | None = None) -> Anchor:
    return Anchor(Side.LEFT, start, end or start)


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        ("    log.info('paying %s', order.id)", right(12)),
        ("log.info('paying  %s',\torder.id)", right(12)),
        ("\n\n  log.info('paying %s', order.id)\n  return charge(total)\n\n", right(12, 13)),
        ("    return give_back(order)", left(201)),
        ("+    log.info('paying %s', order.id)", right(12)),
        ("-    total = order.sum()", left(11)),
        (" def pay(order):\n-    total = order.sum()", left(10, 11)),
        ("-    total = order.sum()\n+    total = order.sum(tax=True)", right(11)),
        ("12 13  |    return charge(total)\n", None),
        ("- 12 +|    log.info('paying %s', order.id)", right(12)),
        ("12 +|    log.info('paying %s', order.id)\n13  |    return charge(total)", right(12, 13)),
        ("11 - -|    total = order.sum()", left(11)),
        ("12 |    log.info('paying %s', order.id)", right(12)),
        ("12 |    log.info('paying %s', order.id)\nnothing", None),  # not numbers of each line
        ("+    log.info('paying %s', order.id)\nx    return charge(total)", None),
        ("    return charge(-order.sum(tax=True))", right(203)),
    ],
)
def test_whole_lines_are_found_plain_with_markers_and_with_numbers(
    quote: str, expected: Anchor | None
) -> None:
    assert anchor(FILE, quote) == expected
    assert anchor(FILE, quote, content=head()) == expected


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        ("'paying %s', order.id", right(12)),
        ("order.sum(tax=True)\n", None),  # in both hunks
        ("total = order.sum(tax=True)", right(11)),
        ("total = order.sum", None),  # before and after the change
        ("give_back(order)", left(201)),
        ("charge(-order.sum(tax=True))", right(203)),
        ("charge(total)", None),  # in an unchanged line
        ("back(order)", None),  # a part of a word
        ("give_back(orde", None),
        ("+charge(-order.sum(tax=True))", right(203)),
        ("-charge(-order.sum(tax=True))", None),
    ],
)
def test_a_part_of_a_line_is_found_between_the_bounds_of_words(
    quote: str, expected: Anchor | None
) -> None:
    assert anchor(FILE, quote) == expected
    assert anchor(FILE, quote, content=head()) == expected


def test_a_part_of_a_line_has_to_be_long_enough() -> None:
    lines = (Line(None, 1, "a = b(c, d)"), Line(None, 2, "return None"))
    file = ChangedFile(path="a.py", status=FileStatus.MODIFIED, hunks=(Hunk(0, 1, "", lines),))
    short, enough = "= b(c, d)", "a = b(c, d"
    assert (len(short), len(enough)) == (SHORTEST_PART - 1, SHORTEST_PART)
    assert anchor(file, short) is None
    assert anchor(file, enough) == right(1)
    assert anchor(file, f"{enough}\nreturn None") is None, "parts of two lines"


def test_a_quote_has_to_be_short_enough() -> None:
    lines = tuple(Line(None, number, f"line {number}") for number in range(1, 300))
    file = ChangedFile(path="a.py", status=FileStatus.MODIFIED, hunks=(Hunk(0, 1, "", lines),))
    whole = [line.text for line in lines]
    assert anchor(file, "\n".join(whole[:LONGEST_QUOTE])) == right(1, LONGEST_QUOTE)
    assert anchor(file, "\n".join(whole[: LONGEST_QUOTE + 1])) is None


@pytest.mark.parametrize("quote", ["    log.info('paying %s', order.id)", "'paying %s', order.id"])
def test_what_also_stands_outside_of_the_diff_is_decided_by_the_number_of_its_side(
    quote: str,
) -> None:
    again = "    log.info('paying %s', order.id)"
    far = head(line_100=again)
    assert anchor(FILE, quote, content=far) is None
    assert anchor(FILE, quote, 14, Side.RIGHT, far) == right(12)
    assert anchor(FILE, quote, 100, Side.RIGHT, far) is None
    assert anchor(FILE, quote, 14, content=far) is None, "line 100 has another number there"
    for near in (head(line_9=again), head(line_14=again), head(line_20=again)):
        assert anchor(FILE, quote, content=near) is None
        assert anchor(FILE, quote, 12, Side.RIGHT, near) is None


def test_lines_that_begin_in_a_hunk_and_end_outside_of_it_are_refused() -> None:
    quote = "    return charge(total)\n    # the end"
    assert anchor(FILE, quote, content=head(line_14="    # the end")) is None
    assert anchor(FILE, "    return charge(-order.sum(tax=True))\n# the end") is None


def test_a_removed_line_is_not_looked_for_outside_of_the_diff() -> None:
    again = head(line_100="    total = order.sum()")
    assert anchor(FILE, "-    total = order.sum()", content=again) == left(11)
    assert anchor(FILE, "    total = order.sum()", content=again) is None
    assert anchor(FILE, "    total = order.sum()", side_hint=Side.LEFT, content=again) is None


def two(first: Line, second: Line) -> ChangedFile:
    hunks = tuple(Hunk(at.old or 0, at.new or 0, "", (at,)) for at in (first, second))
    return ChangedFile(path="a.py", status=FileStatus.MODIFIED, hunks=hunks)


def test_of_two_places_the_number_decides_that_only_one_is_near_of() -> None:
    far = two(Line(None, 10, "call(x, y)"), Line(None, 10 + 2 * TOLERANCE + 1, "call(x, y)"))
    for side in (None, Side.RIGHT):
        assert anchor(far, "call(x, y)", None, side) is None
        assert anchor(far, "call(x, y)", 10 + TOLERANCE, side) == right(10)
        assert anchor(far, "call(x, y)", 11 + TOLERANCE, side) == right(11 + 2 * TOLERANCE)
        assert anchor(far, "call(x, y)", 12 + 3 * TOLERANCE, side) is None
    near = two(Line(None, 10, "call(x, y)"), Line(None, 10 + 2 * TOLERANCE, "call(x, y)"))
    assert anchor(near, "call(x, y)", 10 + TOLERANCE) is None


def test_on_the_old_side_the_number_counts_there() -> None:
    far = two(Line(10, None, "call(x, y)"), Line(100, None, "call(x, y)"))
    for side in (None, Side.LEFT):
        assert anchor(far, "call(x, y)", 101, side) == left(100)
    assert anchor(far, "call(x, y)", 101, Side.RIGHT) is None


def test_of_both_sides_the_one_that_was_said_is_meant() -> None:
    moved = two(Line(10, None, "call(x, y)"), Line(None, 100, "call(x, y)"))
    assert anchor(moved, "call(x, y)") is None
    assert anchor(moved, "call(x, y)", 100) is None
    assert anchor(moved, "call(x, y)", side_hint=Side.RIGHT) == right(100)
    assert anchor(moved, "call(x, y)", side_hint=Side.LEFT) == left(10)
    assert anchor(moved, "call(x, y)", 10, Side.RIGHT) is None
    assert anchor(moved, "-call(x, y)") == left(10)
    assert anchor(moved, "+call(x, y)") == right(100)
    inside = two(Line(10, None, "a = call(x, y)"), Line(None, 100, "b = call(x, y)"))
    assert anchor(inside, "-call(x, y)") == left(10)
    assert anchor(inside, "+call(x, y)") == right(100)


def test_a_wrong_number_is_overlooked_only_if_the_whole_file_has_the_line_once() -> None:
    quote = "    log.info('paying %s', order.id)"
    assert anchor(FILE, quote, 250) is None
    assert anchor(FILE, quote, 250, content=head()) == right(12)
    assert anchor(FILE, "    total = order.sum()", 250, content=head()) is None, "the old side"


def test_a_wrong_side_is_overlooked_if_there_is_one_place() -> None:
    quote = "    log.info('paying %s', order.id)"
    assert anchor(FILE, quote, side_hint=Side.LEFT) == right(12)
    assert anchor(FILE, quote, 12, Side.LEFT, head()) == right(12)


@pytest.mark.parametrize("quote", ["", " \n\t", "no_such_line(anywhere)", "def pay(order):"])
def test_what_is_not_a_changed_line_has_no_anchor(quote: str) -> None:
    assert anchor(FILE, quote) is None
    assert anchor(FILE, quote, 10, Side.RIGHT, head()) is None
