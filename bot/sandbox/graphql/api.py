"""`POST /api/graphql`: what GitHub offers in GraphQL only, run by graphql-core on a real schema."""

from functools import lru_cache
from importlib.resources import files
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationType,
    build_schema,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.sandbox import repository_json
from bot.sandbox.api import auth
from bot.sandbox.api.call import GitHubError, answer, json_body
from bot.sandbox.graphql import nodes
from bot.sandbox.graphql.nodes import Info, Node
from bot.sandbox.state import (
    IssueComment,
    Quota,
    Repository,
    Review,
    ReviewComment,
    SandboxState,
    Thread,
    Token,
)

SCHEMA = build_schema(files("bot.sandbox.graphql").joinpath("schema.graphql").read_text())


def route(state: SandboxState) -> Route:
    """The one address of GraphQL. Errors in a query are answered with 200, as GitHub does."""

    async def serve(request: Request) -> Response:
        try:
            credential = auth.bearer(request.headers.get("authorization", ""))
            token = auth.verify_token(state, credential)
            quota = auth.count_request(state, token)
            body = await json_body(request)
        except GitHubError as error:
            return answer(error.body(), error.status, error.headers)
        result = run(state, token, quota, body)
        request.scope["state"]["wrote"] = _is_mutation(body) and not result.errors
        return answer(_formatted(result))

    return Route("/api/graphql", serve, methods=["POST"])


def run(state: SandboxState, token: Token, quota: Quota, body: dict[str, Any]) -> ExecutionResult:
    """Execute a request's `query` with its `variables`."""
    try:
        document, errors = _read(str(body.get("query", "")))
    except GraphQLError as error:
        return ExecutionResult(None, [error])
    if errors:
        return ExecutionResult(None, errors)
    return execute_sync(
        SCHEMA,
        document,
        root_value=_Root(state, token, quota),
        variable_values=body.get("variables") or {},
        operation_name=body.get("operationName"),
    )


@lru_cache(64)
def _read(query: str) -> tuple[DocumentNode, list[GraphQLError]]:
    """The parsed query, and what does not fit the schema; clients send the same ones again and
    again. Raises GraphQLError if it does not parse."""
    document = parse(query)
    return document, validate(SCHEMA, document)


def _is_mutation(body: dict[str, Any]) -> bool:
    try:
        document, _ = _read(str(body.get("query", "")))
        operation = get_operation_ast(document, body.get("operationName"))
    except GraphQLError:
        return False
    return operation is not None and operation.operation is OperationType.MUTATION


def _formatted(result: ExecutionResult) -> dict[str, Any]:
    """The answer's JSON; GitHub puts an error's `type` beside its message."""
    body: dict[str, Any] = {}
    if result.data is not None or not result.errors:
        body["data"] = result.data
    if result.errors:
        body["errors"] = [
            {**(error.extensions or {}), **dict(error.formatted)} for error in result.errors
        ]
        for error in body["errors"]:
            error.pop("extensions", None)
    return body


def _unknown(what: str) -> GraphQLError:
    return GraphQLError(f"Could not resolve to a {what}.", extensions={"type": "NOT_FOUND"})


class _Root:
    """The fields of Query and Mutation, named as in the schema, for one caller."""

    def __init__(self, state: SandboxState, token: Token, quota: Quota) -> None:
        self._state = state
        self._token = token
        self._quota = quota

    def viewer(self, _info: Info) -> Node:
        login = self._state.app.bot_login
        # The schema says User, and GitHub shows Apps here under their full login.
        return nodes.actor(self._state, login) | {"__typename": "User", "login": login}

    def rateLimit(self, _info: Info, dryRun: bool = False) -> Node:
        return {
            "cost": 1,
            "limit": self._quota.limit,
            "remaining": self._quota.remaining,
            "used": self._quota.limit - self._quota.remaining,
            "resetAt": repository_json.timestamp(self._quota.resets_at),
        }

    def repository(self, _info: Info, owner: str, name: str, **_follow: bool) -> Node:
        self._require("metadata:read")
        repo = self._state.repositories.get(f"{owner}/{name}")
        if repo is None or not auth.has_access(self._token, repo):
            raise _unknown(f"Repository with the name '{owner}/{name}'")
        return nodes.repository(self._state, repo)

    def node(self, _info: Info, id: str) -> Node:
        repo, item = self._find(id)
        if isinstance(item, Thread):
            return nodes.thread(self._state, repo, item)
        return self._comment_node(repo, item)

    def resolveReviewThread(self, _info: Info, input: dict[str, Any]) -> Node:
        return self._set_resolved(input, self._state.app.bot_login)

    def unresolveReviewThread(self, _info: Info, input: dict[str, Any]) -> Node:
        return self._set_resolved(input, None)

    def minimizeComment(self, _info: Info, input: dict[str, Any]) -> Node:
        shown = self._set_minimized(input, str(input["classifier"]).lower().replace("_", "-"))
        return {"minimizedComment": shown, "clientMutationId": input.get("clientMutationId")}

    def unminimizeComment(self, _info: Info, input: dict[str, Any]) -> Node:
        shown = self._set_minimized(input, None)
        return {"unminimizedComment": shown, "clientMutationId": input.get("clientMutationId")}

    def _set_resolved(self, arguments: dict[str, Any], by: str | None) -> Node:
        repo, item = self._find(arguments["threadId"])
        if not isinstance(item, Thread):
            raise _unknown(f"PullRequestReviewThread node with the global id of '{item.id}'")
        self._require("pull_requests:write")
        # As GitHub has it: https://github.com/orgs/community/discussions/44650
        self._require("contents:write")
        item.resolved_by = by
        return {
            "thread": nodes.thread(self._state, repo, item),
            "clientMutationId": arguments.get("clientMutationId"),
        }

    def _set_minimized(self, arguments: dict[str, Any], reason: str | None) -> Node:
        repo, item = self._find(arguments["subjectId"])
        if isinstance(item, Thread):
            raise _unknown(f"comment node with the global id of '{item.id}'")
        self._require("issues|pull_requests:write")
        item.minimized = reason
        return self._comment_node(repo, item)

    def _comment_node(self, repo: Repository, item: IssueComment | Review | ReviewComment) -> Node:
        if isinstance(item, ReviewComment):
            return nodes.review_comment(self._state, repo, item)
        if isinstance(item, Review):
            return nodes.review(self._state, item)
        return nodes.issue_comment(self._state, item)

    def _find(self, node: str) -> tuple[Repository, Thread | IssueComment | Review | ReviewComment]:
        """What a node id names, within the repositories of the token."""
        prefix, _, number = node.partition("_")
        key = int(number) if number.isdigit() else 0
        for repo in self._state.repositories.values():
            found = {
                "PRRT": repo.threads.get(node),
                "IC": repo.issue_comments.get(key),
                "PRR": repo.reviews.get(key),
                "PRRC": repo.review_comments.get(key),
            }.get(prefix)
            if found is not None and auth.has_access(self._token, repo):
                return repo, found
        raise _unknown(f"node with the global id of '{node}'")

    def _require(self, permission: str) -> None:
        try:
            auth.check_permission(self._token, permission)
        except GitHubError as error:
            raise GraphQLError(error.message, extensions={"type": "FORBIDDEN"}) from error
