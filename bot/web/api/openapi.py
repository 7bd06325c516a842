"""The OpenAPI description, made of the models that the handlers use."""

from typing import Any

from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import JSONResponse

from bot import __version__
from bot.domain.model import State
from bot.domain.report_format import ReportFormat
from bot.store import AUDIT_CURSOR, CURSOR
from bot.web.api.schemas import (
    DEFAULT_LIMIT,
    MAX_AUDIT_LIMIT,
    MAX_LIMIT,
    MAX_NUMBER,
    AuditPage,
    EditPreferenceRequest,
    OutcomesOut,
    PreferenceList,
    PreferenceOut,
    ProblemOut,
    ReviewOut,
    ReviewPage,
    StartReviewRequest,
    StartReviewResponse,
)

_REF = "#/components/schemas/{model}"

_PROBLEMS = {
    400: "A header is malformed.",
    401: "Missing or invalid token.",
    403: "The CSRF token of the page is missing or invalid.",
    404: "Not found.",
    408: "Request body timed out.",
    409: "The review is in another state, or the Idempotency-Key was used with a different body.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "A value is invalid; see the detail.",
    429: "Too many requests from your address.",
    503: "Redis is unavailable, or no replica has confirmed the request; retry.",
}


async def openapi(request: Request) -> JSONResponse:
    return JSONResponse(describe(request.app.state.settings.public_url))


def describe(public_url: str) -> dict[str, Any]:
    _, schemas = models_json_schema(
        [
            (m, "validation")
            for m in (
                StartReviewRequest,
                StartReviewResponse,
                ReviewOut,
                ReviewPage,
                AuditPage,
                OutcomesOut,
                EditPreferenceRequest,
                PreferenceList,
                PreferenceOut,
                ProblemOut,
            )
        ],
        ref_template=_REF,
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Glossator",
            "version": __version__,
            "description": "Reviews of pull requests: start, follow, cancel, and their reports.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": public_url}],
        "security": [{"token": []}, {"session": []}],
        "paths": {
            "/api/reviews": {"get": _index(), "post": _start()},
            "/api/reviews/{review_id}": {"get": _show(), "delete": _cancel()},
            "/api/reviews/{review_id}/report.{form}": {"get": _report()},
            "/api/audit": {"get": _audit()},
            "/api/outcomes": {"get": _outcomes()},
            "/api/preferences": {"get": _preferences()},
            "/api/preferences/{repository_id}/{number}": {
                "put": _edit_preference(),
                "delete": _remove_preference(),
            },
        },
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "glossator"},
            },
        },
    }


def _start() -> dict[str, Any]:
    return {
        "operationId": "startReview",
        "summary": "Start a review of a pull request",
        "parameters": [
            _parameter(
                "header",
                "Idempotency-Key",
                {"type": "string", "pattern": "^[!-~]{1,200}$"},
                "Requests with the same key within a day start one review.",
            )
        ],
        "requestBody": {"required": True, "content": _json("StartReviewRequest")},
        "responses": {
            "202": {
                "description": "Queued.",
                "headers": {"Location": {"schema": {"type": "string"}}},
                "content": _json("StartReviewResponse"),
            },
            **_problems(400, 401, 403, 404, 408, 409, 413, 415, 422, 503),
        },
    }


def _index() -> dict[str, Any]:
    return {
        "operationId": "listReviews",
        "summary": "Reviews, newest first",
        "parameters": [
            _parameter("query", "repository", {"type": "string"}, "`owner/name`."),
            _parameter(
                "query",
                "number",
                {"type": "integer", "minimum": 1, "maximum": MAX_NUMBER},
                "Pull request number.",
            ),
            _parameter("query", "state", {"enum": list(State)}, "Only reviews in this state."),
            _parameter(
                "query",
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
                "Page size.",
            ),
            _parameter(
                "query",
                "cursor",
                {"type": "string", "pattern": CURSOR},
                "Cursor from `next` of the previous page.",
            ),
        ],
        "responses": {
            "200": {"description": "A page.", "content": _json("ReviewPage")},
            **_problems(401, 422, 503),
        },
    }


def _show() -> dict[str, Any]:
    return {
        "operationId": "readReview",
        "summary": "One review",
        "parameters": [_id()],
        "responses": {
            "200": {"description": "The review.", "content": _json("ReviewOut")},
            **_problems(401, 404, 503),
        },
    }


