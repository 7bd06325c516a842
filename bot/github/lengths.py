"""Lengths of texts as GitHub counts them, and texts cut to them (pure)."""

from bisect import bisect_right
from collections.abc import Callable

#: "body is too long (maximum is 65536 characters)": comments, reviews, review comments.
BODY_CHARACTERS = 65_536
#: "summary exceeds a maximum bytesize of 65535", and `text` loses what is beyond without a word:
#: the documentation says characters (https://github.com/github/docs/issues/35252).
OUTPUT_BYTES = 65_535

Length = Callable[[str], int]


def characters(text: str) -> int:
    """Characters as GitHub's limits count them at most: one outside the basic plane is two.

    GitHub documents its limits in characters, not in which kind; UTF-16 units are never fewer
    than code points, so a text that fits by this count fits by either.
    """
    return len(text) + sum(char > "\uffff" for char in text)


def utf8_bytes(text: str) -> int:
    """Bytes of UTF-8, which GitHub counts in a check run; never fewer than the characters."""
    return len(text.encode("utf-8", "surrogatepass"))


def cut(text: str, limit: int, length: Length = characters) -> str:
    """The text, or its beginning up to a line's end and a sentence that says it was cut, in at
    most `limit` by `length`; `limit` has room for that sentence."""
    if length(text) <= limit:
        return text
    unit = "bytes" if length is utf8_bytes else "characters"
    notice = f"\n\n_Truncated: GitHub accepts at most {limit:,} {unit}._"
    beginning = _beginning(text, limit - len(notice), length)
    line_end = beginning.rfind("\n")
    # One endless line is left as it is, rather than lost.
    return (beginning[:line_end] if line_end > len(beginning) // 2 else beginning) + notice


def shorten(text: str, limit: int) -> str:
    """The text, or its beginning and an ellipsis, in at most `limit` characters (>= 1)."""
    if characters(text) <= limit:
        return text
    return _beginning(text, limit - 1, characters).rstrip() + "…"


def _beginning(text: str, limit: int, length: Length) -> str:
    ends = range(1, len(text) + 1)
    return text[: bisect_right(ends, limit, key=lambda end: length(text[:end]))]
