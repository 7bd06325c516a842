"""What people do on a sandbox GitHub: each method changes the state and delivers the webhook."""

from collections.abc import Mapping
from typing import Any

from bot.sandbox import people, pull_json, server
from bot.sandbox.api.issues import ensure_label
from bot.sandbox.git import git
from bot.sandbox.server import AUTHOR
from bot.sandbox.state import (
    CheckRun,
    HookDelivery,
    IssueComment,
    Pull,
    Reaction,
    Repository,
    Review,
    ReviewComment,
    Thread,
)
from tests.support.sandbox import events
from tests.support.sandbox.commits import write_commit
from tests.support.sandbox.outdated import follow_threads


class Users(server.Sandbox):
    """A sandbox with people. Methods return when the webhook has been answered.

    Raises KeyError for what does not exist.
    """

    @property
    def webhook_url(self) -> str:
        """Where deliveries go; empty for nowhere."""
        return self.state.app.webhook_url

    @webhook_url.setter
    def webhook_url(self, url: str) -> None:
        self.state.app.webhook_url = url

    async def deliver(
        self, event: str, payload: dict[str, Any], guid: str | None = None
    ) -> HookDelivery:
        """Send any event, signed as GitHub does, and return how it went."""
        return await self.webhooks.deliver(event, payload, guid)

    async def redeliver(self, delivery_id: int) -> HookDelivery:
        """Send a recorded delivery again, under its old GUID."""
        return await self.webhooks.redeliver(delivery_id)

    def _pull(self, full_name: str, number: int) -> tuple[Repository, Pull]:
        repo = self.repository(full_name)
        pull = repo.pulls[number]
        pull.updated_at = self.state.now()
        return repo, pull

    async def push(self, full_name: str, number: int, sha: str, *, author: str = AUTHOR) -> None:
        """Move the head to a commit: `pull_request.synchronize`."""
        repo, pull = self._pull(full_name, number)
        before, pull.head_sha = pull.head_sha, sha
        pull.heads.append(sha)
        await self._set_head(repo, pull)
        await follow_threads(repo, pull, before)
        await self._announce(repo, pull, "synchronize", author, before=before, after=sha)

    async def retarget(self, full_name: str, number: int, base_ref: str) -> None:
        """Let a pull request go to another branch: `pull_request.edited`. Raises GitFailed if
        there is no such branch."""
        repo, pull = self._pull(full_name, number)
        before = {"ref": {"from": pull.base_ref}, "sha": {"from": pull.base_sha}}
        tip = await git.run(repo.git_dir, "rev-parse", "--verify", f"refs/heads/{base_ref}")
        pull.base_ref, pull.base_sha = base_ref, tip.decode().strip()
        await self._announce(repo, pull, "edited", changes={"base": before})

    async def edit_title(self, full_name: str, number: int, title: str) -> None:
        """Change a pull request's title: `pull_request.edited`."""
        repo, pull = self._pull(full_name, number)
        before, pull.title = pull.title, title
        await self._announce(repo, pull, "edited", changes={"title": {"from": before}})

    async def close(self, full_name: str, number: int, *, merged: bool = False) -> None:
        """Close a pull request, merged or not."""
        repo, pull = self._pull(full_name, number)
        pull.state, pull.closed_at = "closed", self.state.now()
        pull.merged_at = pull.closed_at if merged else None
        await self._announce(repo, pull, "closed")

    async def reopen(self, full_name: str, number: int) -> None:
        """Open a closed pull request again."""
        repo, pull = self._pull(full_name, number)
        pull.state, pull.closed_at = "open", None
        await self._announce(repo, pull, "reopened")

    async def ready_for_review(self, full_name: str, number: int) -> None:
        """End a draft."""
        repo, pull = self._pull(full_name, number)
        pull.draft = False
        await self._announce(repo, pull, "ready_for_review")

    async def label(self, full_name: str, number: int, name: str) -> None:
        """Put a label on a pull request."""
        repo, pull = self._pull(full_name, number)
        item = ensure_label(self.state, repo, name)
        pull.labels.append(name)
        shown = pull_json.label(self.state, repo, item)
        await self._announce(repo, pull, "labeled", label=shown)

    async def unlabel(self, full_name: str, number: int, name: str) -> None:
        """Take a label off a pull request."""
        repo, pull = self._pull(full_name, number)
        pull.labels.remove(name)
        shown = pull_json.label(self.state, repo, ensure_label(self.state, repo, name))
        await self._announce(repo, pull, "unlabeled", label=shown)

    async def comment(
        self, full_name: str, number: int, body: str, *, author: str = AUTHOR
    ) -> IssueComment:
        """Comment on the conversation: `issue_comment.created`."""
        return await self.people.comment(*self._pull(full_name, number), body, author)

    async def submit_review(
        self, full_name: str, number: int, body: str, *, author: str = AUTHOR
    ) -> Review:
        """Submit a review that has a summary alone: `pull_request_review.submitted`."""
        repo, pull = self._pull(full_name, number)
        item = self.people.silent_review(repo, number, pull.head_sha, author)
        item.body = body
        await self.deliver("pull_request_review", events.review(self.state, repo, pull, item))
        return item

    async def queue(self, full_name: str, number: int, head_sha: str) -> None:
        """Put a pull request into the merge queue, which makes `head_sha` of it and its base:
        `merge_group.checks_requested`."""
        repo, pull = self._pull(full_name, number)
        payload = events.merge_group(self.state, repo, pull, head_sha, pull.base_sha)
        await self.deliver("merge_group", payload)

    async def edit_comment(self, full_name: str, comment_id: int, body: str) -> None:
        """Change a comment of the conversation: `issue_comment.edited`."""
        repo = self.repository(full_name)
        item = repo.issue_comments[comment_id]
        before, item.body, item.updated_at = item.body, body, self.state.now()
        pull = repo.pulls[item.number]
        payload = people.issue_comment(self.state, repo, pull, item, "edited", before)
        await self.deliver("issue_comment", payload)

    async def comment_on_line(
        self,
        full_name: str,
        number: int,
        path: str,
        line: int,
        body: str,
        *,
        author: str = AUTHOR,
    ) -> ReviewComment:
        """Comment on a line of the head that the diff shows, which is not checked here:
        `pull_request_review_comment.created`."""
        repo, pull = self._pull(full_name, number)
        now, head = self.state.now(), pull.head_sha
        review = self.people.silent_review(repo, number, head, author)
        thread = Thread(id=f"PRRT_{self.state.next_id()}", number=number, path=path)
        item = ReviewComment(
            id=self.state.next_id(),
            number=number,
            review_id=review.id,
            thread_id=thread.id,
            user=review.user,
            body=body,
            path=path,
            commit_id=head,
            original_commit_id=head,
            diff_hunk="",
            created_at=now,
            updated_at=now,
            line=line,
            original_line=line,
        )
        repo.threads[thread.id] = thread
        repo.review_comments[item.id] = item
        payload = people.review_comment(self.state, repo, pull, item, "created")
        await self.deliver("pull_request_review_comment", payload)
        return item

    async def reply_in_thread(
        self, full_name: str, comment_id: int, body: str, *, author: str = AUTHOR
    ) -> ReviewComment:
        """Answer a review comment: `pull_request_review_comment.created`."""
        repo = self.repository(full_name)
        return await self.people.reply(repo, repo.review_comments[comment_id], body, author)

    def react(
        self, full_name: str, comment_id: int, content: str, *, author: str = AUTHOR
    ) -> Reaction:
        """React to a comment of either kind. GitHub sends no webhook for reactions."""
        repo = self.repository(full_name)
        comment = (repo.issue_comments | repo.review_comments)[comment_id]
        reaction = Reaction(
            id=self.state.next_id(),
            user=self.state.user(author).login,
            content=content,
            created_at=self.state.now(),
        )
        comment.reactions.append(reaction)
        return reaction

    async def request_action(
        self, check_run_id: int, identifier: str, *, author: str = AUTHOR
    ) -> None:
        """Press a button that the check run shows: `check_run.requested_action`.

        Raises KeyError if the run shows no such button.
        """
        await self.people.request_action(*self._check_run(check_run_id), identifier, author)

    async def rerun(self, check_run_id: int, *, author: str = AUTHOR) -> None:
        """Press "Re-run" on a check run: `check_run.rerequested`."""
        repo, run = self._check_run(check_run_id)
        payload = people.check_run_event(self.state, repo, run, "rerequested", author)
        await self.deliver("check_run", payload)

    async def rerun_suite(self, full_name: str, head_sha: str, *, author: str = AUTHOR) -> None:
        """Press "Re-run all checks" on a commit: `check_suite.rerequested`."""
        repo = self.repository(full_name)
        payload = events.check_suite_event(self.state, repo, head_sha, "rerequested", author)
        await self.deliver("check_suite", payload)

    def _check_run(self, check_run_id: int) -> tuple[Repository, CheckRun]:
        for repo in self.state.repositories.values():
            if check_run_id in repo.check_runs:
                return repo, repo.check_runs[check_run_id]
        raise KeyError(f"no check run {check_run_id}")

    async def commit(
        self,
        full_name: str,
        files: Mapping[str, str | bytes | None],
        *,
        parent: str | None = None,
        message: str = "Change files",
    ) -> str:
        """Make a commit (contents by path, None removes) and return its SHA; no ref moves."""
        when = int(self.state.now().timestamp())
        git_dir = self.repository(full_name).git_dir
        return await write_commit(git_dir, files, parent=parent, message=message, when=when)

    async def set_branch(self, full_name: str, name: str, sha: str) -> None:
        """Let a branch point at a commit; nothing is announced."""
        await git.set_ref(self.repository(full_name).git_dir, f"refs/heads/{name}", sha)

    async def uninstall(self, account: str) -> None:
        """Take the App from an account: `installation.deleted`."""
        removed = self._installation_for(account)
        payload = events.installation(self.state, removed, "deleted", account)
        del self.state.installations[removed.id]
        await self.deliver("installation", payload)

    async def suspend(self, account: str) -> None:
        """Let the App do nothing there for a while: `installation.suspend`."""
        installation = self._installation_for(account)
        installation.suspended_at = self.state.now()
        payload = events.installation(self.state, installation, "suspend", account)
        await self.deliver("installation", payload)

    async def remove_repository(self, full_name: str) -> None:
        """Take one repository from the App: `installation_repositories.removed`."""
        repo = self.repository(full_name)
        installation = self._installation_for(repo.owner)
        installation.repository_ids.discard(repo.id)
        payload = events.installation_repositories(
            self.state, installation, repo, "removed", repo.owner
        )
        await self.deliver("installation_repositories", payload)

    def grant(self, permission: str, level: str) -> None:
        """Let every installation accept that the App may do this, as `contents`, `write`.
        Tokens of earlier are not changed."""
        for installation in self.state.installations.values():
            installation.permissions[permission] = level
