"""Requests and answers held against GitHub's own OpenAPI description.

The description is a trimmed copy of `@octokit/openapi`: tests/data/github-openapi.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from graphql import GraphQLError, parse
from graphql import validate as validate_graphql
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from bot.sandbox.graphql.api import SCHEMA
from tests.support.sandbox.recorder import Exchange

DESCRIPTION = Path(__file__).parents[1] / "data/github-openapi/api.github.com.json"

#: Parameters whose values may hold slashes; all others are one segment of the path.
_LONG = ("path", "basehead", "ref")

Json = dict[str, Any]


def validate(exchange: Exchange) -> None:
    """Raise AssertionError unless GitHub would know this request: path, query and body.

    Properties and query parameters that the description does not name are failures too. A
    GraphQL query is held against the schema. git traffic is not looked at.
    """
    if exchange.path == "/api/graphql":
        _validate_graphql(exchange)
    elif exchange.path.startswith("/api/v3/"):
        where = f"{exchange.method} {exchange.path}"
        item, operation, values = _operation(exchange)
        parameters = [_resolved(p) for p in item.get("parameters", [])]
        parameters += [_resolved(p) for p in operation.get("parameters", [])]
        _validate_path(where, parameters, values)
        _validate_query(where, parameters, exchange.query)
        _validate_body(where, operation.get("requestBody"), exchange.body)


def validate_answer(exchange: Exchange) -> None:
    """Raise AssertionError unless the JSON answer is one that GitHub describes for its status."""
    where = f"{exchange.method} {exchange.path} -> {exchange.status}"
    _, operation, _ = _operation(exchange)
    answers = operation["responses"]
    assert str(exchange.status) in answers, f"{where}: not a status of this endpoint"
    media = _resolved(answers[str(exchange.status)]).get("content", {}).get("application/json")
    if media is None:
        return
    _check(where, media["schema"], json.loads(exchange.response_body), closed=False)


def _validate_graphql(exchange: Exchange) -> None:
    body = json.loads(exchange.body)
    unknown = set(body) - {"query", "variables", "operationName"}
    assert not unknown, f"GraphQL request with unknown members {sorted(unknown)}"
    errors = _graphql_errors(body["query"])
    assert not errors, f"GraphQL query does not fit the schema: {errors[0].message}"


@functools.cache
def _graphql_errors(query: str) -> list[GraphQLError]:
    try:
        return validate_graphql(SCHEMA, parse(query))
    except GraphQLError as error:
        return [error]


def _operation(exchange: Exchange) -> tuple[Json, Json, dict[str, str]]:
    """The path item, the operation and the path's values. Raises AssertionError."""
    path = exchange.path.removeprefix("/api/v3")
    for pattern, template in _patterns():
        if found := pattern.fullmatch(path):
            item = _description()["paths"][template]
            operation = item.get(exchange.method.lower())
            assert operation, f"{exchange.method} {path}: GitHub has no such method on {template}"
            return item, operation, found.groupdict()
    raise AssertionError(f"{exchange.method} {path}: not in the trimmed description of GitHub")


def _validate_path(where: str, parameters: list[Json], values: dict[str, str]) -> None:
    for parameter in parameters:
        if parameter["in"] == "path":
            value = _typed(parameter["schema"], values[parameter["name"].replace("-", "_")])
            _check(f"{where}, {parameter['name']} in the path", parameter["schema"], value)


def _validate_query(where: str, parameters: list[Json], query: str) -> None:
    known = {p["name"]: p for p in parameters if p["in"] == "query"}
    given = dict(parse_qsl(query, keep_blank_values=True))
    unknown = set(given) - set(known)
    assert not unknown, f"{where}: unknown query parameters {sorted(unknown)}"
    missing = {n for n, p in known.items() if p.get("required")} - set(given)
    assert not missing, f"{where}: missing query parameters {sorted(missing)}"
    for name, text in given.items():
        schema = known[name]["schema"]
        _check(f"{where}, {name} in the query", schema, _typed(schema, text))


def _validate_body(where: str, described: Json | None, raw: bytes) -> None:
    if described is None:
        assert raw in (b"", b"{}"), f"{where}: takes no body"
        return
    if not raw:
        assert not described.get("required"), f"{where}: needs a body"
        return
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise AssertionError(f"{where}: the body is no JSON") from error
    schema = _resolved(described)["content"]["application/json"]["schema"]
    _check(where, schema, body)


def _check(where: str, schema: Json, value: object, *, closed: bool = True) -> None:
    """Raise AssertionError with the first place where the value does not fit."""
    whole = {**_json_schema(schema, closed), "components": _components(closed)}
    for error in Draft202012Validator(whole).iter_errors(value):
        place = ".".join(map(str, error.absolute_path)) or "it"
        # Where several forms are allowed, what is wrong with the likeliest says more than all.
        cause = best_match([error])
        raise AssertionError(f"{where}: {place}: {cause.message[-400:]}")


def _typed(schema: Json, text: str) -> object:
    """The value that a path's or query's text stands for."""
    kind = _resolved(schema).get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def _resolved(node: Json) -> Json:
    while "$ref" in node:
        found: Any = _description()
        for key in node["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        node = found
    return node


def _json_schema(node: Any, closed: bool) -> Any:
    """OpenAPI 3.0's dialect as JSON Schema: `nullable` becomes a type of its own.

    With `closed`, objects take only the properties that they name.
    """
    if isinstance(node, list):
        return [_json_schema(item, closed) for item in node]
    if not isinstance(node, dict):
        return node
    schema = {key: _json_schema(value, closed) for key, value in node.items()}
    if closed and isinstance(node.get("properties"), dict) and "additionalProperties" not in node:
        schema["additionalProperties"] = False
    if schema.pop("nullable", None) is True:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


@functools.cache
def _description() -> Json:
    description: Json = json.loads(DESCRIPTION.read_text())
    return description


@functools.cache
def _components(closed: bool) -> Json:
    components: Json = _json_schema(_description()["components"], closed)
    return components


@functools.cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Path patterns, those with the fewest parameters first: a literal goes before a name."""
    templates = sorted(_description()["paths"], key=lambda path: (path.count("{"), path))
    return tuple((re.compile("".join(_pieces(path))), path) for path in templates)


def _pieces(template: str) -> Iterator[str]:
    for piece in re.split(r"(\{[^}]+\})", template):
        if not piece.startswith("{"):
            yield re.escape(piece)
            continue
        name = piece[1:-1]
        yield f"(?P<{name.replace('-', '_')}>{'.+' if name in _LONG else '[^/]+'})"
