"""The parts of GitHub's webhook payloads that we read, strictly typed (no I/O).

Whatever else a payload carries is left alone; a missing field or one of another type
raises pydantic.ValidationError.
https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from bot.domain import model

Id = Annotated[int, Field(ge=1, lt=2**63)]
Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
# No name consists of dots alone, so none can climb in a URL's path.
FullName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-]+/[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*$")
]


class Shape(BaseModel):
    """A JSON object of which we read the named fields and no others."""

    # Each is built with the first delivery of its kind, of which most servers see a few.
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, defer_build=True)


class Account(Shape):
    login: str
    type: str = "User"

    @property
    def is_bot(self) -> bool:
        return self.type == "Bot" or self.login.endswith("[bot]")


#: GitHub's own stand-in for a deleted account, which payloads show as null.
GHOST = Account(login="ghost")


class Named(Shape):
    name: str


class Ref(Shape):
    ref: str


class Head(Shape):
    sha: Sha


class Repository(Shape):
    id: Id
    full_name: FullName


class InstallationId(Shape):
    id: Id


class Action(Shape):
    action: str


class InRepository(Action):
    """What every delivery about one repository carries."""

    repository: Repository
    installation: InstallationId
    sender: Account

    def where(self) -> model.Repository:
        return model.Repository(self.installation.id, self.repository.id, self.repository.full_name)


class Pull(Shape):
    number: Id
    title: str
    draft: bool = False
    user: Account | None
    head: Head
    base: Ref
    labels: list[Named] = []
    merged: bool | None = None


class Before(Shape):
    """What a text was before an edit."""

    former: str = Field(alias="from")


class Changes(Shape):
    """What an edit changed; `base` is there if the pull request goes to another branch now,
    `title` if it has another title."""

    base: dict[str, Any] | None = None
    title: Before | None = None


class PullRequestPayload(InRepository):
    pull_request: Pull
    label: Named | None = None
    changes: Changes = Changes()


class Comment(Shape):
    id: Id
    body: str
    user: Account | None


class Issue(Shape):
    number: Id
    pull_request: dict[str, Any] | None = None


class IssueCommentPayload(InRepository):
    issue: Issue
    comment: Comment


class ReviewComment(Comment):
    path: str
    in_reply_to_id: Id | None = None
    line: int | None = None
    original_line: int | None = None


class Numbered(Shape):
    number: Id


class ReviewCommentPayload(InRepository):
    pull_request: Numbered
    comment: ReviewComment


class CheckRun(Shape):
    id: Id
    head_sha: Sha
    external_id: str | None = None


class RequestedAction(Shape):
    identifier: str


class CheckRunPayload(InRepository):
    check_run: CheckRun


class RequestedActionPayload(Action):
    requested_action: RequestedAction


class CheckSuite(Shape):
    head_sha: Sha


class CheckSuitePayload(InRepository):
    check_suite: CheckSuite


class MergeGroup(Shape):
    head_sha: Sha
    head_ref: str
    base_ref: str


class MergeGroupPayload(InRepository):
    merge_group: MergeGroup


class SubmittedReview(Shape):
    id: Id
    body: str | None = None
    user: Account | None


class ReviewPayload(InRepository):
    pull_request: Numbered
    review: SubmittedReview


class InstallationAccount(Shape):
    login: str | None = None
    slug: str | None = None  # an enterprise has this in place of a login

    @property
    def name(self) -> str:
        return self.login or self.slug or ""


class Installation(Shape):
    id: Id
    account: InstallationAccount | None


class InstallationPayload(Action):
    installation: Installation
    repositories: list[Repository] = []


class InstallationRepositoriesPayload(Action):
    installation: Installation
    repositories_added: list[Repository]
    repositories_removed: list[Repository]
