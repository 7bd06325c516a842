"""The lexer that colours a piece of hostile code, or none that does (pure)."""

from functools import lru_cache
from typing import Any

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound

_NAMES = """bash c cpp csharp css dart diff docker elixir go groovy html ini java javascript json
jsx kotlin lua make markdown perl php powershell python r ruby rust scala scss sql swift
terraform toml typescript vue xml yaml"""
#: Lexers that take well under a second for whatever LONGEST characters. Of the hundreds that
#: Pygments has, and a file's name chooses from, some backtrack for minutes on a few hundred.
_SAFE_LEXERS = frozenset(_NAMES.split())
#: Longer code has no colours: what the steady ones take grows with the square of it.
MAX_CHARACTERS = 2000
#: Markdown would have each piece of code in it coloured by the lexer that it names.
_OPTIONS: dict[str, Any] = {"stripnl": False, "handlecodeblocks": False}


def lexer_for(code: str, *, language: str = "", path: str = "") -> Lexer:
    """By the language's name or the file's path; one without colours if that is safer."""
    return _named("", "") if len(code) > MAX_CHARACTERS else _named(language, path)


@lru_cache(maxsize=256)
def _named(language: str, path: str) -> Lexer:
    plain: Lexer = TextLexer(stripnl=False)
    try:
        found: Lexer = (
            get_lexer_by_name(language, **_OPTIONS)
            if language
            else get_lexer_for_filename(path, **_OPTIONS)
        )
    except ClassNotFound:
        return plain
    return plain if _SAFE_LEXERS.isdisjoint(found.aliases) else found
