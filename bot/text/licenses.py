"""Whether a policy allows a license that is written as an SPDX expression (pure).

https://spdx.github.io/spdx-spec/v3.0.1/annexes/spdx-license-expressions/
"""

import re
from collections.abc import Callable, Collection

#: What stands for a license that is not known.
_UNKNOWN = frozenset({"", "noassertion", "none", "other"})
_NO_NAMES = frozenset({"and", "or", "with", ")"})
_WORD = re.compile(r"[()]|[^\s()]+")
#: Of an expression that is nested more deeply nothing is understood.
_MAX_NESTED = 20


def is_known(expression: str) -> bool:
    """Whether it says anything."""
    return expression.casefold() not in _UNKNOWN


def allows(expression: str, allowed: Collection[str], denied: Collection[str]) -> bool:
    """Whether a package under that license may be used: under one of the alternatives of an `OR`,
    and all parts of an `AND`, none is denied, and each is allowed unless `allowed` is empty. What
    is no expression is one license of that name, and denied for each of its words. Case does not
    matter.

    >>> allows("MIT OR GPL-3.0-only", (), ("GPL-3.0-only",))
    True
    """
    yes, no = ({name.casefold() for name in names} for names in (allowed, denied))

    def permits(name: str) -> bool:
        # What an exception allows beside the license itself, who wrote the policy has to name.
        names = {name, name.partition(" with ")[0]}
        return names.isdisjoint(no) and (not yes or name in yes)

    words = _WORD.findall(expression.casefold())
    try:
        verdict, rest = _any(words, permits) if words.count("(") <= _MAX_NESTED else (False, words)
    except (IndexError, ValueError):
        rest = words
    return no.isdisjoint(words) and permits(" ".join(words)) if rest else verdict


_Parsed = tuple[bool, list[str]]
_Permits = Callable[[str], bool]


def _any(words: list[str], permits: _Permits) -> _Parsed:
    verdict, rest = _all(words, permits)
    while rest[:1] == ["or"]:
        another, rest = _all(rest[1:], permits)
        verdict = verdict or another
    return verdict, rest


def _all(words: list[str], permits: _Permits) -> _Parsed:
    verdict, rest = _one(words, permits)
    while rest[:1] == ["and"]:
        another, rest = _one(rest[1:], permits)
        verdict = verdict and another
    return verdict, rest


def _one(words: list[str], permits: _Permits) -> _Parsed:
    """Raises IndexError where the expression ends too early, ValueError where no name follows."""
    if words[0] in _NO_NAMES:
        raise ValueError
    if words[0] == "(":
        verdict, rest = _any(words[1:], permits)
        return (verdict, rest[1:]) if rest[0] == ")" else (False, rest)
    if words[1:2] == ["with"]:
        return permits(f"{words[0]} with {words[2]}"), words[3:]
    return permits(words[0]), words[1:]
