"""What people do on the simulated GitHub's pages: each method changes the state and delivers the
webhook, and returns once that has been answered."""

from bot.sandbox import pull_json
from bot.sandbox.api.checks import check_run, check_suite
from bot.sandbox.repository_json import Json
from bot.sandbox.state import (
    CheckRun,
    IssueComment,
    Pull,
    Repository,
    Review,
    ReviewComment,
    SandboxState,
)
from bot.sandbox.webhooks import Webhooks, repository_event


class People:
    """Authors are logins; they are made on first mention."""

    def __init__(self, state: SandboxState, webhooks: Webhooks) -> None:
        self._state = state
        self._webhooks = webhooks

    async def comment(self, repo: Repository, pull: Pull, body: str, author: str) -> IssueComment:
        """Comment on the conversation: `issue_comment.created`."""
        now = self._state.now()
        item = IssueComment(
            id=self._state.next_id(),
            number=pull.number,
            user=self._state.user(author).login,
            body=body,
            created_at=now,
            updated_at=now,
        )
        repo.issue_comments[item.id] = item
        pull.updated_at = now
        payload = issue_comment(self._state, repo, pull, item, "created")
        await self._webhooks.deliver("issue_comment", payload)
        return item

    async def reply(
        self, repo: Repository, first: ReviewComment, body: str, author: str
    ) -> ReviewComment:
        """Answer a review comment: `pull_request_review_comment.created`."""
        review = self.silent_review(repo, first.number, first.commit_id, author)
        item = first.reply(self._state.next_id(), review, body, self._state.now())
        repo.review_comments[item.id] = item
        payload = review_comment(self._state, repo, repo.pulls[first.number], item, "created")
        await self._webhooks.deliver("pull_request_review_comment", payload)
        return item

    def silent_review(self, repo: Repository, number: int, head: str, author: str) -> Review:
        """The review without a body that GitHub puts around every single comment."""
        review = Review(
            id=self._state.next_id(),
            number=number,
            user=self._state.user(author).login,
            body="",
            state="COMMENTED",
            commit_id=head,
            submitted_at=self._state.now(),
        )
        repo.reviews[review.id] = review
        return review

    async def request_action(
        self, repo: Repository, run: CheckRun, identifier: str, author: str
    ) -> None:
        """Press a button that the check run shows: `check_run.requested_action`. Raises KeyError
        if it shows no such button."""
        if identifier not in [action["identifier"] for action in run.actions]:
            raise KeyError(f"check run {run.id} has no button {identifier!r}")
        payload = check_run_event(self._state, repo, run, "requested_action", author, identifier)
        await self._webhooks.deliver("check_run", payload)


def issue_comment(
    state: SandboxState,
    repo: Repository,
    pull: Pull,
    comment: IssueComment,
    action: str,
    before: str | None = None,
) -> Json:
    """`issue_comment`; `before` is the text that an edit replaced."""
    body = repository_event(state, repo, action, comment.user) | {
        "issue": pull_json.issue(state, repo, pull),
        "comment": pull_json.issue_comment(state, repo, comment),
    }
    if before is not None:
        body["changes"] = {"body": {"from": before}}
    return body


def review_comment(
    state: SandboxState, repo: Repository, pull: Pull, comment: ReviewComment, action: str
) -> Json:
    """`pull_request_review_comment`"""
    return repository_event(state, repo, action, comment.user) | {
        "pull_request": pull_json.pull_simple(state, repo, pull),
        "comment": pull_json.review_comment(state, repo, comment),
    }


def check_run_event(
    state: SandboxState,
    repo: Repository,
    run: CheckRun,
    action: str,
    sender: str,
    identifier: str | None = None,
) -> Json:
    """`check_run`; `identifier` is that of the pressed button."""
    shown = check_run(state, repo, run)
    shown["check_suite"] = check_suite(state, repo, run.head_sha)
    body = repository_event(state, repo, action, sender) | {"check_run": shown}
    if identifier is not None:
        body["requested_action"] = {"identifier": identifier}
    return body
