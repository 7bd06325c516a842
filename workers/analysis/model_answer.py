"""What a model answers: the schemas, and the check of each part (pure).

An answer is hostile input. What does not fit is refused finding by finding, with a
reason; lengths are bounded; nothing here raises for any text.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from bot.domain.diff import Side
from bot.domain.look_ups import LookUp, Operation
from bot.domain.model import Category, CheckOutcome, Severity
from workers.analysis.llm.json_reader import Json

MAX_TITLE = 120
MAX_BODY = 4000
MAX_QUOTE = 8000
MAX_SUGGESTION = 8000
MAX_SUMMARY = 300
MAX_OVERVIEW = 600
MAX_TRACE = 2000
MAX_REASON = 300
#: Findings read of one answer: more is noise by any measure.
MAX_FINDINGS = 50
#: Open findings of which one answer may say that they are fixed.
MAX_FIXED = 200
#: Look-ups read of one answer; fewer are done.
MAX_LOOK_UPS = 100

E = TypeVar("E", Category, Severity, Operation)


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON Schema (strict: every property required, no others), and what is wrong
    with an answer, as a sentence for the model; "" if it can be used."""

    name: str
    body: Json
    problem: Callable[[Json], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFinding:
    """A finding that has the right form; nothing of it is proved yet. `path` is as shown;
    `looked_at` are numbers of look-ups that were shown."""

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
    trace: str = ""
    looked_at: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedFinding:
    """A part of an answer that cannot be used, and why."""

    path: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the check says of a finding. `outcome` None means refuted; `confidence` 0..1, None if
    it gave none; `look_ups` are what it would have to see to decide."""

    id: int
    evidence: str
    outcome: CheckOutcome | None
    confidence: float | None
    reason: str
    look_ups: tuple[LookUp, ...] = ()


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

_NUMBER: Json = {"type": "integer"}
_SIDE: Json = {"type": "string", "enum": ["new", "old"]}

# A model writes the properties in this order, so what leads to a claim comes before it.
_FINDING = _object(
    trace=_TEXT,
    path=_TEXT,
    quote=_TEXT,
    side=_SIDE,
    line=_NUMBER,
    category={"type": "string", "enum": [each.value for each in Category]},
    severity={"type": "string", "enum": [each.value for each in Severity]},
    title=_TEXT,
    body=_TEXT,
    confidence={"type": "number"},
    suggestion=_MAYBE,
    rule=_MAYBE,
    looked_at=_list_of(_NUMBER),
)
_LOOK_UP = _object(
    operation={"type": "string", "enum": [each.value for each in Operation]},
    path=_TEXT,
    symbol=_TEXT,
    pattern=_TEXT,
    glob=_TEXT,
    start=_NUMBER,
    end=_NUMBER,
    side=_SIDE,
)
_VERDICT = _object(
    id=_NUMBER,
    evidence=_TEXT,
    verdict={"type": "string", "enum": ["confirmed", "refuted", "undecided"]},
    confidence={"type": "number"},
    reason=_TEXT,
    look_ups=_list_of(_LOOK_UP),
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


_REVIEW: dict[str, Json] = {
    "overview": _TEXT,
    "summaries": _list_of(_object(path=_TEXT, summary=_TEXT)),
    "findings": _list_of(_FINDING),
    "look_ups": _list_of(_LOOK_UP),
}
REVIEW_SCHEMA = Schema("review", _object(**_REVIEW), _review_problem)
#: Where findings of an earlier review are open.
LATER_REVIEW_SCHEMA = Schema(
    "later_review",
    _object(fixed=_list_of(_object(id=_NUMBER, line=_TEXT)), **_REVIEW),
    _review_problem,
)
VERDICTS_SCHEMA = Schema("verdicts", _object(verdicts=_list_of(_VERDICT)), _verdicts_problem)


def read_findings(answer: Json) -> tuple[tuple[RawFinding, ...], tuple[RefusedFinding, ...]]:
    """The findings that have the right form, and the others with a reason each."""
    read = [read_finding(item) for item in _items(answer, "findings")[:MAX_FINDINGS]]
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
        trace=_text(item, "trace", 4 * MAX_TRACE)[:MAX_TRACE],
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
        looked_at=_numbers(item.get("looked_at")),
    )


def read_summaries(answer: Json) -> dict[str, str]:
    """What changed, one line for each path as shown."""
    summaries = {}
    for item in _items(answer, "summaries"):
        if isinstance(item, Mapping):
            path, summary = (
                _text(item, "path", 4096),
                " ".join(_text(item, "summary", 2000).split()),
            )
            if path and summary:
                summaries[path] = summary[:MAX_SUMMARY]
    return summaries


def read_overview(answer: Json) -> str:
    """What the change does, in one line; "" if it is not told."""
    return " ".join(_text(answer, "overview", 4 * MAX_OVERVIEW).split())[:MAX_OVERVIEW]


def read_fixed(answer: Mapping[str, object]) -> dict[int, str]:
    """Ids of open findings that are said to be fixed, each with the line that shows it."""
    fixed = {}
    for item in _items(answer, "fixed")[:MAX_FIXED]:
        if isinstance(item, Mapping):
            id, line = _number(item.get("id")), _text(item, "line", MAX_QUOTE)
            if id is not None and line:
                fixed[id] = line
    return fixed


def read_look_ups(answer: Mapping[str, object]) -> tuple[LookUp, ...]:
    """What is wanted to be seen, each once, in the model's order. What it may look at is not
    decided here."""
    read = map(_look_up, _items(answer, "look_ups")[:MAX_LOOK_UPS])
    return tuple(dict.fromkeys(item for item in read if item is not None))


def _look_up(item: object) -> LookUp | None:
    if not isinstance(item, Mapping):
        return None
    operation = _enum(Operation, item.get("operation"))
    if operation is None:
        return None
    return LookUp(
        operation=operation,
        path=_text(item, "path", 4096),
        symbol=_text(item, "symbol", 200),
        pattern=_text(item, "pattern", 400, strip=False),
        glob=_text(item, "glob", 400),
        start=_number(item.get("start")) or 0,
        end=_number(item.get("end")) or 0,
        side=_side(item.get("side")),
    )


def read_verdicts(answer: Json) -> dict[int, Verdict]:
    """The verdicts that have the right form, by the finding's id."""
    verdicts = {}
    for item in _items(answer, "verdicts"):
        if not isinstance(item, Mapping):
            continue
        id, word = _number(item.get("id")), _text(item, "verdict", 40).lower()
        if id is None or word not in _OUTCOMES:
            continue
        evidence, outcome = _text(item, "evidence", MAX_QUOTE), _OUTCOMES[word]
        verdicts[id] = Verdict(
            id=id,
            evidence=evidence,
            # What nothing is shown for is not refuted.
            outcome=outcome if outcome or evidence else CheckOutcome.UNDECIDED,
            confidence=_share(item.get("confidence")),
            reason=_first_line(_text(item, "reason", 4000))[:MAX_REASON],
            look_ups=read_look_ups(item),
        )
    return verdicts


_OUTCOMES = {
    "confirmed": CheckOutcome.CONFIRMED,
    "refuted": None,
    "undecided": CheckOutcome.UNDECIDED,
}


def _items(answer: Mapping[str, object], name: str) -> list[object]:
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


def _numbers(value: object) -> tuple[int, ...]:
    items = value[:MAX_LOOK_UPS] if isinstance(value, list) else []
    return tuple(number for number in map(_number, items) if number is not None)


def _share(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1 else None


def _number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 10_000_000 else None
