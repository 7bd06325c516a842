"""What GitHub's deliveries mean to us: one small parser for each event, no I/O.

`translate` has three outcomes: an Event, Ignored with the reason, or MalformedPayload.
GitHub's JSON goes no further than this file and `bot.webhooks.payloads`; what others need of the
events themselves (`bot.domain.events`) is offered here too.
"""

import re
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.domain.events import (
    CheckRunAction,
    CheckRunRerequested,
    CheckSuiteRerequested,
    CommentCreated,
    Event,
    InstallationAction,
    InstallationChanged,
    MergeGroupRequested,
    Ping,
    PullRequestAction,
    PullRequestChanged,
    from_json,
    to_json,
)
from bot.domain.model import Repository
from bot.text.secrets import redact
from bot.webhooks import payloads

__all__ = [
    "CheckRunAction",
    "CheckRunRerequested",
    "CheckSuiteRerequested",
    "CommentCreated",
    "Event",
    "Ignored",
    "InstallationAction",
    "InstallationChanged",
    "MergeGroupRequested",
    "MalformedPayload",
    "Ping",
    "PullRequestAction",
    "PullRequestChanged",
    "from_json",
    "to_json",
    "translate",
]


class MalformedPayload(Exception):
    """Raised when a payload is not what GitHub documents; the message is one sentence."""


class _Unhandled(Exception):
    """Raised for an action that means nothing to us; the message is half a sentence."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A delivery that means nothing to us; `reason` is half a sentence for the log."""

    reason: str


_NO_JSON = "The body is not JSON: set the webhook's content type to application/json."

#: What we look no further into.
_JSON: TypeAdapter[Any] = TypeAdapter(Any)

_PULL_REQUEST_ACTIONS = {
    "opened": PullRequestAction.OPENED,
    "synchronize": PullRequestAction.PUSHED,
    "ready_for_review": PullRequestAction.READY,
    "reopened": PullRequestAction.REOPENED,
    "closed": PullRequestAction.CLOSED,
    "labeled": PullRequestAction.LABELED,
    "unlabeled": PullRequestAction.UNLABELED,
}

#: An edit's meaning depends on what was edited.
_HANDLED_PULL_REQUEST_ACTIONS = frozenset({"edited", *_PULL_REQUEST_ACTIONS})

_INSTALLATION_ACTIONS = {
    "created": InstallationAction.CREATED,
    "deleted": InstallationAction.DELETED,
    "suspend": InstallationAction.SUSPENDED,
    "unsuspend": InstallationAction.UNSUSPENDED,
    "new_permissions_accepted": InstallationAction.PERMISSIONS_ACCEPTED,
}


_Payload = TypeVar("_Payload", bound=payloads.Action)


def _parse(event: str, body: bytes, shape: type[_Payload], handled: Container[str]) -> _Payload:
    """The body as that shape, in one go: objects are made of what we look at alone. Raises
    ValidationError, and _Unhandled if its action is none of the handled."""
    try:
        payload = shape.model_validate_json(body)
    except ValidationError:
        # An action that we ignore may have any shape.
        action = payloads.Action.model_validate_json(body).action
        if action in handled:
            raise
    else:
        action = payload.action
        if action in handled:
            return payload
    raise _Unhandled(f"the action `{event}.{action[:50]}` is not handled")


def _pull_request(body: bytes) -> Event | Ignored:
    payload = _parse(
        "pull_request", body, payloads.PullRequestPayload, _HANDLED_PULL_REQUEST_ACTIONS
    )
    edited = payload.action == "edited"
    action = _edit(payload.changes) if edited else _PULL_REQUEST_ACTIONS[payload.action]
    if action is None:
        return Ignored("the edit changes neither the base branch nor the title")
    pull, old_title = payload.pull_request, payload.changes.title
    author = pull.user or payloads.GHOST
    return PullRequestChanged(
        repository=payload.where(),
        number=pull.number,
        action=action,
        head_sha=pull.head.sha,
        base_ref=pull.base.ref,
        draft=pull.draft,
        author=author.login,
        author_is_bot=author.is_bot,
        labels=tuple(label.name for label in pull.labels),
        title=redact(pull.title),
        sender=payload.sender.login,
        label=payload.label.name if payload.label else None,
        old_title=redact(old_title.former) if old_title else None,
        merged=bool(pull.merged),
    )


def _edit(changes: payloads.Changes) -> PullRequestAction | None:
    """What an edit means to us; of both, the base branch decides what is to be reviewed."""
    if changes.base is not None:
        return PullRequestAction.RETARGETED
    return PullRequestAction.RETITLED if changes.title is not None else None


def _not_a_user(author: payloads.Account | None) -> Ignored:
    # Our own comments are a bot's as well: this is what keeps us from answering ourselves.
    return Ignored(
        f"the comment is by the bot `{author.login}`"
        if author
        else "the author's account no longer exists"
    )


def _issue_comment(body: bytes) -> Event | Ignored:
    payload = _parse("issue_comment", body, payloads.IssueCommentPayload, ("created",))
    author = payload.comment.user
    if payload.issue.pull_request is None:
        return Ignored("the comment is on an issue, not on a pull request")
    if author is None or author.is_bot:
        return _not_a_user(author)
    return CommentCreated(
        repository=payload.where(),
        number=payload.issue.number,
        comment_id=payload.comment.id,
        author=author.login,
        body=redact(payload.comment.body),
    )


