"""What people say to pull requests on the sandbox, and which buttons they press: each method
changes the state and delivers GitHub's webhook."""

from __future__ import annotations

from bot.sandbox import webhook_events
from bot.sandbox.git.authors import AUTHOR, Authors
from bot.sandbox.records import (
    CheckRun,
    IssueComment,
    Reaction,
    Repository,
    Review,
    ReviewComment,
    Thread,
)


class People(Authors):
    """The people's half of a sandbox: authors, and those who answer them."""

    async def comment(
        self, full_name: str, number: int, body: str, *, author: str = AUTHOR
    ) -> IssueComment:
        """Comment on the conversation: `issue_comment.created`."""
        repo, pull = self._pull(full_name, number)
        now = self.state.now()
        item = IssueComment(
            id=self.state.next_id(),
            number=number,
            user=self.state.user(author).login,
            body=body,
            created_at=now,
            updated_at=now,
        )
        repo.issue_comments[item.id] = item
        payload = webhook_events.issue_comment(self.state, repo, pull, item, "created")
        await self.deliver("issue_comment", payload)
        return item

    async def edit_comment(self, full_name: str, comment_id: int, body: str) -> None:
        """Change a comment of the conversation: `issue_comment.edited`."""
        repo = self.repository(full_name)
        item = repo.issue_comments[comment_id]
        before, item.body, item.updated_at = item.body, body, self.state.now()
        pull = repo.pulls[item.number]
        payload = webhook_events.issue_comment(self.state, repo, pull, item, "edited", before)
        await self.deliver("issue_comment", payload)

    async def begin_thread(
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
        review = self._silent_review(repo, number, head, author)
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
        payload = webhook_events.review_comment(self.state, repo, pull, item, "created")
        await self.deliver("pull_request_review_comment", payload)
        return item

    def _silent_review(self, repo: Repository, number: int, head: str, author: str) -> Review:
        """The review without a body that GitHub puts around every single comment."""
        review = Review(
            id=self.state.next_id(),
            number=number,
            user=self.state.user(author).login,
            body="",
            state="COMMENTED",
            commit_id=head,
            submitted_at=self.state.now(),
        )
        repo.reviews[review.id] = review
        return review

    async def reply_in_thread(
        self, full_name: str, comment_id: int, body: str, *, author: str = AUTHOR
    ) -> ReviewComment:
        """Answer a review comment: `pull_request_review_comment.created`."""
        repo, now = self.repository(full_name), self.state.now()
        first = repo.review_comments[comment_id]
        review = self._silent_review(repo, first.number, first.commit_id, author)
        item = first.reply(self.state.next_id(), review, body, now)
        repo.review_comments[item.id] = item
        pull = repo.pulls[first.number]
        payload = webhook_events.review_comment(self.state, repo, pull, item, "created")
        await self.deliver("pull_request_review_comment", payload)
        return item

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

    async def press_button(
        self, check_run_id: int, identifier: str, *, author: str = AUTHOR
    ) -> None:
        """Press a button that the check run shows: `check_run.requested_action`.

        Raises KeyError if the run shows no such button.
        """
        repo, run = self._check_run(check_run_id)
        if identifier not in [action["identifier"] for action in run.actions]:
            raise KeyError(f"check run {check_run_id} has no button {identifier!r}")
        payload = webhook_events.check_run_event(
            self.state, repo, run, "requested_action", author, identifier
        )
        await self.deliver("check_run", payload)

    async def rerun(self, check_run_id: int, *, author: str = AUTHOR) -> None:
        """Press "Re-run" on a check run: `check_run.rerequested`."""
        repo, run = self._check_run(check_run_id)
        payload = webhook_events.check_run_event(self.state, repo, run, "rerequested", author)
        await self.deliver("check_run", payload)

    async def rerun_suite(self, full_name: str, head_sha: str, *, author: str = AUTHOR) -> None:
        """Press "Re-run all checks" on a commit: `check_suite.rerequested`."""
        repo = self.repository(full_name)
        payload = webhook_events.check_suite_event(
            self.state, repo, head_sha, "rerequested", author
        )
        await self.deliver("check_suite", payload)

    def _check_run(self, check_run_id: int) -> tuple[Repository, CheckRun]:
        for repo in self.state.repositories.values():
            if check_run_id in repo.check_runs:
                return repo, repo.check_runs[check_run_id]
        raise KeyError(f"no check run {check_run_id}")
