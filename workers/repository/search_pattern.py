r"""What a model searches for, as `git grep` takes it (pure).

Text between slashes is a regular expression, other text is looked for as it stands. Of regular
expressions only what an automaton matches in linear time goes on, in POSIX's extended syntax:
no references to groups, nothing that looks ahead or behind, few counted repetitions.
"""

import re
import warnings
from dataclasses import dataclass

_MAX_CHARACTERS = 200
#: Copies that counted repetitions stand for: `a{40}` is forty of them, in a group of ten 400.
_MAX_COPIES = 400
_COUNT = re.compile(r"\{(\d{1,4})(,(\d{0,4}))?\}")
_IGNORE_CASE = "(?i)"
_SPECIAL = frozenset(r"\^$.|?*+()[]{}")
_ESCAPES = {"d": "[0-9]", "D": "[^0-9]", "t": "\t"}
_GNU_ESCAPES = frozenset("wWsSbB")
_ESCAPES_IN_SET = {"d": "0-9", "w": "A-Za-z0-9_", "s": " \t\r\f\v"}


class BadPattern(ValueError):
    """The message is a sentence for the model."""


@dataclass(frozen=True, slots=True)
class SearchPattern:
    """`text` is one line; `regex` says that it is an extended regular expression."""

    text: str
    regex: bool = False
    ignore_case: bool = False

    def shows(self, line: str) -> bool:
        """Whether a line that had a secret taken out may stand as a match: else what was taken
        out could be found by guessing."""
        return not self.regex and self.text in line


def search_pattern(wanted: str) -> SearchPattern:
    """Raises BadPattern."""
    if not wanted.strip():
        raise BadPattern("there is nothing to search for: `pattern` is empty")
    if "\n" in wanted or "\r" in wanted or "\0" in wanted:
        raise BadPattern("one line is searched at a time: `pattern` has several")
    if len(wanted) > _MAX_CHARACTERS:
        raise BadPattern(f"`pattern` is longer than {_MAX_CHARACTERS} characters")
    if len(wanted) > 2 and wanted[0] == wanted[-1] == "/":
        expression = wanted[1:-1]
        bare = expression.removeprefix(_IGNORE_CASE)
        return SearchPattern(_extended(bare), regex=True, ignore_case=bare != expression)
    return SearchPattern(wanted)


def _extended(pattern: str) -> str:
    """The same expression in POSIX's extended syntax."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of what other versions may take it for
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as exc:
        raise BadPattern(f"`pattern` is not a regular expression: {exc}") from exc
    found: list[str] = []
    copies: list[int] = [0]  # what each open group stands for so far
    last = 0  # what stands before, if it is repeated now
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character in "*+?":
            found.append(character)
            position = _after_lazy(pattern, position + 1)
            continue
        if count := _COUNT.match(pattern, position):
            found.append(count[0])
            copies[-1] -= last
            last *= max(int(count[1]), int(count[3] or 0), 1)
            position = _after_lazy(pattern, count.end())
        elif character == "(":
            text, position = _group(pattern, position)
            found.append(text)
            copies.append(0)
            continue
        elif character == ")":
            found.append(character)
            position, last = position + 1, max(copies.pop(), 1)
        elif character == "\\":
            found.append(_escape(pattern[position + 1]))
            position, last = position + 2, 1
        elif character == "[":
            text, position = _set(pattern, position)
            found.append(text)
            last = 1
        else:
            found.append(f"\\{character}" if character in "{}" else character)
            position, last = position + 1, 1
        copies[-1] += last
        if copies[-1] > _MAX_COPIES:
            raise BadPattern("`pattern` repeats too much: use smaller counts")
    return "".join(found)


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character in _GNU_ESCAPES or character in _SPECIAL:
        return f"\\{character}"
    if character.isalnum():
        raise BadPattern(f"`\\{character}` is not supported in a search")
    return character


def _set(pattern: str, start: int) -> tuple[str, int]:
    r"""A bracket expression and where it ends. POSIX knows no escapes in it: `]` has to stand
    first, `-` last, `^` not first, `[` not before `.`, `:` or `=`."""
    position = start + 1
    negated = pattern[position] == "^"
    position += negated
    first, single, several = position, set[str](), ""
    while pattern[position] != "]" or position == first:
        member, position = _member(pattern, position)
        ranges = pattern[position] == "-" and pattern[position + 1] != "]"
        if len(member) > 1:
            several += member
        elif ranges:
            end, position = _member(pattern, position + 1)
            several += f"{member}-{end}"
        else:
            single.add(member)
    special = "".join(mark for mark in "[^-" if mark in single)
    body = ("]" if "]" in single else "") + several + "".join(sorted(single - set("][^-")))
    if not body and special == "^":
        return ("[^^]" if negated else "\\^"), position + 1
    if not body and special.startswith("^"):
        special = special[1:] + special[0] if special != "^-" else "-^"
    return f"[{'^' if negated else ''}{body}{special}]", position + 1


def _member(pattern: str, position: int) -> tuple[str, int]:
    """What a member of a set stands for, one character or several, and where it ends."""
    if pattern[position] != "\\":
        return pattern[position], position + 1
    character = pattern[position + 1]
    if character in _ESCAPES_IN_SET:
        return _ESCAPES_IN_SET[character], position + 2
    if character == "t":
        return "\t", position + 2
    if character.isalnum():
        raise BadPattern(f"`\\{character}` in brackets is not supported in a search")
    return character, position + 2


def _group(pattern: str, start: int) -> tuple[str, int]:
    if not pattern.startswith("(?", start):
        return "(", start + 1
    if pattern.startswith("(?:", start):
        return "(", start + 3
    raise BadPattern(
        "groups that look ahead or behind, have names or set flags are not supported in a search"
    )


def _after_lazy(pattern: str, position: int) -> int:
    """Which lines match is the same for `*` and `*?`."""
    following = pattern[position : position + 1]
    if following == "+":
        raise BadPattern("possessive repetition is not supported in a search")
    return position + (following == "?")
