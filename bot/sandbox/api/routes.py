"""The REST API's routes, and what each does before and after its handler: caller, rate limit,
repository, permission, conditional answers."""

import hashlib
import uuid
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.sandbox.api import (
    app,
    auth,
    checks,
    code_scanning,
    dependencies,
    issues,
    job_logs,
    pulls,
    repositories,
    review_comments,
    reviews,
)
from bot.sandbox.api.call import Call, Endpoint, GitHubError, answer, json_body, not_found
from bot.sandbox.state import Quota, Repository, SandboxState, Token
from bot.sandbox.webhooks import Webhooks

ENDPOINTS = (
    *app.ENDPOINTS,
    *pulls.ENDPOINTS,
    *review_comments.ENDPOINTS,
    *reviews.ENDPOINTS,
    *issues.ENDPOINTS,
    *checks.ENDPOINTS,
    *code_scanning.ENDPOINTS,
    *job_logs.ENDPOINTS,
    *dependencies.ENDPOINTS,
    *repositories.ENDPOINTS,
)


def routes(state: SandboxState, webhooks: Webhooks) -> list[Route]:
    """All that is below `/api/v3`; what is not there is answered with GitHub's 404."""

    async def missing(_request: Request) -> Response:
        error = not_found()
        return answer(error.body(), error.status)

    return [
        app.manifest_conversion(state),
        *(
            Route(each.path, _serve(each, state, webhooks), methods=[each.method], name=each.path)
            for each in ENDPOINTS
        ),
        Route("/{path:path}", missing),
    ]


def _serve(
    endpoint: Endpoint, state: SandboxState, webhooks: Webhooks
) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        quota: Quota | None = None
        try:
            token = _caller(endpoint, state, request)
            quota = auth.count_request(state, token)
            call = await _call(endpoint, state, webhooks, request, token)
            response = await endpoint.handler(call)
            request.scope["state"]["wrote"] = call.wrote
            response = _conditional(request, response, quota)
        except GitHubError as error:
            response = answer(error.body(), error.status, error.headers)
        return _with_headers(response, quota, state)

    return serve


def _caller(endpoint: Endpoint, state: SandboxState, request: Request) -> Token | None:
    """The token of the caller; None where it is the App itself. Raises 401."""
    credential = auth.bearer(request.headers.get("authorization", ""))
    if endpoint.needs == "app":
        auth.verify_app(state, credential)
        return None
    return auth.verify_token(state, credential)


async def _call(
    endpoint: Endpoint,
    state: SandboxState,
    webhooks: Webhooks,
    request: Request,
    token: Token | None,
) -> Call:
    repository = _repository(state, request)
    if token is not None:
        # Another account's repository is hidden before its permissions matter; "this endpoint can
        # be used without authentication … if only public resources are requested", GitHub docs.
        own = repository is None or auth.has_access(token, repository)
        public = endpoint.method == "GET" and repository is not None and not repository.private
        if not own and not public:
            raise not_found()
        if own and endpoint.needs:
            auth.check_permission(token, endpoint.needs)
    body = {} if endpoint.method == "GET" else await json_body(request)
    return Call(
        request=request,
        state=state,
        webhooks=webhooks,
        token=token,
        repository=repository,
        body=body,
    )


def _repository(state: SandboxState, request: Request) -> Repository | None:
    """The repository in the path, None where the path has none. Raises 404."""
    params = request.path_params
    if "owner" not in params:
        return None
    repository_name = f"{params['owner']}/{params['repo']}".lower()
    for repository in state.repositories.values():
        if repository.full_name.lower() == repository_name:
            return repository
    raise not_found()


def _conditional(request: Request, response: Response, quota: Quota) -> Response:
    """Give the answer an ETag, or answer 304 to a client that already has it.

    "Making a conditional request does not count against your primary rate limit if a 304
    response is returned", GitHub docs, "Best practices for using the REST API".
    """
    if request.method != "GET" or response.status_code != 200:
        return response
    etag = f'W/"{hashlib.sha256(bytes(response.body)).hexdigest()}"'
    if request.headers.get("if-none-match") == etag:
        quota.remaining += 1
        return Response(status_code=304, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return response


def _with_headers(response: Response, quota: Quota | None, state: SandboxState) -> Response:
    if quota:
        response.headers.update(auth.quota_headers(quota))
    response.headers["X-GitHub-Request-Id"] = uuid.uuid4().hex
    response.headers["Date"] = state.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
    return response
