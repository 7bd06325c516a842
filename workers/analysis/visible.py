"""Hidden characters made visible (pure).

Bidirectional controls, zero-width and tag characters can hide text from people and
show it to a model, or the other way round. What we show to a model has them as
escapes such as `\\u{202E}`, so that nothing is hidden and no line end is forged.
"""

import re
import unicodedata

#: Blank-looking characters that Unicode files under letters, symbols and marks.
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5")
#: Control, format, surrogate, private use, line and paragraph separators.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})

_NON_PLAIN = re.compile(r"[^\t\n -~]")


def is_hidden(char: str) -> bool:
    """Whether a person would not see `char`; tab and line feed are seen."""
    if char in "\t\n":
        return False
    variation = 0xE0100 <= ord(char) <= 0xE01EF
    return variation or char in _BLANKS or unicodedata.category(char) in _HIDDEN_CATEGORIES


def visible(text: str) -> str:
    """`text` with each hidden character written as `\\u{HEX}`; line feeds and tabs stay."""
    return _NON_PLAIN.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    return f"\\u{{{ord(char):04X}}}" if is_hidden(char) else char
