"""Path globs as `.github/glossator.yml` and `.gitattributes` write them (pure).

Patterns are hostile too: matching takes time proportional to pattern times path,
whatever they hold (fnmatch's expressions never backtrack over a `*`).
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache

_MAX_PATTERN = 1024


def matches(pattern: str, path: str) -> bool:
    """Whether `path` (with `/`, from the root) matches.

    `*`, `?` and `[…]` stay within one name, `**` is any number of folders. A pattern
    without a slash is looked for at any depth; one that ends in a slash is a folder
    with all it holds.
    """
    if len(pattern) > _MAX_PATTERN:
        return False
    return _match(_segments(pattern), path.split("/"))


def any_matches(patterns: Iterable[str], path: str) -> bool:
    return any(matches(pattern, path) for pattern in patterns)


@lru_cache(maxsize=4096)
def _segments(pattern: str) -> tuple[str, ...]:
    folder = pattern.endswith("/")
    parts = pattern.strip("/").split("/")
    if len(parts) == 1 and not pattern.startswith("/"):
        parts.insert(0, "**")
    if folder:
        parts += ["*", "**"]  # something in it: a file of that name is no folder
    return tuple(parts)


def _match(pattern: tuple[str, ...], names: list[str]) -> bool:
    """Row by row: `reached[i]` says that the pattern so far matches the first i names."""
    reached = [True] + [False] * len(names)
    for part in pattern:
        row = [False] * (len(names) + 1)
        if part == "**":
            row[0] = reached[0]
            for i in range(1, len(row)):
                row[i] = reached[i] or row[i - 1]
        else:
            for i in range(1, len(row)):
                row[i] = reached[i - 1] and fnmatchcase(names[i - 1], part)
        reached = row
    return reached[-1] and not (pattern[-1] == "**" and len(pattern) > 1 and not names[-1])