def _review_comment(body: bytes) -> Event | Ignored:
    event = "pull_request_review_comment"
    payload = _parse(event, body, payloads.ReviewCommentPayload, ("created",))
    comment = payload.comment
    if comment.user is None or comment.user.is_bot:
        return _not_a_user(comment.user)
    return CommentCreated(
        repository=payload.where(),
        number=payload.pull_request.number,
        comment_id=comment.id,
        author=comment.user.login,
        body=redact(comment.body),
        in_thread=comment.in_reply_to_id or comment.id,
        in_reply_to=comment.in_reply_to_id,
        path=comment.path,
        line=comment.line if comment.line is not None else comment.original_line,
    )


def _check_run(body: bytes) -> Event | Ignored:
    handled = ("rerequested", "requested_action")
    payload = _parse("check_run", body, payloads.CheckRunPayload, handled)
    run, where, sender = payload.check_run, payload.where(), payload.sender.login
    if payload.action == "rerequested":
        return CheckRunRerequested(
            repository=where,
            check_run_id=run.id,
            external_id=run.external_id or "",
            head_sha=run.head_sha,
            sender=sender,
        )
    requested = payloads.RequestedActionPayload.model_validate_json(body)
    return CheckRunAction(
        repository=where,
        check_run_id=run.id,
        external_id=run.external_id or "",
        identifier=requested.requested_action.identifier,
        head_sha=run.head_sha,
        sender=sender,
    )


def _check_suite(body: bytes) -> Event | Ignored:
    payload = _parse("check_suite", body, payloads.CheckSuitePayload, ("rerequested",))
    return CheckSuiteRerequested(
        repository=payload.where(),
        head_sha=payload.check_suite.head_sha,
        sender=payload.sender.login,
    )


#: A queue's branch, as `refs/heads/gh-readonly-queue/main/pr-12-<commit>`.
_QUEUED = re.compile(r"/pr-(\d{1,15})-[0-9a-f]{40,64}\Z")


def _merge_group(body: bytes) -> Event | Ignored:
    payload = _parse("merge_group", body, payloads.MergeGroupPayload, ("checks_requested",))
    group = payload.merge_group
    queued = _QUEUED.search(group.head_ref)
    return MergeGroupRequested(
        repository=payload.where(),
        head_sha=group.head_sha,
        base_ref=group.base_ref.removeprefix("refs/heads/"),
        number=int(queued[1]) if queued else None,
    )


def _review(body: bytes) -> Event | Ignored:
    payload = _parse("pull_request_review", body, payloads.ReviewPayload, ("submitted",))
    review = payload.review
    if review.user is None or review.user.is_bot:
        return _not_a_user(review.user)
    if not (review.body or "").strip():
        return Ignored("the review has no summary")
    return CommentCreated(
        repository=payload.where(),
        number=payload.pull_request.number,
        comment_id=review.id,
        author=review.user.login,
        body=redact(review.body or ""),
        in_review=True,
    )


def _installation(body: bytes) -> Event | Ignored:
    payload = _parse("installation", body, payloads.InstallationPayload, _INSTALLATION_ACTIONS)
    return _installation_changed(
        _INSTALLATION_ACTIONS[payload.action], payload.installation, payload.repositories
    )


def _installation_repositories(body: bytes) -> Event | Ignored:
    shape = payloads.InstallationRepositoriesPayload
    payload = _parse("installation_repositories", body, shape, ("added", "removed"))
    if payload.action == "added":
        action, repositories = InstallationAction.REPOSITORIES_ADDED, payload.repositories_added
    else:
        action, repositories = InstallationAction.REPOSITORIES_REMOVED, payload.repositories_removed
    return _installation_changed(action, payload.installation, repositories)


def _installation_changed(
    action: InstallationAction, on: payloads.Installation, repositories: list[payloads.Repository]
) -> InstallationChanged:
    return InstallationChanged(
        action=action,
        installation_id=on.id,
        account=on.account.name if on.account else "",
        repositories=tuple(Repository(on.id, one.id, one.full_name) for one in repositories),
    )


def _ping(body: bytes) -> Event:
    _JSON.validate_json(body)
    return Ping()


_PARSERS: dict[str, Callable[[bytes], Event | Ignored]] = {
    "pull_request": _pull_request,
    "issue_comment": _issue_comment,
    "pull_request_review_comment": _review_comment,
    "check_run": _check_run,
    "check_suite": _check_suite,
    "merge_group": _merge_group,
    "pull_request_review": _review,
    "installation": _installation,
    "installation_repositories": _installation_repositories,
    "ping": _ping,
}


#: The events that mean something to us.
HANDLED = frozenset(_PARSERS)


def translate(name: str, body: bytes) -> Event | Ignored:
    """The meaning of a delivery: `name` is X-GitHub-Event, `body` its JSON.

    Raises MalformedPayload when the body is no JSON, and when a part that we need is missing or
    of another type.
    """
    try:
        if name in _PARSERS:
            return _PARSERS[name](body)
        _JSON.validate_json(body)
        return Ignored(f"the event `{name[:50]}` is not handled")
    except _Unhandled as exc:
        return Ignored(str(exc))
    except ValidationError as exc:
        # GitHub's documentation promises these fields, so the first one says enough.
        error = exc.errors(include_url=False, include_input=False)[0]
        if error["type"] == "json_invalid":
            raise MalformedPayload(_NO_JSON) from exc
        where = ".".join(str(part) for part in error["loc"])
        what = f"`{where}`: {error['msg']}" if where else "the top level: it is not a JSON object"
        raise MalformedPayload(
            f"The `{name}` payload is malformed at {what}."
            " Check that the delivery comes from the GitHub App's own webhook."
        ) from exc
