"""What a model is asked to answer: the schemas, and what is wrong with an answer (pure)."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.domain.look_ups import Operation
from bot.domain.model import Category, RequirementStatus, Severity
from workers.analysis.llm.json_reader import Json, Wanted
from workers.analysis.model_answer import (
    MAX_FINDINGS,
    RefusedFinding,
    check_items,
    finding_items,
    is_check,
    is_finding,
    is_match,
    is_preference,
    is_verdict,
    match_items,
    read_finding,
    verdict_items,
)


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON Schema (strict: every property required, no others), what makes an object the answer,
    and what is wrong with one, as a sentence for the model; "" if it can be used."""

    name: str
    body: Json
    wanted: Wanted
    problem: Callable[[Json], str]


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
_MAYBE_NUMBER: Json = {"type": ["integer", "null"]}
_SIDE: Json = {"type": "string", "enum": ["new", "old"]}

# A model writes the properties in this order, so what leads to a claim comes before it.
_FINDING: dict[str, Json] = {
    "trace": _TEXT,
    "path": _TEXT,
    "quote": _TEXT,
    "side": _SIDE,
    "line": _NUMBER,
    "category": {"type": "string", "enum": [each.value for each in Category]},
    "severity": {"type": "string", "enum": [each.value for each in Severity]},
    "title": _TEXT,
    "body": _TEXT,
    "confidence": {"type": "number"},
    "suggestion": _MAYBE,
    "rule": _MAYBE,
    "looked_at": _list_of(_NUMBER),
}
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
_TEAM_CHECK = _object(
    id=_NUMBER,
    evidence=_TEXT,
    verdict={"type": "string", "enum": ["passed", "failed", "could_not_tell"]},
    places=_list_of(_object(path=_TEXT, line=_NUMBER, quote=_TEXT, text=_TEXT)),
    reason=_TEXT,
)
_MATCH = _object(issue=_NUMBER, reason=_TEXT, comments=_list_of(_NUMBER))


def _review_problem(answer: Json) -> str:
    items = finding_items(answer)
    if items is None:
        return '"findings" is missing or no list.'
    reasons = [
        found.reason for item in items if isinstance(found := read_finding(item), RefusedFinding)
    ]
    if items and len(reasons) == len(items[:MAX_FINDINGS]):
        return f"no finding can be read; the first: {reasons[0]}."
    return ""


def _verdicts_problem(answer: Json) -> str:
    return "" if verdict_items(answer) is not None else '"verdicts" is missing or no list.'


def _preferences_problem(answer: Json) -> str:
    return (
        ""
        if isinstance(answer.get("preferences"), list)
        else '"preferences" is missing or no list.'
    )


def _checks_problem(answer: Json) -> str:
    return "" if check_items(answer) is not None else '"checks" is missing or no list.'


def _matches_problem(answer: Json) -> str:
    return "" if match_items(answer) is not None else '"matches" is missing or no list.'


def _review_schema(name: str, finding: dict[str, Json], **more: Json) -> Schema:
    body = _object(
        **more,
        overview=_TEXT,
        summaries=_list_of(_object(path=_TEXT, summary=_TEXT)),
        findings=_list_of(_object(**finding)),
        look_ups=_list_of(_LOOK_UP),
    )
    return Schema(name, body, Wanted("findings", is_finding), _review_problem)


_FIXED = _list_of(_object(id=_NUMBER, line=_TEXT))
_WITH_PREFERENCE = {**_FINDING, "preference": _MAYBE_NUMBER}
REVIEW_SCHEMA = _review_schema("review", _FINDING)
#: Where findings of an earlier review are open.
LATER_REVIEW_SCHEMA = _review_schema("later_review", _FINDING, fixed=_FIXED)
_REVIEW_SCHEMAS = {
    (False, False): REVIEW_SCHEMA,
    (True, False): LATER_REVIEW_SCHEMA,
    (False, True): _review_schema("review_with_preferences", _WITH_PREFERENCE),
    (True, True): _review_schema("later_review_with_preferences", _WITH_PREFERENCE, fixed=_FIXED),
}


_REQUIREMENTS = _list_of(
    _object(
        requirement=_TEXT,
        why=_TEXT,
        status={"type": "string", "enum": [each.value for each in RequirementStatus]},
    )
)


def review_schema(*, later: bool, preferences: bool, diagram: bool, issue: bool) -> Schema:
    """Of a reading: `later`, where findings of an earlier review are open; with `preferences`,
    each finding may name one; with a `diagram` of the changed flow; with what a linked `issue`
    requires."""
    schema = _REVIEW_SCHEMAS[later, preferences]
    name, properties = schema.name, schema.body["properties"]
    if diagram:
        name, properties = f"{name}_with_diagram", {"diagram": _TEXT, **properties}
    if issue:
        name, properties = f"{name}_of_issue", {**properties, "requirements": _REQUIREMENTS}
    return replace(schema, name=name, body=_object(**properties))


VERDICTS_SCHEMA = Schema(
    "verdicts",
    _object(verdicts=_list_of(_VERDICT)),
    Wanted("verdicts", is_verdict),
    _verdicts_problem,
)
#: What the team's checks came to.
CHECKS_SCHEMA = Schema(
    "checks",
    _object(checks=_list_of(_TEAM_CHECK), look_ups=_list_of(_LOOK_UP)),
    Wanted("checks", is_check),
    _checks_problem,
)
#: Which comments of a review name which known issues, for an evaluation.
MATCHES_SCHEMA = Schema(
    "matches", _object(matches=_list_of(_MATCH)), Wanted("matches", is_match), _matches_problem
)
#: What is proposed to be remembered of an answer to a finding.
PREFERENCE_SCHEMA = Schema(
    "preference",
    _object(preferences=_list_of(_object(sentence=_TEXT, paths=_list_of(_TEXT)))),
    Wanted("preferences", is_preference),
    _preferences_problem,
)
