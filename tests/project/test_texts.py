"""What people read is in plain words: no quaint ones, and American spelling."""

import pytest

from tests.project.texts import Text, texts


def test_no_text_has_a_quaint_word() -> None:
    found = texts()
    assert len(found) > 1500
    assert [text for text in found if text.quaint] == []


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("Findings that were told, by severity.", ("told",)),
        ("Redis is away; try again.", ("is away",)),
        ("Comment to start anew.", ("anew",)),
        ("Analysers run in bubblewrap.", ("Analysers",)),
        ("Redis is unavailable; retry.", ()),
        ("The variable `told` is set.", ()),
    ],
)
def test_quaint_words_are_found_outside_of_code(sentence: str, words: tuple[str, ...]) -> None:
    assert Text("a.md", 1, sentence).quaint == words
