"""JSON out of what a model wrote, tolerantly (pure): nothing here raises for any text."""

import json
import re
from collections import deque
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

#: Characters of an answer that are read at all.
MAX_ANSWER = 400_000


def read_json(text: str) -> Json | None:
    """The JSON object in an answer: bare, fenced, or with prose around it; else None."""
    text = _without_reasoning(text[:MAX_ANSWER])
    for candidate in _candidates(text):
        for source in (candidate, _TRAILING_COMMA.sub(r"\1", candidate)):
            if (value := _loads(source)) is not None:
                return value
    return None


def salvage_json(text: str) -> Json | None:
    """What can be had of an answer that was cut off: its complete parts; else None."""
    text = _without_reasoning(text[:MAX_ANSWER])
    start = text.find("{")
    if start < 0:
        return None
    for end, closing in _cuts(text[start:]):
        if value := _loads(text[start : start + end] + closing):
            return value
    return None


_REASONING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
#: White space before the closing fence is JSON's to skip: matched here, it could be made to
#: take time by the square of the answer's length.
_FENCE = re.compile(r"```[A-Za-z0-9_-]*[ \t]*\n(.*?)```", re.DOTALL)
#: A comma before a closing bracket. In a string it could match too: it is tried last.
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
#: How many places to cut are tried, from the end backwards.
_MAX_CUTS = 200
#: Brackets open at such a place; answers have four, and each has to be closed again.
_MAX_OPEN = 50


def _without_reasoning(text: str) -> str:
    head = text.lstrip("\ufeff \t\r\n")
    return _REASONING.sub("", head, count=1) if head.startswith("<think") else head


def _candidates(text: str) -> Iterator[str]:
    yield text
    first, last = text.find("{"), text.rfind("}")
    if 0 <= first < last:
        yield text[first : last + 1]
    for fenced in _FENCE.finditer(text):
        yield fenced.group(1)


def _loads(source: str) -> Json | None:
    try:
        value = json.loads(source, strict=False)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _cuts(text: str) -> Iterator[tuple[int, str]]:
    """Ends of complete values, last first, each with the brackets that close what is open."""
    found: deque[tuple[int, str]] = deque(maxlen=_MAX_CUTS)
    stack: list[str] = []
    in_string = escaped = False
    for at, char in enumerate(text):
        if in_string:
            in_string = escaped or char != '"'
            escaped = not escaped and char == "\\"
        elif char == '"':
            in_string = True
        elif char in "{[":
            stack.append("}" if char == "{" else "]")
        elif char in "}]" and stack:
            stack.pop()
            if len(stack) <= _MAX_OPEN:
                found.append((at + 1, "".join(reversed(stack))))
    return reversed(found)
