"""GraphQL's view of the state: dictionaries whose callables graphql-core calls with arguments."""

from collections.abc import Callable, Sequence
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

from bot.sandbox import repository_json
from bot.sandbox.state import (
    IssueComment,
    Pull,
    Reaction,
    Repository,
    Review,
    ReviewComment,
    SandboxState,
    Thread,
)

Node = dict[str, Any]
Info = GraphQLResolveInfo[Any]

MAX_PAGE = 100


def actor(state: SandboxState, login: str) -> Node:
    """An account. A bot's login has no `[bot]` here, unlike in REST."""
    account = state.user(login)
    return {
        "__typename": "Bot" if account.type == "Bot" else "User",
        "id": repository_json.node_id("U", account.id),
        "login": login.removesuffix("[bot]"),
        "databaseId": account.id,
    }


def connection(name: str, nodes: Sequence[Node]) -> Callable[..., Node]:
    """A paged field. Cursors are positions; `first` or `last` has to be given, up to 100."""

    def page(
        _info: Info,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        skip: int | None = None,
    ) -> Node:
        size = first if first is not None else last
        if size is None:
            raise GraphQLError(
                f"You must provide a `first` or `last` value to properly paginate the `{name}`"
                " connection.",
                extensions={"type": "MISSING_PAGINATION_BOUNDARIES"},
            )
        if not 0 <= size <= MAX_PAGE:
            raise GraphQLError(
                f"Requesting {size} records on the `{name}` connection exceeds the `first` limit"
                f" of {MAX_PAGE} records.",
                extensions={"type": "EXCESSIVE_PAGINATION"},
            )
        start = int(after) if after else skip or 0
        end = int(before) - 1 if before else len(nodes)
        if first is not None:
            end = min(end, start + first)
        else:
            start = max(start, end - size)
        return {
            "nodes": list(nodes[start:end]),
            "totalCount": len(nodes),
            "pageInfo": {
                "startCursor": str(start + 1) if end > start else None,
                "endCursor": str(end) if end > start else None,
                "hasNextPage": end < len(nodes),
                "hasPreviousPage": start > 0,
            },
        }

    return page


def repository(state: SandboxState, repo: Repository) -> Node:
    """A repository; its pull requests by number."""

    def pull_request(_info: Info, number: int) -> Node:
        if number not in repo.pulls:
            raise GraphQLError(
                f"Could not resolve to a PullRequest with the number of {number}.",
                extensions={"type": "NOT_FOUND"},
            )
        return pull(state, repo, repo.pulls[number])

    return {
        "__typename": "Repository",
        "id": repository_json.node_id("R", repo.id),
        "databaseId": repo.id,
        "name": repo.name,
        "nameWithOwner": repo.full_name,
        "pullRequest": pull_request,
    }


def pull(state: SandboxState, repo: Repository, item: Pull) -> Node:
    """A pull request."""
    threads = [t for t in repo.threads.values() if t.number == item.number]
    reviews = [r for r in repo.reviews.values() if r.number == item.number]
    comments = [c for c in repo.issue_comments.values() if c.number == item.number]
    return {
        "__typename": "PullRequest",
        "id": repository_json.node_id("PR", item.id),
        "number": item.number,
        "title": item.title,
        "body": item.body,
        "isDraft": item.draft,
        "headRefOid": item.head_sha,
        "baseRefOid": item.base_sha,
        "reviewThreads": connection("reviewThreads", [thread(state, repo, t) for t in threads]),
        "reviews": connection("reviews", [review(state, r) for r in reviews]),
        "comments": connection("comments", [issue_comment(state, c) for c in comments]),
    }


def thread(state: SandboxState, repo: Repository, item: Thread) -> Node:
    """A review thread; its place is that of its first comment."""
    comments = [c for c in repo.review_comments.values() if c.thread_id == item.id]
    first = comments[0] if comments else None
    return {
        "__typename": "PullRequestReviewThread",
        "id": item.id,
        "isResolved": item.resolved_by is not None,
        "isOutdated": item.outdated,
        "path": item.path,
        "line": first.line if first else None,
        "originalLine": first.original_line if first else None,
        "startLine": first.start_line if first else None,
        "originalStartLine": first.original_start_line if first else None,
        "diffSide": first.side if first else "RIGHT",
        "resolvedBy": actor(state, item.resolved_by) if item.resolved_by else None,
        "comments": connection("comments", [review_comment(state, repo, c) for c in comments]),
    }


def _comment_node(
    state: SandboxState, kind: str, prefix: str, item: IssueComment | Review | ReviewComment
) -> Node:
    return {
        "__typename": kind,
        "id": repository_json.node_id(prefix, item.id),
        "databaseId": item.id,
        "author": actor(state, item.user),
        "body": item.body,
        "isMinimized": item.minimized is not None,
        "minimizedReason": item.minimized,
    }


def review(state: SandboxState, item: Review) -> Node:
    """A review."""
    return _comment_node(state, "PullRequestReview", "PRR", item) | {
        "state": item.state,
        "submittedAt": repository_json.timestamp(item.submitted_at),
    }


def issue_comment(state: SandboxState, item: IssueComment) -> Node:
    """A comment of the conversation."""
    return _comment_node(state, "IssueComment", "IC", item) | {
        "createdAt": repository_json.timestamp(item.created_at)
    }


_REACTIONS = {"+1": "THUMBS_UP", "-1": "THUMBS_DOWN"}


def reactions(state: SandboxState, items: Sequence[Reaction]) -> Callable[..., Node]:
    """The reactions to a comment; `content` picks those of one kind."""

    def page(info: Info, content: str | None = None, **paging: Any) -> Node:
        nodes = [
            {
                "__typename": "Reaction",
                "id": repository_json.node_id("REA", item.id),
                "content": _REACTIONS.get(item.content, item.content.upper()),
                "user": actor(state, item.user),
            }
            for item in items
        ]
        matching = [node for node in nodes if content in (None, node["content"])]
        return connection("reactions", matching)(info, **paging)

    return page


def review_comment(state: SandboxState, repo: Repository, item: ReviewComment) -> Node:
    """A comment of a thread."""
    parent = repo.review_comments.get(item.in_reply_to_id or 0)
    return _comment_node(state, "PullRequestReviewComment", "PRRC", item) | {
        "path": item.path,
        "diffHunk": item.diff_hunk,
        "outdated": item.line is None and item.subject_type == "line",
        "createdAt": repository_json.timestamp(item.created_at),
        "url": f"{state.url}/{repo.full_name}/pull/{item.number}#discussion_r{item.id}",
        "reactions": reactions(state, item.reactions),
        "replyTo": review_comment(state, repo, parent) if parent else None,
    }
