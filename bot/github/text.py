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
    notice = f"\n\n_Cut here: GitHub takes at most {limit:,} characters._"
    kept = text[: limit - len(notice)]
    line_end = kept.rfind("\n")
    # One endless line is cut where it stands, rather than lost.
    return (kept[:line_end] if line_end > len(kept) // 2 else kept) + notice
