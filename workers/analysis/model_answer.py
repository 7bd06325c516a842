"""What a model answers, checked part by part (pure).

An answer is hostile input. What does not fit is refused finding by finding, with a
reason; lengths are bounded; nothing here raises for any text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.diff import Side
from bot.domain.look_ups import LookUp
from bot.domain.model import Category, CheckOutcome, Requirement, RequirementStatus, Severity
from bot.domain.team_checks import CheckStatus
from workers.analysis import answer_values as values
from workers.analysis.llm.json_reader import Json

MAX_TITLE = 120
MAX_BODY = 4000
MAX_QUOTE = 8000
MAX_SUGGESTION = 8000
MAX_SUMMARY = 300
MAX_OVERVIEW = 600
MAX_TRACE = 2000
MAX_DIAGRAM = 8000
MAX_REASON = 300
#: Findings read of one answer: more is noise by any measure.
MAX_FINDINGS = 50
#: Open findings of which one answer may say that they are fixed.
MAX_FIXED = 200
#: Places read of a check that failed.
MAX_PLACES = 10
#: Requirements read of one answer.
MAX_REQUIREMENTS = 12
#: Look-ups read of one answer; fewer are done.
MAX_LOOK_UPS = 100

#: Of what a model leaves out, or says in no words that we know.
DEFAULT_SEVERITY = Severity.MEDIUM
DEFAULT_CATEGORY = Category.CORRECTNESS
DEFAULT_CONFIDENCE = 0.5


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
    preference: int | None = None  # the number of the one that speaks against it


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPlace:
    """Where a check is said to fail, not proved yet. `line` counts in the head's file."""

    path: str
    line: int
    quote: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckVerdict:
    """What is said of a check of the team."""

    status: CheckStatus
    evidence: str
    reason: str
    places: tuple[RawPlace, ...]


def read_findings(answer: Json) -> tuple[tuple[RawFinding, ...], tuple[RefusedFinding, ...]]:
    """The findings that have the right form, and the others with a reason each."""
    read = [read_finding(item) for item in (finding_items(answer) or [])[:MAX_FINDINGS]]
    good = tuple(item for item in read if isinstance(item, RawFinding))
    return good, tuple(item for item in read if isinstance(item, RefusedFinding))


def read_finding(item: object) -> RawFinding | RefusedFinding:
    """One element of `findings`, checked by itself: it names a file, a place in it, and what is
    wrong there. What else is left out, or written in no form that we know, costs nothing."""
    if not isinstance(item, Mapping):
        return RefusedFinding("", "", "a finding is not an object")
    own = values.named(item, values.ALIASES)
    path, body = _text(own, "path", 4096), _cut(_text(own, "body"), MAX_BODY)
    title = _first_line(_text(own, "title") or body)
    quote, line = _quote(own), values.number(own.get("line"))
    trace = _text(own, "trace")[:MAX_TRACE]
    body = body or trace or _text(own, "title")[:MAX_BODY]
    for name, there in (("path", path), ("body", body), ("quote", quote.strip() or line)):
        if not there:
            return RefusedFinding(path, title, f'"{name}" is missing or empty')
    confidence = values.share(own.get("confidence"))
    return RawFinding(
        trace=trace,
        path=path,
        category=values.category(own.get("category")) or DEFAULT_CATEGORY,
        severity=values.severity(own.get("severity")) or DEFAULT_SEVERITY,
        title=title,
        body=body,
        confidence=DEFAULT_CONFIDENCE if confidence is None else confidence,
        side=_side(own.get("side")),
        line=line,
        quote=quote,
        suggestion=_suggestion(own),
        rule=_text(own, "rule", 200) or None,
        looked_at=_numbers(own.get("looked_at")),
        preference=values.number(own.get("preference")),
    )


def is_finding(item: Mapping[str, Any]) -> bool:
    """Whether it is an element of `findings` by itself."""
    own = values.named(item, values.ALIASES)
    return bool(own.get("path")) and ("severity" in own or "quote" in own or "line" in own)


def is_verdict(item: Mapping[str, Any]) -> bool:
    """Whether it is an element of `verdicts` by itself."""
    own = values.named(item, values.VERDICT_ALIASES)
    return values.number(own.get("id")) is not None and "verdict" in own


def finding_items(answer: Json) -> list[object] | None:
    """The elements of `findings`, which some write by path; None if there is no such thing."""
    if "findings" not in answer:
        return None
    items = answer["findings"]
    if not isinstance(items, dict) or is_finding(items):
        return _listed(items)
    return [
        {**item, "path": item.get("path") or path} if isinstance(item, Mapping) else item
        for path, each in items.items()
        for item in _listed(each) or []
    ]


