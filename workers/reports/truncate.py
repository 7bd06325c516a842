"""Bodies that fit GitHub's limits: whole items are left out, and how many is said (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from bot.github.lengths import Length, characters

#: Room for the sentence that says how many were left out, and for line ends.
_SENTENCE = 200


@dataclass(frozen=True, slots=True)
class Truncated:
    """The first items, and how many there were beyond."""

    items: tuple[str, ...]
    dropped: int


def truncate(
    items: Iterable[str],
    count: int,
    budget: int,
    max_items: int | None = None,
    length: Length = characters,
) -> Truncated:
    """As many of the first of `count` items as fit into `budget` by `length`, at most `max_items`;
    those after the first that does not fit are not even made."""
    kept: list[str] = []
    remaining = budget - _SENTENCE
    for item in islice(items, max_items):
        remaining -= length(item) + 2
        if remaining < 0:
            break
        kept.append(item)
    return Truncated(tuple(kept), count - len(kept))


def size(kept: Truncated, length: Length = characters) -> int:
    """The room that the items take up at most."""
    return sum(length(item) + 2 for item in kept.items) + _SENTENCE
