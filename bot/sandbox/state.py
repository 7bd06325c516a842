"""All that the sandbox stores, as plain mutable data.

Times are aware UTC datetimes; SHAs are 40 hex digits; ids are unique over the whole sandbox.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Self

#: What Glossator asks for when it is installed, and no more.
DEFAULT_PERMISSIONS = {
    "metadata": "read",
    "contents": "read",
    "pull_requests": "write",
    "checks": "write",
    "issues": "write",
    "merge_queues": "read",
}

#: The webhook events that the App is subscribed to.
DEFAULT_EVENTS = (
    "check_run",
    "check_suite",
    "installation",
    "installation_repositories",
    "issue_comment",
    "merge_group",
    "ping",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
)


@dataclass(slots=True, kw_only=True)
class Reaction:
    """An emoji under a comment or a pull request; `content` is `+1`, `eyes`, …"""

    id: int
    user: str
    content: str
    created_at: datetime


@dataclass(slots=True, kw_only=True)
class Label:
    """A label of a repository."""

    id: int
    name: str
    color: str = "ededed"
    description: str = ""


@dataclass(slots=True, kw_only=True)
class Pull:
    """A pull request. `heads` are all its head commits so far, oldest first."""

    id: int
    number: int
    title: str
    body: str
    author: str
    base_ref: str
    base_sha: str
    head_ref: str
    head_sha: str
    created_at: datetime
    updated_at: datetime
    draft: bool = False
    from_fork: bool = False
    state: str = "open"
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    labels: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class IssueComment:
    """A comment in a pull request's conversation. `minimized` is why it is hidden, or None."""

    id: int
    number: int
    user: str
    body: str
    created_at: datetime
    updated_at: datetime
    minimized: str | None = None
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Review:
    """A pull-request review; `state` is PENDING, COMMENTED, APPROVED, CHANGES_REQUESTED or
    DISMISSED, and `dismissed` the message that says why."""

    id: int
    number: int
    user: str
    body: str
    state: str
    commit_id: str
    submitted_at: datetime | None
    dismissed: str = ""
    minimized: str | None = None


@dataclass(slots=True, kw_only=True)
class ReviewComment:
    """A comment on a line. `line` is None once the line is outdated; `original_line` never is.

    `position` is GitHub's older way to name the line: how far it is below the first `@@`.

    A `subject_type` of `file` has no lines at all.
    """

    id: int
    number: int
    review_id: int
    thread_id: str
    user: str
    body: str
    path: str
    commit_id: str
    original_commit_id: str
    diff_hunk: str
    created_at: datetime
    updated_at: datetime
    side: str = "RIGHT"
    line: int | None = None
    original_line: int | None = None
    position: int | None = None
    original_position: int | None = None
    start_side: str | None = None
    start_line: int | None = None
    original_start_line: int | None = None
    subject_type: str = "line"
    in_reply_to_id: int | None = None
    minimized: str | None = None
    reactions: list[Reaction] = field(default_factory=list)

    def reply(self, comment_id: int, review: Review, body: str, now: datetime) -> Self:
        """A comment of another review that answers this one, in the same place and thread."""
        return replace(
            self,
            id=comment_id,
            review_id=review.id,
            user=review.user,
            body=body,
            created_at=now,
            updated_at=now,
            in_reply_to_id=self.in_reply_to_id or self.id,
            minimized=None,
            reactions=[],
        )


@dataclass(slots=True, kw_only=True)
class Thread:
    """The comments on one place of the diff, resolvable as a whole through GraphQL only."""

    id: str
    number: int
    path: str
    resolved_by: str | None = None
    outdated: bool = False


@dataclass(slots=True, kw_only=True)
class CheckRun:
    """A check run on a commit. `output` has title, summary, text; annotations only grow."""

    id: int
    name: str
    head_sha: str
    suite_id: int
    app_id: int
    external_id: str = ""
    details_url: str = ""
    status: str = "queued"
    conclusion: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    output: dict[str, str | None] = field(default_factory=dict)
    annotations: list[dict[str, object]] = field(default_factory=list)
    actions: list[dict[str, str]] = field(default_factory=list)
    log: bytes | None = None  # of the job of GitHub Actions with the same id


