"""Everything the sandbox knows, as plain mutable data: what a simulator remembers.

Times are aware UTC datetimes; SHAs are 40 hex digits; ids are unique over the whole sandbox.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from bot.sandbox.records import Repository

#: What Glossator asks for when it is installed, and no more.
DEFAULT_PERMISSIONS = {
    "metadata": "read",
    "contents": "read",
    "pull_requests": "write",
    "checks": "write",
    "issues": "write",
}

#: The webhook events that the App is subscribed to.
DEFAULT_EVENTS = (
    "check_run",
    "check_suite",
    "installation",
    "installation_repositories",
    "issue_comment",
    "ping",
    "pull_request",
    "pull_request_review_comment",
)


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
class Exchange:
    """One request that reached the sandbox, and its answer.

    `wrote` says whether it changed what stands on a repository, whatever the client was told;
    `status` is 0 where the answer was cut off by a fault. git traffic has empty bodies here.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    status: int
    response_headers: dict[str, str]
    response_body: bytes
    at: datetime
    wrote: bool = False
    fault: str | None = None


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
    quotas: dict[str, Quota] = field(default_factory=dict)
    deliveries: list[HookDelivery] = field(default_factory=list)
    requests: list[Exchange] = field(default_factory=list)
    #: What an App that is made from a manifest gets, and the manifests under way by their codes.
    private_key_pem: str = field(default="", repr=False)
    manifests: dict[str, Any] = field(default_factory=dict)
    _ids: count[int] = field(default_factory=lambda: count(1001))

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

    def repository_by_id(self, repository_id: int) -> Repository | None:
        """The repository with this id."""
        return next((r for r in self.repositories.values() if r.id == repository_id), None)

    def installation_of(self, repository: Repository) -> Installation | None:
        """The installation that can see this repository."""
        return next(
            (i for i in self.installations.values() if repository.id in i.repository_ids), None
        )
