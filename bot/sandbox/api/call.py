"""One API call as its handler sees it, and the answers and errors of GitHub's API."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.sandbox.state import Pull, Repository, SandboxState, Token
from bot.sandbox.webhooks import Webhooks

T = TypeVar("T")

#: "per_page: The number of results per page (max 100)", in every list of GitHub's REST API.
MAX_PER_PAGE = 100


@dataclass(slots=True, kw_only=True)
class Call:
    """A request whose caller is known and allowed. `wrote` is set by handlers that change state."""

    request: Request
    state: SandboxState
    webhooks: Webhooks
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


DOCUMENTATION_URL = "https://docs.github.com/rest"

#: One entry of an error's `errors`: GitHub sends either sentences or objects.
Detail = str | Mapping[str, str]


class GitHubError(Exception):
    """An answer of GitHub with `message`, `documentation_url` and perhaps `errors`."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Detail] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def body(self) -> dict[str, object]:
        """The JSON object that GitHub would send."""
        body: dict[str, object] = {"message": self.message}
        if self.errors:
            body["errors"] = list(self.errors)
        body["documentation_url"] = DOCUMENTATION_URL
        body["status"] = str(self.status)
        return body


def not_found() -> GitHubError:
    """404: GitHub's answer for what is absent and for what the caller may not know of."""
    return GitHubError(404, "Not Found")


def bad_credentials() -> GitHubError:
    """401: no token, a wrong one, or one that has expired."""
    return GitHubError(401, "Bad credentials")


def forbidden() -> GitHubError:
    """403: the token is good, its permissions are not enough for this endpoint."""
    return GitHubError(403, "Resource not accessible by integration")


def invalid(resource: str, field: str, code: str = "invalid", message: str = "") -> GitHubError:
    """422 about one field. `code` is one of GitHub's: missing, missing_field, invalid, custom."""
    detail = {"resource": resource, "field": field, "code": code}
    if message:
        detail["message"] = message
    return GitHubError(422, "Validation Failed", errors=[detail])


def unprocessable(*sentences: str) -> GitHubError:
    """422 in the form that the review endpoints use: a list of sentences."""
    return GitHubError(422, "Unprocessable Entity", errors=sentences)
