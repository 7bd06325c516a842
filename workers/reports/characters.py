"""Characters as people see them and as GitHub counts them."""

import unicodedata

_VISIBLE_CONTROLS = frozenset("\n\t")
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
#: Letters and marks that show nothing: Hangul fillers, Khmer inherent vowels, Braille blank.
_BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u034f")
_ZERO_WIDTH_JOINER = "\u200d"
_EMOJI_VARIATION = "\ufe0f"


def show_hidden(text: str) -> str:
    r"""The text with characters that hide or reorder others written as `\u202e`.

    Bidi controls, zero-width and tag characters, other variation selectors, unassigned and
    private characters are shown; what emoji are made of (joiner, variation selector 16) stays
    where it stands in an emoji. Line ends become `\n`; line ends and tabs stay.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(
        _escape(char) if _hides(text, index, char) else char for index, char in enumerate(text)
    )


def _hides(text: str, index: int, char: str) -> bool:
    if char in _VISIBLE_CONTROLS:
        return False
    if char == _EMOJI_VARIATION:
        return not (index and (_is_symbol(text[index - 1]) or text[index - 1] in "#*0123456789"))
    if char == _ZERO_WIDTH_JOINER:
        before, after = text[index - 1 : index], text[index + 1 : index + 2]
        return not (_is_symbol(before) or before == _EMOJI_VARIATION) or not _is_symbol(after)
    return (
        unicodedata.category(char) in _HIDDEN_CATEGORIES
        or char in _BLANK
        or "\ufe00" <= char <= "\ufe0e"
        or "\U000e0100" <= char <= "\U000e01ef"
    )


def _is_symbol(char: str) -> bool:
    return bool(char) and unicodedata.category(char) in ("So", "Sk")


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def github_length(text: str) -> int:
    """Characters as GitHub's limits count them at most: one outside the basic plane is two.

    GitHub documents its limits in characters, not in which kind; UTF-16 units are never fewer
    than code points, so a text that fits by this count fits by either.
    """
    return len(text) + sum(char > "\uffff" for char in text)


def cut(text: str, limit: int) -> str:
    """The text, or its beginning and an ellipsis, in at most `limit` characters (>= 1)."""
    if github_length(text) <= limit:
        return text
    room, end = limit - 1, 0
    for char in text:
        room -= github_length(char)
        if room < 0:
            break
        end += 1
    return text[:end].rstrip() + "…"