def verdict_items(answer: Json) -> list[object] | None:
    """The elements of `verdicts`, which some write by the finding's number."""
    if "verdicts" not in answer:
        return None
    items = answer["verdicts"]
    if not isinstance(items, dict) or is_verdict(items):
        return _listed(items)
    return [
        {"id": id, **(each if isinstance(each, Mapping) else {"verdict": each})}
        for id, each in items.items()
    ]


def is_check(item: Mapping[str, Any]) -> bool:
    """Whether it is an element of `checks` by itself."""
    own = values.named(item, values.CHECK_ALIASES)
    return values.number(own.get("id")) is not None and "verdict" in own


def check_items(answer: Json) -> list[object] | None:
    """The elements of `checks`; None if there is no such thing."""
    return _listed(answer["checks"]) if "checks" in answer else None


def read_checks(answer: Json) -> dict[int, CheckVerdict]:
    """The verdicts on checks that have the right form, by the check's id. Of two on one check the
    one that does not pass counts."""
    verdicts: dict[int, CheckVerdict] = {}
    for item in (check_items(answer) or [])[:MAX_FINDINGS]:
        if not isinstance(item, Mapping):
            continue
        own = values.named(item, values.CHECK_ALIASES)
        id, status = values.number(own.get("id")), values.check_status(own.get("verdict"))
        if id is None or status is None:
            continue
        if id in verdicts and status is CheckStatus.PASSED:
            continue
        verdicts[id] = CheckVerdict(
            status=status,
            evidence=_cut(" ".join(_text(own, "evidence").split()), MAX_REASON),
            reason=_cut(" ".join(_text(own, "reason").split()), MAX_REASON),
            places=tuple(map(_place, _mappings(own.get("places"))[:MAX_PLACES])),
        )
    return verdicts


def _mappings(items: object) -> list[Mapping[str, Any]]:
    return [item for item in _listed(items) or [] if isinstance(item, Mapping)]


def _place(item: Mapping[str, Any]) -> RawPlace:
    own = values.named(item, values.PLACE_ALIASES)
    return RawPlace(
        path=_text(own, "path", 4096),
        line=values.number(own.get("line")) or 0,
        quote=_quote(own),
        text=_cut(" ".join(_text(own, "text").split()), MAX_REASON),
    )


def is_match(item: Mapping[str, Any]) -> bool:
    """Whether it is an element of `matches` by itself."""
    own = values.named(item, values.MATCH_ALIASES)
    return values.number(own.get("issue")) is not None and "comments" in own


def match_items(answer: Json) -> list[object] | None:
    """The elements of `matches`; None if there is no such thing."""
    return _listed(answer["matches"]) if "matches" in answer else None


def read_matches(answer: Json) -> dict[int, tuple[int, ...]]:
    """The numbers of the comments that name an issue, by the issue's number, of those that were
    answered."""
    matches = {}
    for item in match_items(answer) or []:
        if not isinstance(item, Mapping) or not is_match(item):
            continue
        own = values.named(item, values.MATCH_ALIASES)
        issue, comments = values.number(own.get("issue")), own.get("comments")
        if issue is not None:
            matches[issue] = _numbers(comments if isinstance(comments, list) else [comments])
    return matches


def is_preference(item: Mapping[str, Any]) -> bool:
    """Whether it is an element of `preferences` by itself."""
    return isinstance(item.get("sentence"), str) and "paths" in item


def read_preference(answer: Json) -> tuple[str, tuple[str, ...]] | None:
    """The sentence and the globs of the first of `preferences`; None if there is none."""
    for item in _listed(answer.get("preferences")) or []:
        if isinstance(item, Mapping) and is_preference(item):
            paths = item["paths"] if isinstance(item["paths"], list) else [item["paths"]]
            texts = tuple(path for path in paths[:MAX_LOOK_UPS] if isinstance(path, str))
            return _cut(item["sentence"], MAX_BODY), texts
    return None


def _listed(items: object) -> list[object] | None:
    """A list also of one thing, or of nothing."""
    if isinstance(items, list):
        return items
    return [] if items is None else [items] if isinstance(items, dict) else None


def read_summaries(answer: Json) -> dict[str, str]:
    """What changed, one line for each path as shown."""
    items = answer.get("summaries")
    if isinstance(items, dict):
        items = [{"path": path, "summary": summary} for path, summary in items.items()]
    summaries = {}
    for item in items if isinstance(items, list) else []:
        if isinstance(item, Mapping):
            path, summary = _text(item, "path", 4096), " ".join(_text(item, "summary").split())
            if path and summary:
                summaries[path] = summary[:MAX_SUMMARY]
    return summaries


def read_overview(answer: Json) -> str:
    """What the change does, in one line; "" if it is not told."""
    return " ".join(_text(answer, "overview", 4 * MAX_OVERVIEW).split())[:MAX_OVERVIEW]


