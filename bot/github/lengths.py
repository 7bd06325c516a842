"""Keeps what we write within GitHub's lengths."""

from __future__ import annotations

#: "body is too long (maximum is 65536 characters)": comments, reviews, review comments.
BODY_CHARACTERS = 65_536


def cut(text: str, limit: int) -> str:
    """`text`, or its beginning up to a line's end with a sentence that says it was cut.

    Never longer than `limit` characters.
    """
    if len(text) <= limit:
        return text
    notice = _notice(f"{limit:,} characters")
    return _to_line_end(text[: limit - len(notice)]) + notice


def cut_bytes(text: str, limit: int) -> str:
    """`cut` for where GitHub counts the bytes of UTF-8."""
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return text
    notice = _notice(f"{limit:,} bytes")
    return _to_line_end(data[: limit - len(notice)].decode("utf-8", "ignore")) + notice


def _notice(limit: str) -> str:
    return f"\n\n_Cut here: GitHub takes at most {limit}._"


def _to_line_end(text: str) -> str:
    """Without the line that was cut; one endless line is left as it is, rather than lost."""
    line_end = text.rfind("\n")
    return text[:line_end] if line_end > len(text) // 2 else text
