"""Token counts without a network (pure).

`rs-bpe` carries the o200k vocabulary in its wheel and counts as OpenAI's own
tokenizer does; other models' tokenizers differ by some per cent, so budgets keep a
margin. Where no wheel of it fits the machine, a conservative estimate stands in:
tests hold it at or above the real count for code and prose.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Protocol, TypeVar

T = TypeVar("T")

#: Words cut where case changes and at seven letters, digits by three, each symbol, each
#: run of white space: at least as many pieces as o200k makes tokens of code or prose.
_PIECES = re.compile(r" ?[A-Z]?[a-z]{1,7}| ?[A-Z]{1,2}|[0-9]{1,3}|\s{1,16}|[!-/:-@\[-`{-~]")


class _Tokenizer(Protocol):
    def count(self, text: str) -> int: ...


@cache
def _tokenizer() -> _Tokenizer | None:
    """Loaded at the first count (0.1 s, 65 MB), so that importing this stays light."""
    try:
        from rs_bpe.bpe import openai  # type: ignore[import-not-found]
    except ImportError:  # no wheel for this Python or machine
        return None
    tokenizer: _Tokenizer = openai.o200k_base()
    return tokenizer


def count_tokens(text: str) -> int:
    """How many tokens `text` is, by o200k; lone surrogates count as `?`."""
    tokenizer = _tokenizer()
    if tokenizer is None:
        return estimate_tokens(text)
    return tokenizer.count(text.encode("utf-8", "replace").decode("utf-8"))


def estimate_tokens(text: str) -> int:
    """A count that is rather too high than too low, by rule alone."""
    ascii_pieces = 0
    end = 0
    others = 0
    for match in _PIECES.finditer(text):
        others += len(text[end : match.start()].encode("utf-8", "replace"))
        ascii_pieces += 1
        end = match.end()
    return ascii_pieces + others + len(text[end:].encode("utf-8", "replace"))


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