def _cancel() -> dict[str, Any]:
    return {
        "operationId": "cancelReview",
        "summary": "Cancel a running review",
        "parameters": [_id()],
        "responses": {
            "202": {"description": "Cancelled.", "content": _json("ReviewOut")},
            **_problems(401, 403, 404, 409, 503),
        },
    }


def _report() -> dict[str, Any]:
    content: dict[str, Any] = {each.media_type.partition(";")[0]: {} for each in ReportFormat}
    return {
        "operationId": "readReport",
        "summary": "The report in one format",
        "security": [{"token": []}, {"session": []}, {}],
        "parameters": [
            _id(),
            {
                "in": "path",
                "name": "form",
                "required": True,
                "schema": {"enum": [str(each) for each in ReportFormat]},
            },
            _parameter("query", "key", {"type": "string"}, "Key of a signed link."),
        ],
        "responses": {
            "200": {"description": "The report.", "content": content},
            "202": {"description": "Still rendering: retry after Retry-After."},
            **_problems(404, 409, 503),
        },
    }


def _audit() -> dict[str, Any]:
    return {
        "operationId": "readAuditLog",
        "summary": "Who did what, oldest first; for administrators",
        "parameters": [
            _parameter("query", "since", {"type": "string", "format": "date"}, "First day, UTC."),
            _parameter(
                "query",
                "limit",
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MAX_AUDIT_LIMIT,
                    "default": DEFAULT_LIMIT,
                },
                "Page size.",
            ),
            _parameter(
                "query",
                "cursor",
                {"type": "string", "pattern": AUDIT_CURSOR},
                "Cursor from `next` of the previous page.",
            ),
        ],
        "responses": {
            "200": {"description": "A page.", "content": _json("AuditPage")},
            **_problems(401, 404, 422, 503),
        },
    }


def _outcomes() -> dict[str, Any]:
    return {
        "operationId": "readOutcomes",
        "summary": "What became of posted findings",
        "parameters": [
            _parameter("query", "repository", {"type": "string"}, "`owner/name`; default: all."),
            _parameter(
                "query",
                "since",
                {"type": "string", "pattern": r"^[0-9]{1,4}[dw]$", "default": "90d"},
                "Days or weeks back, or the first day (ISO 8601, UTC).",
            ),
        ],
        "responses": {
            "200": {"description": "Counts and shares.", "content": _json("OutcomesOut")},
            **_problems(401, 422, 503),
        },
    }


def _preferences() -> dict[str, Any]:
    return {
        "operationId": "listPreferences",
        "summary": "What teams do not want reported, by repository and number",
        "parameters": [
            _parameter("query", "repository", {"type": "string"}, "`owner/name`; default: all."),
        ],
        "responses": {
            "200": {"description": "All of them.", "content": _json("PreferenceList")},
            **_problems(401, 503),
        },
    }


def _edit_preference() -> dict[str, Any]:
    return {
        "operationId": "editPreference",
        "summary": "Change the words and paths of a preference",
        "parameters": _preference_address(),
        "requestBody": {"required": True, "content": _json("EditPreferenceRequest")},
        "responses": {
            "200": {"description": "The preference.", "content": _json("PreferenceOut")},
            **_problems(400, 401, 403, 404, 408, 413, 415, 422, 503),
        },
    }


def _remove_preference() -> dict[str, Any]:
    return {
        "operationId": "removePreference",
        "summary": "Remove a preference",
        "parameters": _preference_address(),
        "responses": {
            "204": {"description": "Removed."},
            **_problems(401, 403, 404, 503),
        },
    }


def _preference_address() -> list[dict[str, Any]]:
    return [
        {"in": "path", "name": name, "required": True, "schema": {"type": "integer", "minimum": 1}}
        for name in ("repository_id", "number")
    ]


def _id() -> dict[str, Any]:
    return {"in": "path", "name": "review_id", "required": True, "schema": {"type": "string"}}


def _parameter(where: str, name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"in": where, "name": name, "schema": schema, "description": description}


def _json(model: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(model=model)}}}


def _problems(*statuses: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": _REF.format(model="ProblemOut")}}}
    return {
        str(status): {"description": _PROBLEMS[status], "content": content}
        for status in sorted((*statuses, 429))
    }
