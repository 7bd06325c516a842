"""Path globs as `.github/glossator.yml` and `.gitattributes` write them (pure).

Patterns and paths are hostile. All patterns of a set are matched at once by one automaton that
keeps its states as bits of an integer: a step for each character of the path, whatever the
patterns hold. What a match may cost is known before it, so that callers can stop in time.
"""

import re
from collections.abc import Iterable, Iterator
from fnmatch import translate
from functools import lru_cache

#: A longer pattern matches nothing.
MAX_PATTERN = 1024

#: `{a,b}` in a pattern, without others in it, and how many patterns one may become.
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")
_MAX_EXPANDED = 40

#: Masks kept a set; a mask is as long as the set's patterns together, in bits.
_MAX_MASKS = 256

#: The time of a step, in nanoseconds on a slow machine: as it is, and for each byte of a mask.
_STEP_NS, _BYTE_NS = 600, 2.0
#: For a character that was not seen before, for each class (`[…]`) of the set.
_CLASS_NS = 1000

#: A class, or one character; a `[` that nothing closes is itself.
_PART = re.compile(r"\[!?+\]?+[^\]]*+\]|.", re.DOTALL)


class PatternSet:
    """Patterns that are matched together; `cost` is known before a match.

    `*`, `?` and `[…]` stay within one name, `**` is any number of folders. A pattern without a
    slash is looked for at any depth; one that ends in a slash is a folder with all it holds.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._literals: dict[str, list[int]] = {}
        self._classes: dict[str, list[int]] = {}
        self._any_character: list[int] = []
        self._masks: dict[str, int] = {}
        self._size = 0
        starts: list[int] = []
        ends: list[tuple[int, int]] = []
        loops: list[int] = []  # a `*`: any character of a name, again and again
        folders: list[int] = []  # a `**/`: any names with their slashes
        rest: list[int] = []  # a last `**`: anything
        for number, pattern in enumerate(patterns):
            if len(pattern) > MAX_PATTERN:
                continue
            starts.append(self._state())
            segments = _segments(pattern)
            for position, segment in enumerate(segments):
                is_last = position + 1 == len(segments)
                if segment == "**" and not is_last:
                    folders.append(self._size - 1)
                    continue
                if segment == "**":
                    rest.append(self._size - 1)
                else:
                    self._add_name(segment, loops)
                ends += [(self._size - 1, number)] if is_last else []
                if not is_last:
                    if segments[position + 1 :] == ["**"]:  # `a/**` is `a` as well
                        ends.append((self._size - 1, number))
                    self._add(self._literals, "/")
        self._pattern_of = dict(ends)
        self._start = self._mask(starts)
        self._accepting = self._mask([state for state, _ in ends])
        self._rest = self._mask(rest)
        self._loops = self._mask(loops) | self._rest
        self._folders = self._mask(folders)
        self._any = self._mask(self._any_character)

    def _state(self) -> int:
        self._size += 1
        return self._size - 1

    def _add(self, states: dict[str, list[int]], text: str) -> None:
        states.setdefault(text, []).append(self._state())

    def _add_name(self, segment: str, loops: list[int]) -> None:
        for part in _PART.findall(segment):
            if part == "*":
                loops.append(self._size - 1)
            elif part == "?":
                self._any_character.append(self._state())
            else:
                self._add(self._classes if len(part) > 1 else self._literals, part)

    def _mask(self, states: Iterable[int]) -> int:
        """The integer with the bits of the states."""
        bits = bytearray(self._size // 8 + 1)
        for state in states:
            bits[state >> 3] |= 1 << (state & 7)
        return int.from_bytes(bits, "little")

    def _entered_by(self, character: str) -> int:
        """The states that the character leads to."""
        if (known := self._masks.get(character)) is not None:
            return known
        states = list(self._literals.get(character, ()))
        mask = 0
        if character != "/":
            mask = self._any
            for text, members in self._classes.items():
                if _class(text).match(character):
                    states += members
        mask |= self._mask(states) if states else 0
        if len(self._masks) >= _MAX_MASKS:
            self._masks.clear()
        self._masks[character] = mask
        return mask

    def cost(self, path: str) -> float:
        """The seconds that one match may take at most, about."""
        step = _STEP_NS + _BYTE_NS * self._size / 8 + _CLASS_NS * len(self._classes)
        return len(path) * step / 1e9

    def matches(self, path: str) -> bool:
        """Whether any pattern matches the path, which has `/` between names."""
        return self._run(path) != 0

    def matching(self, path: str) -> Iterator[int]:
        """The positions of the patterns that match, in no order, perhaps twice."""
        found = self._run(path)
        while found:
            lowest = found & -found
            yield self._pattern_of[lowest.bit_length() - 1]
            found ^= lowest

    def _run(self, path: str) -> int:
        """The accepting states that the path leads to."""
        states, in_folder = self._start, 0
        for character in path:
            entered = (states << 1) & self._entered_by(character)
            if character == "/":
                states = entered | (states & self._rest) | in_folder
                in_folder = 0
            else:
                in_folder |= states & self._folders
                states = entered | (states & self._loops)
            if not states and not in_folder:
                return 0
        return states & self._accepting


def expand_braces(pattern: str) -> tuple[str, ...]:
    """The patterns that one with braces stands for, `*.ts` and `*.tsx` for `*.{ts,tsx}`; at most
    40. Git knows no braces, so this is not for `.gitattributes`."""
    expanded: list[str] = []
    pending = [pattern]
    for _ in range(_MAX_EXPANDED):
        if not pending:
            break
        first = pending.pop(0)
        if braces := _BRACES.search(first):
            before, after = first[: braces.start()], first[braces.end() :]
            options = braces[1].split(",")[:_MAX_EXPANDED]
            pending[:0] = [f"{before}{option}{after}" for option in options]
        else:
            expanded.append(first)
    return tuple(expanded)


def matches(pattern: str, path: str) -> bool:
    """Whether the path matches the one pattern."""
    return _compiled((pattern,)).matches(path)


def any_matches(patterns: Iterable[str], path: str) -> bool:
    """Whether any of the patterns matches the path."""
    return _compiled(tuple(patterns)).matches(path)


@lru_cache(maxsize=16)
def _compiled(patterns: tuple[str, ...]) -> PatternSet:
    return PatternSet(patterns)


@lru_cache(maxsize=1024)
def _class(text: str) -> "re.Pattern[str]":
    return re.compile(translate(text))


def _segments(pattern: str) -> list[str]:
    """The names of a pattern; `**` never follows itself."""
    folder = pattern.endswith("/")
    parts = pattern.strip("/").split("/")
    if len(parts) == 1 and not pattern.startswith("/"):
        parts.insert(0, "**")
    if folder:
        parts += ["*", "**"]  # something in it: a file of that name is no folder
    return [part for i, part in enumerate(parts) if part != "**" or parts[i - 1 : i] != ["**"]]
