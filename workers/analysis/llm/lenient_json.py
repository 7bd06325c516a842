"""JSON as models write it (pure): a parser that reads what is meant and adds nothing.

Beyond JSON it takes comments, single quotes, bare keys and words, Python's literals, missing and
trailing commas, and in strings raw line ends, unknown escapes and unescaped quotes. Brackets that
are missing at the end are closed; what was being written there is dropped.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

#: Containers within each other; answers have four.
MAX_DEPTH = 40


class NotJson(ValueError):
    """Raised where a text is no JSON, however leniently read; `at` is where that showed."""

    def __init__(self, at: int) -> None:
        super().__init__(f"not JSON at character {at}")
        self.at = at


@dataclass(frozen=True, slots=True)
class Parsed:
    """One value and where it ends in the text; `cut` if the text ended before the value did."""

    value: Any
    end: int
    cut: bool


def parse_value(text: str, start: int) -> Parsed:
    """The object or list that starts at `start`. Raises NotJson."""
    try:
        value, end = _STRICT.raw_decode(text, start)
    except (ValueError, RecursionError):
        parser = _Parser(text, start)
        value = parser.value(0)
        return Parsed(value, parser.at, parser.cut)
    return Parsed(value, end, False)


_STRICT = json.JSONDecoder(strict=False)

# All are possessive: none of them can be made to take time by the square of the length.
_SPACE = re.compile(r"(?:\s++|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?+|#[^\n]*+)*+")
_BODY = {
    '"': re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL),
    "'": re.compile(r"(?:[^'\\]++|\\.)*+", re.DOTALL),
}
#: What follows a string that has ended; a quote before anything else is one within it.
_AFTER_STRING = re.compile(r"""[ \t]*+(?:[,:}\]]|\Z|//|/\*|\r?\n\s*+["'}\]{/,]|\r?\n\s*+\Z)""")
_NUMBER = re.compile(r"[-+]?+(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][-+]?+\d++)?+(?=[\s,}\]]|\Z)")
_BARE = re.compile(r"[^\W\d][\w.$-]*+")
_BARE_VALUE = re.compile(r"[\w.%/+-]++(?=[ \t]*+(?:[,}\]\r\n]|\Z))")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_SELF = frozenset("\"'/\\`")
_WORDS: dict[str, object] = {
    "true": True,
    "false": False,
    "null": None,
    "none": None,
    "undefined": None,
    "nan": None,
}


class _Parser:
    """Reads one value from `at` on; `cut` once the text has ended within it."""

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at
        self.cut = False

    def value(self, depth: int) -> object:
        char = self._next()
        if depth > MAX_DEPTH:
            raise NotJson(self.at)
        if char == "{":
            return self._object(depth + 1)
        if char == "[":
            return self._list(depth + 1)
        if char in _BODY and char:
            return self._string(char)
        return self._word()

    def _next(self) -> str:
        """The next character that means something, "" at the end."""
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.text[self.at : self.at + 1]

    def _ended(self, closing: str) -> bool:
        """Whether a container ends here; another one's bracket ends it too, and is left to that."""
        char = self._next()
        if not char:
            self.cut = True
        elif char == closing:
            self.at += 1
        return char in ("", "}", "]")

    def _list(self, depth: int) -> list[object]:
        self.at += 1
        items: list[object] = []
        while not self._ended("]"):
            item = self.value(depth)
            # Of an element that was being written, half would say something else than the whole.
            if not self.cut or isinstance(item, list):
                items.append(item)
            if not self.cut and self._next() == ",":
                self.at += 1
        return items

    def _object(self, depth: int) -> dict[str, object]:
        self.at += 1
        members: dict[str, object] = {}
        while not self._ended("}"):
            name = self._key()
            if self._next() != ":":
                if self._next():
                    raise NotJson(self.at)
                self.cut = True
                break
            self.at += 1
            if not self._next():
                self.cut = True
                break
            value = self.value(depth)
            if not self.cut or isinstance(value, list | dict):
                members[name] = value
            if not self.cut and self._next() == ",":
                self.at += 1
        return members

    def _key(self) -> str:
        char = self._next()
        if char in _BODY:
            return self._string(char)
        if found := _BARE.match(self.text, self.at):
            self.at = found.end()
            return found[0]
        raise NotJson(self.at)

    def _string(self, quote: str) -> str:
        start = self.at + 1
        at = start
        while True:
            body = _BODY[quote].match(self.text, at)
            at = body.end() if body else at
            if at >= len(self.text):
                self.cut, self.at = True, len(self.text)
                return ""
            if self.text[at] == "\\":  # the last character of the text
                self.cut, self.at = True, len(self.text)
                return ""
            if _AFTER_STRING.match(self.text, at + 1):
                self.at = at + 1
                return _unescaped(self.text[start:at])
            at += 1

    def _word(self) -> object:
        number = _NUMBER.match(self.text, self.at)
        found = number or _BARE_VALUE.match(self.text, self.at)
        if found is None:
            raise NotJson(self.at)
        self.at = found.end()
        if self.at >= len(self.text):  # of a number too there may be more digits
            self.cut = True
        word = found[0]
        if number:
            return float(word) if set(word) & set(".eE") else _integer(word)
        return _WORDS.get(word.lower(), word)


def _integer(digits: str) -> int | None:
    """None for one so long that Python refuses to read it: nothing of ours is that large."""
    return int(digits) if len(digits) < 100 else None


def _unescaped(body: str) -> str:
    """An unknown escape stays as it is: a model that writes `\\d` means a backslash and a d."""

    def read(found: re.Match[str]) -> str:
        what = found[1]
        if len(what) == 5:
            return chr(int(what[1:], 16))
        if what in _SELF:
            return what
        return _ESCAPES.get(what, found[0])

    text = _ESCAPE.sub(read, body) if "\\" in body else body
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
