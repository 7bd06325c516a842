"""Pull requests as issues: conversation, labels and reactions."""

from starlette.responses import Response

from bot.sandbox import pull_json, repository_json
from bot.sandbox.api.call import (
    Call,
    Endpoint,
    GitHubError,
    answer,
    forbidden,
    invalid,
    no_content,
    not_found,
    page_of,
    unprocessable,
)
from bot.sandbox.state import IssueComment, Label, Reaction, Repository, SandboxState

MAX_BODY = 65_536


async def get_issue(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/issues/{number}"""
    return answer(pull_json.issue(call.state, call.repo, call.pull()))


async def list_comments(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/issues/{number}/comments: oldest first"""
    pull = call.pull()
    comments = [c for c in call.repo.issue_comments.values() if c.number == pull.number]
    items, headers = page_of(call, comments)
    return answer(
        [pull_json.issue_comment(call.state, call.repo, c) for c in items], headers=headers
    )


async def create_comment(call: Call) -> Response:
    """POST /repos/{owner}/{repo}/issues/{number}/comments"""
    pull = call.pull()
    comment = IssueComment(
        id=call.state.next_id(),
        number=pull.number,
        user=call.actor,
        body=_body(call),
        created_at=call.state.now(),
        updated_at=call.state.now(),
    )
    call.repo.issue_comments[comment.id] = comment
    call.wrote = True
    return answer(pull_json.issue_comment(call.state, call.repo, comment), 201)


async def get_comment(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/issues/comments/{id}"""
    return answer(pull_json.issue_comment(call.state, call.repo, _comment(call)))


async def update_comment(call: Call) -> Response:
    """PATCH /repos/{owner}/{repo}/issues/comments/{id}"""
    comment = _own(call)
    comment.body, comment.updated_at = _body(call), call.state.now()
    call.wrote = True
    return answer(pull_json.issue_comment(call.state, call.repo, comment))


async def delete_comment(call: Call) -> Response:
    """DELETE /repos/{owner}/{repo}/issues/comments/{id}"""
    del call.repo.issue_comments[_own(call).id]
    call.wrote = True
    return no_content()


def _body(call: Call) -> str:
    body = call.required("IssueComment", "body", str)
    if len(body) > MAX_BODY:
        raise unprocessable(f"Body is too long (maximum is {MAX_BODY} characters)")
    return body


def _comment(call: Call) -> IssueComment:
    comment = call.repo.issue_comments.get(call.number("comment_id"))
    if comment is None:
        raise not_found()
    return comment


def _own(call: Call) -> IssueComment:
    comment = _comment(call)
    if comment.user != call.actor:
        raise forbidden()
    return comment


def _reactions(call: Call) -> list[Reaction]:
    """The reactions under what the path names: a comment of either kind, or an issue."""
    if "number" in call.request.path_params:
        return call.pull().reactions
    comment_id = call.number("comment_id")
    kind = call.request.url.path.split("/comments/")[0].rpartition("/")[2]
    places = call.repo.review_comments if kind == "pulls" else call.repo.issue_comments
    if comment_id not in places:
        raise not_found()
    return places[comment_id].reactions


async def create_reaction(call: Call) -> Response:
    """POST …/reactions: 201, or 200 if the same one stands there already"""
    reactions = _reactions(call)
    content = call.required("Reaction", "content", str)
    if content not in pull_json.REACTIONS:
        raise invalid("Reaction", "content")
    for reaction in reactions:
        if (reaction.user, reaction.content) == (call.actor, content):
            return answer(pull_json.reaction(call.state, reaction), 200)
    reaction = Reaction(
        id=call.state.next_id(), user=call.actor, content=content, created_at=call.state.now()
    )
    reactions.append(reaction)
    call.wrote = True
    return answer(pull_json.reaction(call.state, reaction), 201)


async def list_reactions(call: Call) -> Response:
    """GET …/reactions, filtered by `content`"""
    content_filter = call.query("content")
    reactions = [r for r in _reactions(call) if not content_filter or r.content == content_filter]
    items, headers = page_of(call, reactions)
    return answer([pull_json.reaction(call.state, item) for item in items], headers=headers)


async def delete_reaction(call: Call) -> Response:
    """DELETE …/reactions/{id}"""
    reactions = _reactions(call)
    for reaction in reactions:
        if reaction.id == call.number("reaction_id"):
            if reaction.user != call.actor:
                raise forbidden()
            reactions.remove(reaction)
            call.wrote = True
            return no_content()
    raise not_found()


async def list_labels(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/issues/{number}/labels"""
    items, headers = page_of(call, call.pull().labels)
    return answer(_labels(call, list(items)), headers=headers)


async def add_labels(call: Call) -> Response:
    """POST /repos/{owner}/{repo}/issues/{number}/labels: unknown labels are made"""
    pull = call.pull()
    names = call.required("Label", "labels", list)
    for name in names:
        ensure_label(call.state, call.repo, name)
        if name not in pull.labels:
            pull.labels.append(name)
    call.wrote = True
    return answer(_labels(call, pull.labels))


async def remove_label(call: Call) -> Response:
    """DELETE /repos/{owner}/{repo}/issues/{number}/labels/{name}"""
    pull, name = call.pull(), call.request.path_params["name"]
    if name not in pull.labels:
        raise GitHubError(404, "Label does not exist")
    pull.labels.remove(name)
    call.wrote = True
    return answer(_labels(call, pull.labels))


def _labels(call: Call, names: list[str]) -> list[repository_json.Json]:
    return [pull_json.label(call.state, call.repo, call.repo.labels[name]) for name in names]


def ensure_label(state: SandboxState, repo: Repository, name: str) -> Label:
    """The repository's label of this name; made if there is none."""
    if name not in repo.labels:
        repo.labels[name] = Label(id=state.next_id(), name=name)
    return repo.labels[name]


_REPO = "/repos/{owner}/{repo}"
_ISSUE = f"{_REPO}/issues/{{number:int}}"
_COMMENT = f"{_REPO}/issues/comments/{{comment_id:int}}"
_LINE_COMMENT = f"{_REPO}/pulls/comments/{{comment_id:int}}"
# On pull requests either permission is enough for the conversation.
_READ, _WRITE = "issues|pull_requests:read", "issues|pull_requests:write"


def _reaction_endpoints(path: str, name: str) -> tuple[Endpoint, ...]:
    return (
        Endpoint("GET", f"{path}/reactions", list_reactions, f"{name}:read"),
        Endpoint("POST", f"{path}/reactions", create_reaction, f"{name}:write"),
        Endpoint(
            "DELETE", f"{path}/reactions/{{reaction_id:int}}", delete_reaction, f"{name}:write"
        ),
    )


ENDPOINTS = (
    Endpoint("GET", _ISSUE, get_issue, _READ),
    Endpoint("GET", f"{_ISSUE}/comments", list_comments, _READ),
    Endpoint("POST", f"{_ISSUE}/comments", create_comment, _WRITE),
    Endpoint("GET", _COMMENT, get_comment, _READ),
    Endpoint("PATCH", _COMMENT, update_comment, _WRITE),
    Endpoint("DELETE", _COMMENT, delete_comment, _WRITE),
    Endpoint("GET", f"{_ISSUE}/labels", list_labels, _READ),
    Endpoint("POST", f"{_ISSUE}/labels", add_labels, _WRITE),
    Endpoint("DELETE", f"{_ISSUE}/labels/{{name}}", remove_label, _WRITE),
    *_reaction_endpoints(_ISSUE, "issues|pull_requests"),
    *_reaction_endpoints(_COMMENT, "issues|pull_requests"),
    *_reaction_endpoints(_LINE_COMMENT, "pull_requests"),
)
