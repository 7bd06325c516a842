"""One API call as its handler sees it, and the pieces answers are made of."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.sandbox.api.errors import GitHubError, invalid, not_found
from bot.sandbox.records import Pull, Repository
from bot.sandbox.state import SandboxState, Token
from bot.sandbox.webhook_sender import Hooks

T = TypeVar("T")

#: "per_page: The number of results per page (max 100)", in every list of GitHub's REST API.
MAX_PER_PAGE = 100


@dataclass(slots=True, kw_only=True)
class Call:
    """A request whose caller is known and allowed. `wrote` is set by handlers that change state."""

    request: Request
    state: SandboxState
    hooks: Hooks
    token: Token | None
    repository: Repository | None
    body: dict[str, Any] = field(default_factory=dict)
    wrote: bool = False

    @property
    def repo(self) -> Repository:
        """The repository in the path. Raises 404 on endpoints without one."""
        if self.repository is None:
            raise not_found()
        return self.repository

    @property
    def actor(self) -> str:
        """The login that an installation writes as."""
        return self.state.app.bot_login

    def number(self, name: str = "number") -> int:
        """A number in the path."""
        return int(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """A parameter of the query."""
        return self.request.query_params.get(name, default)

    def pull(self) -> Pull:
        """The pull request in the path. Raises 404."""
        pull = self.repo.pulls.get(self.number())
        if pull is None:
            raise not_found()
        return pull

    def required(self, resource: str, name: str, kind: type[T]) -> T:
        """A field of the body that has to be there, and of this type. Raises 422."""
        value = self.body.get(name)
        if value is None or (kind is str and value == ""):
            raise invalid(resource, name, "missing_field")
        if not isinstance(value, kind):
            raise invalid(resource, name)
        return value


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route below `/api/v3`. `needs` is `app` (JWT), `` (any token) or a permission."""

    method: str
    path: str
    handler: Handler
    needs: str


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return JSONResponse(body, status, headers=dict(headers or {}))


def no_content() -> Response:
    """204, without a body."""
    return Response(status_code=204)


def page_of(call: Call, items: Sequence[T]) -> tuple[Sequence[T], dict[str, str]]:
    """One page of a list, and the Link header that leads to the others.

    Reads `page` and `per_page` (30 unless told, 100 at most).
    """
    size = min(_positive(call.query("per_page"), 30), MAX_PER_PAGE)
    page = _positive(call.query("page"), 1)
    last = max(1, -(-len(items) // size))
    page_numbers = {"first": 1, "prev": page - 1} if page > 1 else {}
    if page < last:
        page_numbers |= {"next": page + 1, "last": last}
    url = call.request.url
    links = [
        f'<{url.include_query_params(page=number, per_page=size)}>; rel="{rel}"'
        for rel, number in page_numbers.items()
    ]
    start = (page - 1) * size
    return items[start : start + size], {"Link": ", ".join(links)} if links else {}


def _positive(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else default


async def json_body(request: Request) -> dict[str, Any]:
    """The request's JSON object; empty where there is no body. Raises 400."""
    raw = await request.body()
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise GitHubError(400, "Problems parsing JSON") from error
    if not isinstance(body, dict):
        raise GitHubError(400, "Body should be a JSON object")
    return body
