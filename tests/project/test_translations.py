"""Translations fit the messages of today: no wrong value, no broken Markdown, few lacking."""

import re

import pytest

from templates.languages import Language
from tests.project.translations import (
    Source,
    catalog,
    forms,
    messages,
    mistakes,
    one,
    stale,
    untranslated,
)

#: A text that has just come or changed is shown in English until somebody translates it; more than
#: so many at once are too many for a reader.
MOST_UNTRANSLATED = 40

TRANSLATED = [language for language in Language if language.translations is not None]


@pytest.mark.parametrize("language", TRANSLATED)
def test_messages_are_translated(language: Language) -> None:
    missing = untranslated(language, messages())
    assert len(missing) <= MOST_UNTRANSLATED, f"Translate in {language.translations}: {missing}"
    old = stale(language, messages())
    if missing or old:  # they are named, and hold up nobody
        pytest.skip(f"{language}: not translated {missing}; no longer used {old}")


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_keep_values_and_markdown(language: Language) -> None:
    sources = messages()
    wrong = [
        mistake
        for message in catalog(language)
        if message.id and one(message) in sources and forms(message)
        for mistake in mistakes(sources[one(message)], forms(message))
    ]
    assert wrong == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_buttons_fit_and_are_named_as_they_are(language: Language) -> None:
    known = {one(message): message.string for message in catalog(language) if message.id}
    assert all(len(str(known[label])) <= 20 for label in ("Cancel", "Review again"))
    assert all(
        len(str(known[text])) <= 40 for text in ("Stop this review", "Review this commit again")
    )
    for text, translation in known.items():
        if "**Review again**" in text:
            assert f"**{known['Review again']}**" in str(translation)


def test_messages_are_found_in_code_templates_and_values() -> None:
    assert len(messages()) > 260
    assert messages()["{number} file"].many == "{number} files"
    found = {"No problems found.", "About this review", "lock file", "No review is running."}
    assert found <= set(messages())


@pytest.mark.parametrize(
    ("source", "translation"),
    [
        (Source("Read {done} of {files}"), "{done} gelesen"),
        (Source("Read {done}"), "{dome} gelesen"),
        (Source("Comment `/review`"), "`/revue` kommentieren"),
        (Source("Press **Review again**"), "*Erneut* anklicken"),
        (Source("Done"), "Fertig "),
        (Source("Done"), "Fertig {"),
    ],
)
def test_a_mistake_is_found(source: Source, translation: str) -> None:
    assert list(mistakes(source, (translation,)))
    assert not list(mistakes(Source("Read {done} of {files}"), ("{files}: {done}",)))


def test_a_value_that_a_message_needs_is_given() -> None:
    """English is filled in by the same calls: a name that is lacking raises there."""
    names = {name for text in messages() for name in re.findall(r"\{(\w+)\}", text)}
    assert "number" in names
    assert all(name.islower() for name in names)
