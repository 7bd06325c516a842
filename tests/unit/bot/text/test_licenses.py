"""A policy on licenses that are written as SPDX expressions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.licenses import allows, is_known


@pytest.mark.parametrize(
    ("expression", "allowed", "denied", "verdict"),
    [
        ("MIT", "", "", True),
        ("mit", "MIT", "", True),
        ("MIT OR GPL-3.0-only", "", "GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", "", "GPL-3.0-only", False),
        ("(MIT OR Apache-2.0) AND BSD-3-Clause", "MIT,BSD-3-Clause", "", True),
        ("MIT OR Apache-2.0 AND BSD-3-Clause", "Apache-2.0", "", False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "", "GPL-2.0-only", False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only", "", False),
        (
            "GPL-2.0-only WITH Classpath-exception-2.0",
            "GPL-2.0-only WITH Classpath-exception-2.0",
            "",
            True,
        ),
        ("MIT", "MIT", "MIT", False),
        ("MIT AND", "MIT", "", False),
        ("(GPL-3.0-only", "", "GPL-3.0-only", False),
        ("Some License", "some license", "", True),
        ("(" * 21 + "MIT" + ")" * 21, "MIT", "", False),
    ],
)
def test_an_expression_is_what_it_says(
    expression: str, allowed: str, denied: str, verdict: bool
) -> None:
    yes, no = (tuple(filter(None, names.split(","))) for names in (allowed, denied))
    assert allows(expression, yes, no) is verdict


def test_some_words_say_that_it_is_not_known() -> None:
    assert [is_known(text) for text in ("", "NOASSERTION", "MIT")] == [False, False, True]


@given(st.lists(st.sampled_from(["MIT", "GPL", "OR", "AND", "WITH", "(", ")"]), max_size=12))
def test_where_all_is_denied_nothing_is_allowed(words: list[str]) -> None:
    assert not allows(" ".join(["GPL", "AND", *words]), (), ("MIT", "GPL", ""))
