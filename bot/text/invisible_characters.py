r"""Hidden characters made visible, the same way for people, pages and models (pure).

Bidirectional controls, zero-width and tag characters can hide text from people and show it to
a model, or the other way round. They are written as escapes such as `\u{202E}`, so that
nothing is hidden, nothing reordered and no line end forged.
"""

import re
import unicodedata

#: Letters, symbols and marks that show nothing: Hangul fillers, Khmer inherent vowels,
#: Braille blank, the grapheme joiner.
_BLANKS = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u034f")
#: Control, format, unassigned, private use, surrogate, line and paragraph separators.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_ZERO_WIDTH_JOINER = "\u200d"
_EMOJI_VARIATION = "\ufe0f"

_NON_PLAIN = re.compile(r"[^\t\n -~]")


def visible(text: str) -> str:
    r"""`text` with each hidden character written as `\u{HEX}`; as many lines as before.

    Line feeds and tabs stay, and what emoji are made of (joiner, variation selector 16)
    where it stands in an emoji.
    """
    return _NON_PLAIN.sub(lambda match: _visible_character(text, match.start()), text)


def show_hidden(text: str) -> str:
    """`visible` for what people read: every line end becomes a line feed first."""
    return visible(text.replace("\r\n", "\n").replace("\r", "\n"))


def _visible_character(text: str, index: int) -> str:
    char = text[index]
    return f"\\u{{{ord(char):04X}}}" if _is_hidden(text, index, char) else char


def _is_hidden(text: str, index: int, char: str) -> bool:
    if char == _EMOJI_VARIATION:
        return not (index and (_is_symbol(text[index - 1]) or text[index - 1] in "#*0123456789"))
    if char == _ZERO_WIDTH_JOINER:
        previous, following = text[index - 1 : index], text[index + 1 : index + 2]
        return not (_is_symbol(previous) or previous == _EMOJI_VARIATION) or not _is_symbol(
            following
        )
    return (
        unicodedata.category(char) in _HIDDEN_CATEGORIES
        or char in _BLANKS
        or "\ufe00" <= char <= "\ufe0e"
        or "\U000e0100" <= char <= "\U000e01ef"
    )


def _is_symbol(char: str) -> bool:
    return bool(char) and unicodedata.category(char) in ("So", "Sk")
