"""Errors as `application/problem+json` (RFC 9457)."""

import json
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response


class Problem(Exception):
    """What went wrong, in one sentence for whoever asked."""

    def __init__(self, status: int, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def response(problem: Problem) -> Response:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    return Response(
        json.dumps(body),
        problem.status,
        headers=problem.headers,
        media_type="application/problem+json",
    )


async def on_problem(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, Problem)
    return response(exc)


def not_found() -> Problem:
    """One answer for all that does not exist or may not be seen."""
    return Problem(404, "Not found.")
