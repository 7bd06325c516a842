"""Lengths as GitHub counts them."""


def github_length(text: str) -> int:
    """Characters as GitHub's limits count them at most: one outside the basic plane is two.

    GitHub documents its limits in characters, not in which kind; UTF-16 units are never fewer
    than code points, so a text that fits by this count fits by either.
    """
    return len(text) + sum(char > "\uffff" for char in text)


def byte_length(text: str) -> int:
    """Bytes of UTF-8, which GitHub counts in a check run; never fewer than the above."""
    return len(text.encode("utf-8", "surrogatepass"))


def cut(text: str, limit: int) -> str:
    """The text, or its beginning and an ellipsis, in at most `limit` characters (>= 1)."""
    if github_length(text) <= limit:
        return text
    remaining, end = limit - 1, 0
    for char in text:
        remaining -= github_length(char)
        if remaining < 0:
            break
        end += 1
    return text[:end].rstrip() + "…"
