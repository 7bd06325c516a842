"""What GitHub's deliveries mean to us: one small parser for each event, no I/O.

`translate` has three outcomes: an Event, Ignored with the reason, or MalformedPayload.
GitHub's JSON goes no further than this file and `bot.payloads`; what others need of the
events themselves (`bot.event_types`) is offered here too.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import ValidationError

from bot import payloads
from bot.event_types import (
    CheckRunAction,
    CheckRunRerequested,
    CheckSuiteRerequested,
    CommentCreated,
    Event,
    InstallationAction,
    InstallationChanged,
    Ping,
    PullRequestAction,
    PullRequestChanged,
    from_json,
    to_json,
)
from bot.model import Repository
from bot.redact import redact

__all__ = [
    "CheckRunAction",
    "CheckRunRerequested",
    "CheckSuiteRerequested",
    "CommentCreated",
    "Event",
    "Ignored",
    "InstallationAction",
    "InstallationChanged",
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


@dataclass(frozen=True, slots=True)
class Ignored:
    """A delivery that means nothing to us; `reason` is half a sentence for the log."""

    reason: str


_PULL_REQUEST_ACTIONS = {
    "opened": PullRequestAction.OPENED,
    "synchronize": PullRequestAction.PUSHED,
    "ready_for_review": PullRequestAction.READY,
    "reopened": PullRequestAction.REOPENED,
    "closed": PullRequestAction.CLOSED,
    "labeled": PullRequestAction.LABELED,
    "unlabeled": PullRequestAction.UNLABELED,
}

_INSTALLATION_ACTIONS = {
    "created": InstallationAction.CREATED,
    "deleted": InstallationAction.DELETED,
    "suspend": InstallationAction.SUSPENDED,
    "unsuspend": InstallationAction.UNSUSPENDED,
    "new_permissions_accepted": InstallationAction.PERMISSIONS_ACCEPTED,
}


def _action(payload: object) -> str:
    # Read first and alone: an action that we ignore may have any shape.
    return payloads.Action.model_validate(payload).action


def _unhandled(event: str, action: str) -> Ignored:
    return Ignored(f"the action `{event}.{action[:50]}` is not handled")


def _pull_request(payload: object) -> Event | Ignored:
    name = _action(payload)
    if name != "edited" and name not in _PULL_REQUEST_ACTIONS:
        return _unhandled("pull_request", name)
    read = payloads.PullRequestPayload.model_validate(payload)
    action = _edit(read.changes) if name == "edited" else _PULL_REQUEST_ACTIONS[name]
    if action is None:
        return Ignored("the edit is neither of the base branch nor of the title")
    pull, old_title = read.pull_request, read.changes.title
    author = pull.user or payloads.GHOST
    return PullRequestChanged(
        repository=read.where(),
        number=pull.number,
        action=action,
        head_sha=pull.head.sha,
        base_ref=pull.base.ref,
        draft=pull.draft,
        author=author.login,
        author_is_bot=author.is_bot,
        labels=tuple(label.name for label in pull.labels),
        title=redact(pull.title),
        sender=read.sender.login,
        label=read.label.name if read.label else None,
        old_title=redact(old_title.former) if old_title else None,
    )


def _edit(changes: payloads.Changes) -> PullRequestAction | None:
    """What an edit means to us; of both, the base branch decides what is to be reviewed."""
    if changes.base is not None:
        return PullRequestAction.RETARGETED
    return PullRequestAction.RETITLED if changes.title is not None else None


def _by_no_person(author: payloads.Account | None) -> Ignored:
    # Our own comments are a bot's as well: this is what keeps us from answering ourselves.
    return Ignored(
        f"the comment is by the bot `{author.login}`" if author else "the author is gone"
    )


def _issue_comment(payload: object) -> Event | Ignored:
    if (action := _action(payload)) != "created":
        return _unhandled("issue_comment", action)
    read = payloads.IssueCommentPayload.model_validate(payload)
    author = read.comment.user
    if read.issue.pull_request is None:
        return Ignored("the comment is on an issue, not on a pull request")
    if author is None or author.is_bot:
        return _by_no_person(author)
    return CommentCreated(
        repository=read.where(),
        number=read.issue.number,
        comment_id=read.comment.id,
        author=author.login,
        body=redact(read.comment.body),
    )


def _review_comment(payload: object) -> Event | Ignored:
    if (action := _action(payload)) != "created":
        return _unhandled("pull_request_review_comment", action)
    read = payloads.ReviewCommentPayload.model_validate(payload)
    comment = read.comment
    if comment.user is None or comment.user.is_bot:
        return _by_no_person(comment.user)
    return CommentCreated(
        repository=read.where(),
        number=read.pull_request.number,
        comment_id=comment.id,
        author=comment.user.login,
        body=redact(comment.body),
        in_thread=comment.in_reply_to_id or comment.id,
        in_reply_to=comment.in_reply_to_id,
        path=comment.path,
        line=comment.line if comment.line is not None else comment.original_line,
    )


def _check_run(payload: object) -> Event | Ignored:
    action = _action(payload)
    if action == "rerequested":
        run = payloads.CheckRunPayload.model_validate(payload)
        return CheckRunRerequested(
            repository=run.where(),
            check_run_id=run.check_run.id,
            external_id=run.check_run.external_id or "",
            head_sha=run.check_run.head_sha,
            sender=run.sender.login,
        )
    if action == "requested_action":
        asked = payloads.CheckRunActionPayload.model_validate(payload)
        return CheckRunAction(
            repository=asked.where(),
            check_run_id=asked.check_run.id,
            external_id=asked.check_run.external_id or "",
            identifier=asked.requested_action.identifier,
            head_sha=asked.check_run.head_sha,
            sender=asked.sender.login,
        )
    return _unhandled("check_run", action)


def _check_suite(payload: object) -> Event | Ignored:
    if (action := _action(payload)) != "rerequested":
        return _unhandled("check_suite", action)
    read = payloads.CheckSuitePayload.model_validate(payload)
    return CheckSuiteRerequested(
        repository=read.where(), head_sha=read.check_suite.head_sha, sender=read.sender.login
    )


def _installation(payload: object) -> Event | Ignored:
    action = _INSTALLATION_ACTIONS.get(name := _action(payload))
    if action is None:
        return _unhandled("installation", name)
    read = payloads.InstallationPayload.model_validate(payload)
    return _installation_changed(action, read.installation, read.repositories)


def _installation_repositories(payload: object) -> Event | Ignored:
    action = _action(payload)
    if action not in ("added", "removed"):
        return _unhandled("installation_repositories", action)
    read = payloads.InstallationRepositoriesPayload.model_validate(payload)
    if action == "added":
        ours, which = InstallationAction.REPOSITORIES_ADDED, read.repositories_added
    else:
        ours, which = InstallationAction.REPOSITORIES_REMOVED, read.repositories_removed
    return _installation_changed(ours, read.installation, which)


def _installation_changed(
    action: InstallationAction, on: payloads.Installation, named: list[payloads.Repository]
) -> InstallationChanged:
    return InstallationChanged(
        action=action,
        installation_id=on.id,
        account=on.account.name if on.account else "",
        repositories=tuple(Repository(on.id, one.id, one.full_name) for one in named),
    )


def _ping(payload: object) -> Event:
    return Ping()


_PARSERS: dict[str, Callable[[object], Event | Ignored]] = {
    "pull_request": _pull_request,
    "issue_comment": _issue_comment,
    "pull_request_review_comment": _review_comment,
    "check_run": _check_run,
    "check_suite": _check_suite,
    "installation": _installation,
    "installation_repositories": _installation_repositories,
    "ping": _ping,
}


#: The events that mean something to us.
HANDLED = frozenset(_PARSERS)


def translate(name: str, payload: object) -> Event | Ignored:
    """The meaning of a delivery: `name` is X-GitHub-Event, `payload` the parsed JSON body.

    Raises MalformedPayload when a part that we need is missing or of another type.
    """
    parser = _PARSERS.get(name)
    if parser is None:
        return Ignored(f"the event `{name[:50]}` is not handled")
    try:
        return parser(payload)
    except ValidationError as exc:
        # GitHub's documentation promises these fields, so the first one says enough.
        error = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in error["loc"])
        what = f"`{where}`: {error['msg']}" if where else "its top: it is not a JSON object"
        raise MalformedPayload(
            f"The `{name}` payload is malformed at {what}."
            " Check that the delivery comes from the GitHub App's own webhook."
        ) from exc
