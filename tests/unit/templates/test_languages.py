"""What people read is in the language of the task, and in English where there is no translation."""

import asyncio

import pytest

from bot.domain.model import Rejected, SkippedFile
from bot.domain.progress import Activity
from bot.domain.reasons import FileSkipReason, RejectionReason
from templates.languages import (
    Language,
    _,
    current,
    listed,
    ngettext,
    number,
    plural,
    speaking,
    use,
)


def test_english_is_the_source() -> None:
    assert _("No problems found.") == "No problems found."
    assert plural(1, "file") == "1 file"
    assert plural(2_000, "file") == "2,000 files"
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_german_has_its_own_words_plurals_numbers_and_lists() -> None:
    with speaking(Language.GERMAN):
        assert _("No problems found.") == "Keine Probleme gefunden."
        assert plural(1, "file") == "1 Datei"
        assert plural(2_000, "file") == "2.000 Dateien"
        assert number(1_234_567) == "1.234.567"
        assert listed(["a", "b", "c"]) == "a, b und c"
        assert Activity.CHECKING.text(1) == "Überprüfen: 1 Befund"
    assert current() is Language.ENGLISH


def test_a_message_without_translation_stays_english() -> None:
    with speaking(Language.GERMAN):
        assert _("Something new of {name}.", name="x") == "Something new of x."
        assert ngettext("{number} new thing", "{number} new things", 2) == "2 new things"


def test_reasons_are_kept_as_codes_and_read_in_the_readers_language() -> None:
    skipped = SkippedFile("a.bin", FileSkipReason.TOO_LARGE, "1 MB")
    dropped = Rejected(path="a", title="t", reason=RejectionReason.REFUTED, detail="{x}")
    assert (skipped.text, dropped.text) == ("larger than 1 MB", "refuted: {x}")
    with speaking(Language.GERMAN):
        assert (skipped.text, dropped.text) == ("größer als 1 MB", "widerlegt: {x}")


def test_values_are_never_read_as_patterns() -> None:
    with speaking(Language.GERMAN):
        text = _("The title contains `{marker}`.", marker="{0.__class__} {marker}")
    assert text == "Der Titel enthält `{0.__class__} {marker}`."


async def test_a_language_holds_for_its_task_and_what_that_starts() -> None:
    async def started() -> Language:
        return current()

    async def german() -> list[Language]:
        use(Language.GERMAN)
        return [current(), *await asyncio.gather(started(), asyncio.to_thread(current))]

    assert await asyncio.create_task(german()) == [Language.GERMAN] * 3
    assert current() is Language.ENGLISH


@pytest.mark.parametrize("language", Language)
def test_every_language_has_a_name_and_a_direction(language: Language) -> None:
    assert language.english_name
    assert language.direction == "ltr"
