"""What a model answers: the schemas, and the check of each part (pure).

An answer is hostile input. What does not fit is refused finding by finding, with a
reason; lengths are bounded; nothing here raises for any text.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from bot.domain.diff import Side
from bot.domain.model import Category, Severity
from workers.analysis.llm.json_reader import Json

MAX_TITLE = 120
MAX_BODY = 4000
MAX_QUOTE = 8000
MAX_SUGGESTION = 8000
MAX_SUMMARY = 300
MAX_REASON = 300
#: Findings read of one answer: more is noise by any measure.
MAX_FINDINGS = 50

E = TypeVar("E", Category, Severity)


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON Schema (strict: every property required, no others), and what is wrong
    with an answer, as a sentence for the model; "" if it can be used."""

    name: str
    body: Json
    problem: Callable[[Json], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFinding:
    """A finding that has the right form; nothing of it is proved yet. `path` is as shown."""

    path: str
    category: Category
    severity: Severity
    title: str
    body: str
    confidence: float
    side: Side
    line: int | None
    quote: str
    suggestion: str | None
    rule: str | None


@dataclass(frozen=True, slots=True)
class RefusedFinding:
    """A part of an answer that cannot be used, and why."""

    path: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the second pass says of a finding: `confidence` 0..1."""

    id: int
    holds: bool
    confidence: float
    reason: str


def _object(**properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list_of(items: Json) -> Json:
    return {"type": "array", "items": items}


_TEXT: Json = {"type": "string"}
_MAYBE: Json = {"type": ["string", "null"]}

_FINDING = _object(
    path=_TEXT,
    quote=_TEXT,
    side={"type": "string", "enum": ["new", "old"]},
    line={"type": "integer"},
    category={"type": "string", "enum": [each.value for each in Category]},
    severity={"type": "string", "enum": [each.value for each in Severity]},
    title=_TEXT,
    body=_TEXT,
    confidence={"type": "number"},
    suggestion=_MAYBE,
    rule=_MAYBE,
)
_VERDICT = _object(
    id={"type": "integer"},
    holds={"type": "boolean"},
    confidence={"type": "number"},
    reason=_TEXT,
)


def _review_problem(answer: Json) -> str:
    items = answer.get("findings")
    if not isinstance(items, list):
        return '"findings" is missing or no list.'
    reasons = [
        found.reason for item in items if isinstance(found := read_finding(item), RefusedFinding)
    ]
    if items and len(reasons) == len(items[:MAX_FINDINGS]):
        return f"no finding can be read; the first: {reasons[0]}."
    return ""


def _verdicts_problem(answer: Json) -> str:
    return "" if isinstance(answer.get("verdicts"), list) else '"verdicts" is missing or no list.'


REVIEW_SCHEMA = Schema(
    "review",
    _object(summaries=_list_of(_object(path=_TEXT, summary=_TEXT)), findings=_list_of(_FINDING)),
    _review_problem,
)
VERDICTS_SCHEMA = Schema("verdicts", _object(verdicts=_list_of(_VERDICT)), _verdicts_problem)


def read_findings(answer: Json) -> tuple[tuple[RawFinding, ...], tuple[RefusedFinding, ...]]:
    """The findings that have the right form, and the others with a reason each."""
    items = answer.get("findings")
    read = [
        read_finding(item) for item in (items if isinstance(items, list) else [])[:MAX_FINDINGS]
    ]
    good = tuple(item for item in read if isinstance(item, RawFinding))
    return good, tuple(item for item in read if isinstance(item, RefusedFinding))


def read_finding(item: object) -> RawFinding | RefusedFinding:
    """One element of `findings`, checked by itself."""
    if not isinstance(item, Mapping):
        return RefusedFinding("", "", "a finding is not an object")
    path, title = _text(item, "path", 4096), _first_line(_text(item, "title", 4 * MAX_TITLE))
    body, quote = _text(item, "body", MAX_BODY), _text(item, "quote", MAX_QUOTE, strip=False)
    category, severity = (
        _enum(Category, item.get("category")),
        _enum(Severity, item.get("severity")),
    )
    confidence = _share(item.get("confidence"))
    for name, value in (("path", path), ("title", title), ("body", body), ("quote", quote.strip())):
        if not value:
            return RefusedFinding(path, title, f'"{name}" is missing, empty or too long')
    if category is None or severity is None or confidence is None:
        wrong = "category" if category is None else "severity" if severity is None else "confidence"
        return RefusedFinding(path, title, f'"{wrong}" is not one of the allowed values')
    return RawFinding(
        path=path,
        category=category,
        severity=severity,
        title=title,
        body=body,
        confidence=confidence,
        side=_side(item.get("side")),
        line=_number(item.get("line")),
        quote=quote,
        suggestion=_suggestion(item),
        rule=_text(item, "rule", 200) or None,
    )


def read_summaries(answer: Json) -> dict[str, str]:
    """What changed, one line for each path as shown."""
    items = answer.get("summaries")
    summaries = {}
    for item in items if isinstance(items, list) else []:
        if isinstance(item, Mapping):
            path, summary = (
                _text(item, "path", 4096),
                " ".join(_text(item, "summary", 2000).split()),
            )
            if path and summary:
                summaries[path] = summary[:MAX_SUMMARY]
    return summaries


def read_verdicts(answer: Json) -> dict[int, Verdict]:
    """The verdicts that have the right form, by the finding's id."""
    verdicts = {}
    for item in _items(answer, "verdicts"):
        if not isinstance(item, Mapping):
            continue
        id, holds = _number(item.get("id")), item.get("holds")
        confidence = _share(item.get("confidence"))
        if id is not None and isinstance(holds, bool) and confidence is not None:
            reason = _first_line(_text(item, "reason", 4000))[:MAX_REASON]
            verdicts[id] = Verdict(id, holds, confidence, reason)
    return verdicts


def _items(answer: Json, name: str) -> list[object]:
    items = answer.get(name)
    return items if isinstance(items, list) else []


def _text(item: Mapping[str, object], name: str, limit: int, *, strip: bool = True) -> str:
    """The string of that name, "" if there is none or it is too long."""
    value = item.get(name)
    if not isinstance(value, str) or len(value) > limit:
        return ""
    value = value.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    return value.strip() if strip else value


def _first_line(text: str) -> str:
    line = text.splitlines()[0].strip() if text else ""
    return line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1].rstrip() + "…"


def _suggestion(item: Mapping[str, object]) -> str | None:
    """None where there is none; "" is a suggestion too: delete the lines."""
    value = item.get("suggestion")
    if not isinstance(value, str) or len(value) > MAX_SUGGESTION:
        return None
    return _text(item, "suggestion", MAX_SUGGESTION, strip=False)


def _enum(kind: type[E], value: object) -> E | None:
    try:
        return kind(value.strip().lower()) if isinstance(value, str) else None
    except ValueError:
        return None


def _side(value: object) -> Side:
    """Also in GitHub's words, which models know; without a word it is the new one."""
    old = isinstance(value, str) and value.strip().lower() in ("old", "left")
    return Side.LEFT if old else Side.RIGHT


def _share(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1 else None


def _number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 10_000_000 else None
