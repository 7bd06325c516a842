"""The object that was asked for, out of all that a model wrote (pure): nothing here raises.

Models think aloud before they answer, in tags of many names and without; they wrap the object in
prose, fences, lists, tool calls and further objects, or write its parts one after the other.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workers.analysis.llm.lenient_json import NotJson, parse_value

Json = dict[str, Any]

#: Characters of an answer that are read at all.
MAX_ANSWER = 400_000
#: Places at which an object may begin that are tried, and characters that are read again in all.
_MAX_STARTS = 2_000
_MAX_STEPS = 1_000_000
#: Objects and strings within which the one that was asked for may lie.
_MAX_WRAPPERS = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object with a list of that `name`; `is_item` knows an element of the list by itself."""

    name: str
    is_item: Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Read:
    """The object; `cut` if the text ended within it, and `data` is what was complete."""

    data: Json
    cut: bool


def read_answer(text: str, wanted: Wanted) -> Read | None:
    """What answers, or None. Where a model writes several, the last one counts, and those that
    follow each other without a word are parts of one."""
    text = text[:MAX_ANSWER]
    found = _after_thoughts(text, list(_candidates(text, wanted)))
    if not found:
        return Read({wanted.name: []}, False) if _FENCES.sub("", text).strip() == "[]" else None
    last = len(found) - 1
    while last and _SEPARATOR.fullmatch(text[found[last - 1].end : found[last].start]):
        last -= 1
    return _joined(found[last:])


def unwrap(value: object, wanted: Wanted, depth: int = 0) -> Json | None:
    """The object with the wanted list in a value that was parsed; None if there is none."""
    if isinstance(value, str) and depth and value.lstrip()[:1] in ("{", "["):
        try:
            value = parse_value(value.lstrip(), 0).value
        except NotJson:
            return None
    if isinstance(value, list):
        items = [item for item in value if isinstance(item, dict)]
        if items and any(map(wanted.is_item, items)):
            return {wanted.name: value}
        return unwrap(items[0], wanted, depth + 1) if len(items) == 1 else None
    if not isinstance(value, dict) or depth > _MAX_WRAPPERS:
        return None
    if wanted.name in value:
        return value
    for name in value:
        if name.lower() == wanted.name:
            return {**value, wanted.name: value[name]}
    if wanted.is_item(value):
        return {wanted.name: [value]}
    inner = (unwrap(each, wanted, depth + 1) for each in list(value.values())[:50])
    return next((each for each in inner if each is not None), None)


@dataclass(frozen=True, slots=True)
class _Candidate:
    data: Json
    start: int
    end: int
    cut: bool


_FENCES = re.compile(r"^[ \t]*+(?:```|~~~)[\w-]*+[ \t]*+$", re.MULTILINE)
_BRACKET = re.compile(r"[{\[]")
#: What may stand between the parts of one answer: fences, commas, headings, rules.
_SEPARATOR = re.compile(
    r"(?:\s++|,|(?:```|~~~)[\w-]*+|-{3,}+|(?<=\n)(?:#[^\n]*+|\*\*[^\n]*+\*\*:?+|`[^`\n]++`:?+))*+"
)
_NAMES = r"think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad|analysis|seed:think"
#: Where thoughts begin and end, in the forms of DeepSeek, Qwen, Magistral, Kimi, Seed and gpt-oss.
_OPENING = re.compile(
    rf"<(?:{_NAMES})>|\[THINK\]|◁think▷|<\|channel\|>\s*+(?:analysis|commentary)\b", re.IGNORECASE
)
_CLOSING = re.compile(
    rf"</(?:{_NAMES})>|\[/THINK\]|◁/think▷|<\|channel\|>\s*+final\b[^<{{]*+(?:<\|message\|>)?+",
    re.IGNORECASE,
)


def _candidates(text: str, wanted: Wanted) -> Iterator[_Candidate]:
    """All that may be meant, in their order in the text; none lies within another."""
    at, steps = 0, 0
    for _ in range(_MAX_STARTS):
        bracket = _BRACKET.search(text, at)
        if bracket is None or steps > _MAX_STEPS:
            return
        start = bracket.start()
        try:
            parsed = parse_value(text, start)
        except NotJson as exc:
            steps += exc.at - start
            at = start + 1
            continue
        at = parsed.end
        data = unwrap(parsed.value, wanted)
        if data is not None:
            yield _Candidate(data, start, parsed.end, parsed.cut)
        elif parsed.cut:  # a bracket that nothing closes: what follows may not be within it
            steps += parsed.end - start
            at = start + 1


def _after_thoughts(text: str, found: list[_Candidate]) -> list[_Candidate]:
    """Those that answer: drafts within thoughts do not. A tag within a string is no tag."""
    starts = [each.start for each in found]

    def inside(at: int) -> bool:
        before = bisect_right(starts, at) - 1
        return before >= 0 and at < found[before].end

    tags = sorted(
        (each.start(), each.end(), kind is _OPENING)
        for kind in (_OPENING, _CLOSING)
        for each in kind.finditer(text)
        if not inside(each.start())
    )
    begun: int | None = None
    for start, end, opening in tags:
        if opening:
            begun = start if begun is None else begun
            continue
        # Servers swallow the opening tag: then all before the closing one is thought.
        first, begun = begun or 0, None
        found = [each for each in found if not first <= each.start < end]
    return found if begun is None else [each for each in found if each.start < begun]


def _joined(found: list[_Candidate]) -> Read:
    """Parts of one answer as one."""
    data = found[0].data
    for part in found[1:]:
        for name, value in part.data.items():
            own = data.get(name)
            joined = own + value if isinstance(own, list) and isinstance(value, list) else value
            data = {**data, name: own if value is None else joined}
    return Read(data, any(each.cut for each in found))
