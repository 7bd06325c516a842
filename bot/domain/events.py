"""What happens on GitHub, in our own words: frozen dataclasses, told apart by `kind`.

`to_json` and `from_json` carry any of them through a queue message.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from bot.domain.model import Repository


class PullRequestAction(StrEnum):
    """What happened to a pull request, in our words."""

    OPENED = "opened"
    PUSHED = "pushed"
    RETARGETED = "retargeted"
    RETITLED = "retitled"
    READY = "ready"
    REOPENED = "reopened"
    CLOSED = "closed"
    LABELED = "labeled"
    UNLABELED = "unlabeled"


class InstallationAction(StrEnum):
    CREATED = "created"
    DELETED = "deleted"
    SUSPENDED = "suspended"
    UNSUSPENDED = "unsuspended"
    PERMISSIONS_ACCEPTED = "permissions_accepted"
    REPOSITORIES_ADDED = "repositories_added"
    REPOSITORIES_REMOVED = "repositories_removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestChanged:
    """A pull request as it stood at the delivery; `label` is the one that came or went,
    `old_title` the one that `title` has replaced. `merged` says how a closed one ended."""

    repository: Repository
    number: int
    action: PullRequestAction
    head_sha: str
    base_ref: str
    draft: bool
    author: str
    author_is_bot: bool
    labels: tuple[str, ...]
    title: str
    sender: str
    label: str | None = None
    old_title: str | None = None
    merged: bool = False
    kind: Literal["pull_request_changed"] = "pull_request_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentCreated:
    """A person's comment on a pull request.

    On the conversation (`comment_id` is an issue comment's) `in_thread`, `path` and `line`
    are None; so they are for the summary of a person's review (`in_review`, a review's id), which
    takes no reactions. In a review thread `comment_id` is a review comment's, `in_thread` the
    thread's first comment (itself when it starts one), `in_reply_to` the same unless it starts one.
    """

    repository: Repository
    number: int
    comment_id: int
    author: str
    body: str
    in_thread: int | None = None
    in_reply_to: int | None = None
    path: str | None = None
    line: int | None = None
    in_review: bool = False
    kind: Literal["comment_created"] = "comment_created"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRunRerequested:
    """Somebody pressed Re-run on a check run of ours; `external_id` is "" if it has none."""

    repository: Repository
    check_run_id: int
    external_id: str
    head_sha: str
    sender: str
    kind: Literal["check_run_rerequested"] = "check_run_rerequested"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRunAction:
    """Somebody pressed one of our own buttons, known by its `identifier`."""

    repository: Repository
    check_run_id: int
    external_id: str
    identifier: str
    head_sha: str
    sender: str
    kind: Literal["check_run_action"] = "check_run_action"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSuiteRerequested:
    """Somebody pressed Re-run all checks on a commit."""

    repository: Repository
    head_sha: str
    sender: str
    kind: Literal["check_suite_rerequested"] = "check_suite_rerequested"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeGroupRequested:
    """A merge queue asks for checks on the commit that it made of `number` and what is queued
    before it; `number` is None if the queue's branch does not name a pull request."""

    repository: Repository
    head_sha: str
    base_ref: str
    number: int | None
    kind: Literal["merge_group_requested"] = "merge_group_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationChanged:
    """The App came to an account, left it, or got other repositories there.

    `repositories` are those that the delivery names: all at `created`, the ones that came
    or went at `repositories_*`. GitHub may leave them out, so an empty tuple says nothing.
    """

    action: InstallationAction
    installation_id: int
    account: str
    repositories: tuple[Repository, ...] = ()
    kind: Literal["installation_changed"] = "installation_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """GitHub asks whether somebody is there."""

    kind: Literal["ping"] = "ping"


Event = Annotated[
    PullRequestChanged
    | CommentCreated
    | CheckRunRerequested
    | CheckRunAction
    | CheckSuiteRerequested
    | MergeGroupRequested
    | InstallationChanged
    | Ping,
    Field(discriminator="kind"),
]


_events: TypeAdapter[Event] = TypeAdapter(Event)


def to_json(event: Event) -> dict[str, Any]:
    """The event as JSON values, for a queue message."""
    value: dict[str, Any] = _events.dump_python(event, mode="json")
    return value


def from_json(data: dict[str, Any]) -> Event:
    """The event that `to_json` wrote. Raises pydantic.ValidationError."""
    return _events.validate_python(data)
