"""What people do with pull requests on the sandbox: each method changes the state and delivers
GitHub's webhook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.sandbox import webhook_events
from bot.sandbox.api.issues import ensure_label
from bot.sandbox.git import git, write
from bot.sandbox.json import pull_json
from bot.sandbox.outdated_comments import follow_threads
from bot.sandbox.records import Pull, Repository
from bot.sandbox.state import HookDelivery, SandboxState
from bot.sandbox.webhook_sender import Hooks

#: Who opens pull requests and comments unless somebody else is named; may write everywhere.
AUTHOR = "octocat"


class Authors:
    """Those who make pull requests. Methods return when the webhook has been answered.

    Repositories are named `owner/name`. Raises KeyError for what does not exist.
    """

    def __init__(self, state: SandboxState, hooks: Hooks) -> None:
        self.state = state
        self._hooks = hooks

    def repository(self, full_name: str) -> Repository:
        """A repository with all that stands on it. Raises KeyError."""
        return self.state.repositories[full_name]

    async def deliver(
        self, event: str, payload: dict[str, Any], guid: str | None = None
    ) -> HookDelivery:
        """Send any event, signed as GitHub does, and return how it went."""
        return await self._hooks.deliver(event, payload, guid)

    async def redeliver(self, delivery_id: int) -> HookDelivery:
        """Send a recorded delivery again, under its old GUID."""
        return await self._hooks.redeliver(delivery_id)

    def _pull(self, full_name: str, number: int) -> tuple[Repository, Pull]:
        repo = self.repository(full_name)
        pull = repo.pulls[number]
        pull.updated_at = self.state.now()
        return repo, pull

    async def _announce(
        self, repo: Repository, pull: Pull, action: str, sender: str = "", **more: object
    ) -> None:
        payload = webhook_events.pull_request(
            self.state, repo, pull, action, sender or pull.author, **more
        )
        await self.deliver("pull_request", payload)

    async def open_pull(
        self,
        full_name: str,
        base_sha: str,
        head_sha: str,
        *,
        title: str = "Change things",
        body: str = "",
        author: str = AUTHOR,
        draft: bool = False,
        labels: Sequence[str] = (),
        base_ref: str = "",
        head_ref: str = "",
        from_fork: bool = False,
    ) -> int:
        """Open a pull request between two commits and return its number.

        Its refs are made: the base branch (the default one unless named), the head branch
        (only `refs/pull/N/head` for a fork), both at the given commits.
        """
        repo, now = self.repository(full_name), self.state.now()
        number = max(repo.pulls, default=0) + 1
        pull = Pull(
            id=self.state.next_id(),
            number=number,
            title=title,
            body=body,
            author=author,
            base_ref=base_ref or repo.default_branch,
            base_sha=base_sha,
            head_ref=head_ref or f"change-{number}",
            head_sha=head_sha,
            created_at=now,
            updated_at=now,
            draft=draft,
            from_fork=from_fork,
            labels=[ensure_label(self.state, repo, name).name for name in labels],
            heads=[head_sha],
        )
        await write.set_ref(repo.git_dir, f"refs/heads/{pull.base_ref}", base_sha)
        await self._set_head(repo, pull)
        repo.pulls[number] = pull
        await self._announce(repo, pull, "opened", author)
        return number

    async def _set_head(self, repo: Repository, pull: Pull) -> None:
        if not pull.from_fork:
            await write.set_ref(repo.git_dir, f"refs/heads/{pull.head_ref}", pull.head_sha)
        await write.set_ref(repo.git_dir, f"refs/pull/{pull.number}/head", pull.head_sha)

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
