"""What is read leniently is what was written: no more, and of what was cut nothing half."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tally import Tally, tallied
from workers.analysis.llm.lenient_json import MAX_DEPTH, NotJson, Parsed, parse_value

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.sampled_from([0.5, -2e9]) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS.filter(bool), inner, max_size=3)
    ),
    max_leaves=12,
)
#: How JSON is laid out: all in one line, or a line for each member.
LAYOUTS = st.sampled_from([None, 0, 2])

#: It makes JSON something that only the lenient reader reads.
COMMENT = "[/* one */"


@given(value=VALUES, indent=LAYOUTS)
def test_what_is_json_but_for_a_comment_is_read_as_it_is_written(
    value: object, indent: int | None
) -> None:
    text = f"{COMMENT}{json.dumps(value, indent=indent)}]"
    assert parse_value(f"{text} and more", 0) == Parsed([value], len(text), False)


@tallied
@given(value=VALUES, indent=LAYOUTS, data=st.data())
def test_of_what_was_cut_the_whole_parts_are_kept(
    tally: Tally, value: object, indent: int | None, data: st.DataObject
) -> None:
    tally.at_least(kept=0.1)
    written = f"{COMMENT}{json.dumps([1, value], indent=indent)}]"
    length = data.draw(st.sampled_from(range(len(COMMENT), len(written))))
    read = parse_value(written[:length], 0)
    assert (read.end, read.cut) == (length, True)
    tally.add(kept=read.value not in ([], [[]]))
    assert is_beginning(read.value, [[1, value]])


def is_beginning(read: object, whole: object) -> bool:
    """Whether all of it stands in the whole at the same place."""
    if isinstance(read, list) and isinstance(whole, list):
        return len(read) <= len(whole) and all(map(is_beginning, read, whole))
    if isinstance(read, dict) and isinstance(whole, dict):
        return list(read) == list(whole)[: len(read)] and all(
            is_beginning(value, whole[name]) for name, value in read.items()
        )
    return read == whole and type(read) is type(whole)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': [{'b': 1}], 'c': 2}", {"a": [{"b": 1}], "c": 2}),
        ("{'a': [[1]], c: [2]}", {"a": [[1]], "c": [2]}),
        ("{a:{b:{}}c:1}", {"a": {"b": {}}, "c": 1}),
        ("[[][]]", [[], []]),
        ("['\\u00e9\\u0041', '\\n\\t']", ["éA", "\n\t"]),
        ("[12, 1.5e3, -.5, +7]", [12, 1500.0, -0.5, 7]),
        ("[" + "9" * 99 + ",]", [int("9" * 99)]),
        ("[" + "9" * 100 + ",]", [None]),
        ("[True, none, undefined, NaN, word]", [True, None, None, None, "word"]),
    ],
)
def test_each_part_ends_where_it_ends(text: str, value: Any) -> None:
    assert parse_value(text, 0) == Parsed(value, len(text), False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': 1, 'b", {"a": 1}),
        ("{'a': 1, 'b\\", {"a": 1}),
        ("{'a': 1, 'b'", {"a": 1}),
        ("{'a': 1, 'b':", {"a": 1}),
        ("{'a': 1, 'b': 2", {"a": 1}),
        ("{'a': 1, 'b': tru", {"a": 1}),
        ("{'a': 1, 'b': [2, 3", {"a": 1, "b": [2]}),
        ("{'a': 1, 'b': {'c': 'd", {"a": 1, "b": {}}),
        ("{'a': 1,", {"a": 1}),
    ],
)
def test_what_was_being_written_is_dropped(text: str, value: Any) -> None:
    assert parse_value(text, 0) == Parsed(value, len(text), True)


@pytest.mark.parametrize("text", ["{a 1}", "{1: 2}", "{'a': }}", "[(]", "{;}"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(NotJson):
        parse_value(text, 0)


def test_containers_may_lie_so_deep() -> None:
    def nested(depth: int) -> str:
        return "[" * depth + "//\n" + "]" * depth

    assert parse_value(nested(MAX_DEPTH), 0).end == len(nested(MAX_DEPTH))
    with pytest.raises(NotJson):
        parse_value(nested(MAX_DEPTH + 2), 0)