@dataclass(slots=True, kw_only=True)
class ScanningAlert:
    """An alert of code scanning; `state` is open or fixed."""

    number: int
    rule: str
    path: str = ""
    state: str = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """A package that a manifest names at a commit; `license` is None where GitHub knows none."""

    manifest: str
    ecosystem: str
    name: str
    version: str
    license: str | None = "MIT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """A global security advisory on versions of one package; `severity` is critical, high, medium,
    low or unknown, `fixed` None where no version is without it."""

    id: str
    package: str
    versions: tuple[str, ...]
    summary: str
    severity: str = "high"
    ecosystem: str = "npm"
    fixed: str | None = None


@dataclass(slots=True, kw_only=True)
class Repository:
    """A repository with a bare git directory and all that stands on it. `dependencies` are those
    of commits; None where the dependency graph is off."""

    id: int
    full_name: str
    git_dir: Path
    default_branch: str
    created_at: datetime
    private: bool = True
    permissions: dict[str, str] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    issue_comments: dict[int, IssueComment] = field(default_factory=dict)
    reviews: dict[int, Review] = field(default_factory=dict)
    review_comments: dict[int, ReviewComment] = field(default_factory=dict)
    threads: dict[str, Thread] = field(default_factory=dict)
    check_runs: dict[int, CheckRun] = field(default_factory=dict)
    check_suites: dict[str, int] = field(default_factory=dict)
    scanning_alerts: dict[tuple[str, str, str, str], ScanningAlert] = field(default_factory=dict)
    dependencies: dict[str, tuple[Dependency, ...]] | None = None

    @property
    def owner(self) -> str:
        """The account before the slash."""
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        """The part after the slash."""
        return self.full_name.partition("/")[2]

    def pulls_at(self, sha: str) -> list[Pull]:
        """Open pull requests of this repository (not of forks) whose head is this commit."""
        return [
            pull
            for pull in self.pulls.values()
            if pull.head_sha == sha and pull.state == "open" and not pull.from_fork
        ]


@dataclass(slots=True, kw_only=True)
class User:
    """An account. `type` is `User`, `Bot` or `Organization`."""

    id: int
    login: str
    type: str = "User"


@dataclass(slots=True, kw_only=True)
class App:
    """The GitHub App under test; `events` are those its webhook is subscribed to."""

    id: int
    slug: str
    name: str
    client_id: str
    webhook_url: str
    webhook_secret: str
    events: tuple[str, ...] = DEFAULT_EVENTS

    @property
    def bot_login(self) -> str:
        """The account that the App writes as."""
        return f"{self.slug}[bot]"


@dataclass(slots=True, kw_only=True)
class Installation:
    """The App on one account. `repository_ids` are the repositories it may see."""

    id: int
    account: str
    created_at: datetime
    permissions: dict[str, str] = field(default_factory=lambda: dict(DEFAULT_PERMISSIONS))
    repository_ids: set[int] = field(default_factory=set)
    suspended_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Token:
    """An installation access token, narrowed to repositories and permissions."""

    value: str
    installation_id: int
    permissions: dict[str, str]
    repository_ids: frozenset[int]
    expires_at: datetime


@dataclass(slots=True, kw_only=True)
class HookDelivery:
    """One attempt to deliver a webhook. `status_code` is 0 when nobody answered."""

    id: int
    guid: str
    event: str
    action: str | None
    delivered_at: datetime
    duration: float
    status: str
    status_code: int
    redelivery: bool
    installation_id: int | None
    repository_id: int | None
    request_headers: dict[str, str]
    request_body: bytes
    response_headers: dict[str, str]
    response_body: str


@dataclass(slots=True, kw_only=True)
class Quota:
    """What is left of an hour's requests, for the App or one installation."""

    limit: int
    remaining: int
    resets_at: datetime


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class SandboxState:
    """The whole of the sandbox's memory. `url` is its web root, without a trailing slash."""

    url: str
    app: App
    public_key_pem: bytes
    clock: Callable[[], datetime] = utc_now
    hourly_limit: int = 5000
    installations: dict[int, Installation] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    advisories: dict[str, Advisory] = field(default_factory=dict)
    quotas: dict[str, Quota] = field(default_factory=dict)
    deliveries: list[HookDelivery] = field(default_factory=list)
    #: What an App that is made from a manifest gets, and the manifests under way by their codes.
    private_key_pem: str = field(default="", repr=False)
    #: A sentence above every page, on what is shown there.
    notice: str = ""
    manifests: dict[str, Any] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: count(1001))

    def next_id(self) -> int:
        """A number never given before."""
        return next(self._ids)

    def now(self) -> datetime:
        """The sandbox's time, in whole seconds as GitHub's API gives it."""
        return self.clock().replace(microsecond=0)

    def user(self, login: str) -> User:
        """The account with this login; made on first mention."""
        if login not in self.users:
            kind = "Bot" if login.endswith("[bot]") else "User"
            self.users[login] = User(id=self.next_id(), login=login, type=kind)
        return self.users[login]

    def installation_of(self, repository: Repository) -> Installation | None:
        """The installation that can see this repository."""
        return next(
            (i for i in self.installations.values() if repository.id in i.repository_ids), None
        )
