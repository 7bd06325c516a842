"""The languages of what people read on a pull request, on pages and in reports.

English is the source: a message is its English text, with `{name}` where a value belongs, and
`de.po` beside this file (GNU gettext, compiled as it is read) has its German. A message without a
translation stays English. `python -m tests.project.translations` lists the messages and brings the
files up to date.

The language holds for a task and what it starts: `use` sets it once the configuration is known.
"""

import gettext as gnu_gettext
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import cache
from pathlib import Path

DIRECTORY = Path(__file__).parent


class Language(StrEnum):
    """By their codes of BCP 47; each but English has a file of translations."""

    ENGLISH = "en"
    GERMAN = "de"
    SPANISH = "es"
    FRENCH = "fr"
    JAPANESE = "ja"
    PORTUGUESE_BRAZIL = "pt-BR"
    CHINESE_SIMPLIFIED = "zh-CN"

    @property
    def english_name(self) -> str:
        """As a prompt names it: `Brazilian Portuguese`."""
        return _NAMES[self]

    @property
    def direction(self) -> str:
        """The `dir` of HTML."""
        return "rtl" if self in _RIGHT_TO_LEFT else "ltr"

    @property
    def locale(self) -> str:
        """As CLDR and Babel name it."""
        return self.replace("-", "_")

    @property
    def translations(self) -> Path | None:
        """The file of its translations; None for English."""
        return None if self is Language.ENGLISH else DIRECTORY / f"{self}.po"


_NAMES = {
    Language.ENGLISH: "English",
    Language.GERMAN: "German",
    Language.SPANISH: "Spanish",
    Language.FRENCH: "French",
    Language.JAPANESE: "Japanese",
    Language.PORTUGUESE_BRAZIL: "Brazilian Portuguese",
    Language.CHINESE_SIMPLIFIED: "Simplified Chinese",
}
#: None of ours is; pages ask, so that one that is needs no other change.
_RIGHT_TO_LEFT: frozenset[Language] = frozenset()

#: What commands begin with in messages.
DEFAULT_PREFIX = "/review"

_prefix: ContextVar[str] = ContextVar("prefix", default=DEFAULT_PREFIX)
_current: ContextVar[Language] = ContextVar("language", default=Language.ENGLISH)


def current() -> Language:
    """The language of this task."""
    return _current.get()


def use(language: Language, prefix: str = "") -> None:
    """Write in that language for the rest of this task, and in what it starts from now on; and
    name our commands by that prefix, if one is given."""
    _current.set(language)
    if prefix:
        _prefix.set(prefix)


def command() -> str:
    """What our commands begin with, `/review` unless the server says otherwise."""
    return _prefix.get()


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Write in that language within the block."""
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)


def _(message: str, /, **values: object) -> str:
    """The message in this task's language, with its values. Raises KeyError if one is lacking."""
    text = _catalog(current()).gettext(message) if message else ""
    text = text.replace(f"`{DEFAULT_PREFIX}", f"`{command()}")
    return text.format(**values) if values else text


def ngettext(one: str, many: str, count: int, /, **values: object) -> str:
    """The form of the message for that many, which is its value `number`."""
    text = _catalog(current()).ngettext(one, many, count)
    return text.format(number=number(count), **values)


def plural(count: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return ngettext(f"{{number}} {noun}", f"{{number}} {noun}s", count)


def number(value: int) -> str:
    """`1,234`, as the language groups digits."""
    if current() is Language.ENGLISH:
        return f"{value:,}"
    from babel.numbers import format_decimal

    return format_decimal(value, locale=current().locale)


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if current() is Language.ENGLISH:
        return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    from babel.lists import format_list

    return format_list(words, locale=current().locale)


@cache
def _catalog(language: Language) -> gnu_gettext.NullTranslations:
    """The translations of a language; those marked as fuzzy do not count."""
    path = language.translations
    if path is None:
        return gnu_gettext.NullTranslations()
    # With the first text that needs it: servers that write English never pay for it.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language.locale))
    compiled.seek(0)
    return gnu_gettext.GNUTranslations(compiled)
