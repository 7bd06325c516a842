"""From HTTP to a handler: caller, rate limit, repository, permission, conditional answers."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.sandbox.api import auth
from bot.sandbox.api.call import Call, Endpoint, answer, json_body
from bot.sandbox.api.errors import GitHubError, not_found
from bot.sandbox.records import Repository
from bot.sandbox.state import Quota, SandboxState, Token
from bot.sandbox.webhook_sender import Hooks


def route(endpoint: Endpoint, state: SandboxState, hooks: Hooks) -> Route:
    """The Starlette route of an endpoint."""
    return Route(
        endpoint.path, _serve(endpoint, state, hooks), methods=[endpoint.method], name=endpoint.path
    )


def _serve(
    endpoint: Endpoint, state: SandboxState, hooks: Hooks
) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        quota: Quota | None = None
        try:
            token = _caller(endpoint, state, request)
            quota = spend(state, token)
            call = await _call(endpoint, state, hooks, request, token)
            response = await endpoint.handler(call)
            request.scope["state"]["wrote"] = call.wrote
            response = _unless_known(request, response, quota)
        except GitHubError as error:
            response = answer(error.body(), error.status, error.headers)
        return _stamped(response, quota, state)

    return serve


def _caller(endpoint: Endpoint, state: SandboxState, request: Request) -> Token | None:
    """The token of the caller; None where it is the App itself. Raises 401."""
    credential = auth.bearer(request.headers.get("authorization", ""))
    if endpoint.needs == "app":
        auth.verify_app(state, credential)
        return None
    return auth.verify_token(state, credential)


def spend(state: SandboxState, token: Token | None) -> Quota:
    """Count one request against the caller's hour. Raises 403 when it is used up.

    https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    quota = quota_of(state, token)
    if quota.remaining <= 0:
        raise GitHubError(
            403,
            f"API rate limit exceeded for installation ID {token.installation_id if token else 0}.",
            headers=_quota_headers(quota),
        )
    quota.remaining -= 1
    return quota


def quota_of(state: SandboxState, token: Token | None) -> Quota:
    """The caller's quota; a new hour starts a new one."""
    key = f"installation:{token.installation_id}" if token else "app"
    quota = state.quotas.get(key)
    if quota is None or quota.resets_at <= state.now():
        quota = state.quotas[key] = Quota(
            limit=state.hourly_limit,
            remaining=state.hourly_limit,
            resets_at=state.now() + timedelta(hours=1),
        )
    return quota


async def _call(
    endpoint: Endpoint, state: SandboxState, hooks: Hooks, request: Request, token: Token | None
) -> Call:
    repository = _repository(state, request)
    if token is not None:
        # Another account's repository is hidden before its permissions matter.
        if repository is not None and not auth.may_see(token, repository):
            raise not_found()
        if endpoint.needs:
            auth.check_permission(token, endpoint.needs)
    body = {} if endpoint.method == "GET" else await json_body(request)
    return Call(
        request=request,
        state=state,
        hooks=hooks,
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


def _unless_known(request: Request, response: Response, quota: Quota) -> Response:
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


def _stamped(response: Response, quota: Quota | None, state: SandboxState) -> Response:
    if quota:
        response.headers.update(_quota_headers(quota))
    response.headers["X-GitHub-Request-Id"] = uuid.uuid4().hex
    response.headers["Date"] = state.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
    return response


def _quota_headers(quota: Quota) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(quota.limit),
        "X-RateLimit-Remaining": str(quota.remaining),
        "X-RateLimit-Used": str(quota.limit - quota.remaining),
        "X-RateLimit-Reset": str(int(quota.resets_at.timestamp())),
        "X-RateLimit-Resource": "core",
    }
