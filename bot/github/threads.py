"""Review threads, which only GraphQL can resolve and only GraphQL can minimise.

https://docs.github.com/en/graphql/reference/mutations#resolvereviewthread
"""

from dataclasses import dataclass
from typing import Any

from bot.github.client import GitHub
from bot.github.errors import NotFound

_THREADS = """
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewThreads(first: 50, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes {
          id isResolved isOutdated path line
          comments(first: 1) {
            totalCount
            nodes {
              id databaseId url body isMinimized author { __typename login }
              down: reactions(content: THUMBS_DOWN, first: 100) { nodes { user { login } } }
              up: reactions(content: THUMBS_UP, first: 100) { nodes { user { login } } }
            }
          }
          replies: comments(first: 30) { nodes { author { __typename login } } }
        }
      }
    }
  }
}
"""
_RESOLVE = """
mutation($thread: ID!) {
  resolveReviewThread(input: {threadId: $thread}) { thread { id isResolved } }
}
"""
_MINIMIZE = """
mutation($subject: ID!, $reason: ReportedContentClassifiers!) {
  minimizeComment(input: {subjectId: $subject, classifier: $reason}) {
    minimizedComment { isMinimized }
  }
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A review thread, told by its first comment.

    `id` and `node_id` are GraphQL's, `comment_id` is REST's. `line` is None once outdated.
    `url` is the address of its first comment, `minimized` says that this is hidden.
    `replies` counts what came after the first comment, `thumbs_down_by` are the people (the first
    hundred, as many as a page holds) who put a thumb down on it, `thumbs_up_by` who put one up.
    `answered`: a person is among the authors of the first comments after it.
    """

    id: str
    resolved: bool
    outdated: bool
    path: str
    line: int | None
    comment_id: int
    node_id: str
    author: str
    body: str
    replies: int
    url: str = ""
    minimized: bool = False
    thumbs_down_by: tuple[str, ...] = ()
    thumbs_up_by: tuple[str, ...] = ()
    answered: bool = False


async def list_threads(gh: GitHub, repo: str, number: int) -> tuple[Thread, ...]:
    """All review threads of a pull request. Raises NotFound."""
    owner, _, name = repo.partition("/")
    found: list[Thread] = []
    after: str | None = None
    while True:
        variables = {"owner": owner, "name": name, "number": number, "after": after}
        data = await gh.query(_THREADS, variables)
        pull = (data.get("repository") or {}).get("pullRequest")
        if pull is None:
            raise NotFound(f"{repo}#{number} was not found, or the App cannot access it.")
        page = pull["reviewThreads"]
        found += [_thread_of(node) for node in page["nodes"] if node["comments"]["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"] or after is None:
            return tuple(found)


async def resolve_thread(gh: GitHub, thread_id: str) -> None:
    """Resolve a thread; one that is resolved already stays so. Raises Forbidden for a token
    without `contents: write`, whatever it may do to pull requests:
    https://github.com/orgs/community/discussions/44650
    """
    await gh.query(_RESOLVE, {"thread": thread_id})


async def minimize_comment(gh: GitHub, node_id: str, reason: str = "OUTDATED") -> None:
    """Fold a comment or a review away; `reason` OUTDATED, RESOLVED, DUPLICATE or OFF_TOPIC."""
    await gh.query(_MINIMIZE, {"subject": node_id, "reason": reason})


def _thread_of(node: dict[str, Any]) -> Thread:
    comments = node["comments"]
    first = comments["nodes"][0]
    return Thread(
        id=node["id"],
        resolved=node["isResolved"],
        outdated=node["isOutdated"],
        path=node["path"],
        line=node["line"],
        comment_id=first["databaseId"],
        node_id=first["id"],
        author=_login(first["author"]),
        body=first["body"],
        replies=comments["totalCount"] - 1,
        url=first["url"],
        minimized=first["isMinimized"],
        thumbs_down_by=_people(first["down"]),
        thumbs_up_by=_people(first["up"]),
        answered=any(
            reply["author"] is not None and reply["author"]["__typename"] == "User"
            for reply in node["replies"]["nodes"][1:]
        ),
    )


def _people(reactions: dict[str, Any]) -> tuple[str, ...]:
    return tuple(
        reaction["user"]["login"] for reaction in reactions["nodes"] if reaction["user"] is not None
    )


def _login(author: dict[str, Any] | None) -> str:
    """A login as REST writes it: GraphQL leaves `[bot]` away, deleted accounts are null."""
    if author is None:
        return "ghost"
    login = str(author["login"])
    is_bot = author["__typename"] == "Bot" and not login.endswith("[bot]")
    return f"{login}[bot]" if is_bot else login