def read_diagram(answer: Mapping[str, object]) -> str:
    """What is said to be a diagram; "" if there is none, or it is too long to be one."""
    return _text(answer, "diagram", MAX_DIAGRAM)


def read_requirements(answer: Mapping[str, object]) -> tuple[Requirement, ...]:
    """What the linked issues ask for; what has no status that we know was not seen."""
    found = []
    for item in (_listed(answer.get("requirements")) or [])[:MAX_REQUIREMENTS]:
        if isinstance(item, Mapping) and (text := _first_line(_text(item, "requirement"))):
            status = _text(item, "status").lower().replace(" ", "_")
            known = status in [each.value for each in RequirementStatus]
            found.append(
                Requirement(
                    text=text[:MAX_SUMMARY],
                    status=RequirementStatus(status) if known else RequirementStatus.NOT_SEEN,
                    why=" ".join(_text(item, "why").split())[:MAX_SUMMARY],
                )
            )
    return tuple(found)


def read_fixed(answer: Mapping[str, object]) -> dict[int, str]:
    """Ids of open findings that are said to be fixed, each with the line that shows it."""
    fixed = {}
    for item in (_listed(answer.get("fixed")) or [])[:MAX_FIXED]:
        if isinstance(item, Mapping):
            id, line = values.number(item.get("id")), _text(item, "line", MAX_QUOTE)
            if id is not None and line:
                fixed[id] = line
    return fixed


def read_look_ups(answer: Mapping[str, object]) -> tuple[LookUp, ...]:
    """What is wanted to be seen, each once, in the model's order. What it may look at is not
    decided here."""
    read = map(_look_up, (_listed(answer.get("look_ups")) or [])[:MAX_LOOK_UPS])
    return tuple(dict.fromkeys(item for item in read if item is not None))


def _look_up(item: object) -> LookUp | None:
    if not isinstance(item, Mapping):
        return None
    arguments = item.get("arguments")
    own = values.named(
        {**item, **(arguments if isinstance(arguments, Mapping) else {})}, values.LOOK_UP_ALIASES
    )
    operation = values.operation(own.get("operation"))
    if operation is None:
        return None
    return LookUp(
        operation=operation,
        path=_text(own, "path", 4096),
        symbol=_text(own, "symbol", 200),
        pattern=_text(own, "pattern", 400, strip=False),
        glob=_text(own, "glob", 400),
        start=values.number(own.get("start")) or 0,
        end=values.number(own.get("end")) or 0,
        side=_side(own.get("side")),
    )


def read_verdicts(answer: Json) -> dict[int, Verdict]:
    """The verdicts that have the right form, by the finding's id."""
    verdicts = {}
    for item in verdict_items(answer) or []:
        if not isinstance(item, Mapping):
            continue
        own = values.named(item, values.VERDICT_ALIASES)
        id, given = values.number(own.get("id")), values.outcome(own.get("verdict"))
        if id is None or given is None:
            continue
        evidence, outcome = _text(own, "evidence")[:MAX_QUOTE], given[0]
        verdicts[id] = Verdict(
            id=id,
            evidence=evidence,
            # What nothing is shown for is not refuted.
            outcome=outcome if outcome or evidence else CheckOutcome.UNDECIDED,
            confidence=values.share(own.get("confidence")),
            reason=_first_line(_text(own, "reason"))[:MAX_REASON],
            look_ups=read_look_ups(own),
        )
    return verdicts


def _text(item: Mapping[str, Any], name: str, limit: int = 0, *, strip: bool = True) -> str:
    """The text of that name, "" if there is none or it is longer than a `limit`."""
    value = values.text(item.get(name))
    if limit and len(value) > limit:
        return ""
    return value.strip() if strip else value


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _quote(item: Mapping[str, Any]) -> str:
    """The quoted code, of one that is too long its first lines."""
    quote = values.unfenced(_text(item, "quote", strip=False))
    return quote if len(quote) <= MAX_QUOTE else quote[:MAX_QUOTE].rpartition("\n")[0]


def _first_line(text: str) -> str:
    return _cut(text.splitlines()[0].strip(), MAX_TITLE) if text else ""


def _suggestion(item: Mapping[str, object]) -> str | None:
    """None where there is none; "" is a suggestion too: delete the lines."""
    value = item.get("suggestion")
    if value != "" and not values.text(value) or len(values.text(value)) > MAX_SUGGESTION:
        return None
    return values.text(value)


def _side(value: object) -> Side:
    """Also in GitHub's words, which models know; without a word it is the new one."""
    old = isinstance(value, str) and value.strip().lower() in ("old", "left", "base", "deleted")
    return Side.LEFT if old else Side.RIGHT


def _numbers(value: object) -> tuple[int, ...]:
    items = value[:MAX_LOOK_UPS] if isinstance(value, list) else []
    return tuple(each for each in map(values.number, items) if each is not None)
