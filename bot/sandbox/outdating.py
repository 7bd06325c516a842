"""What a push does to review threads: lines move along, or the thread becomes outdated."""

from __future__ import annotations

from bot.sandbox import git
from bot.sandbox.hunks import follow
from bot.sandbox.state import Pull, Repository, ReviewComment


async def follow_threads(repo: Repository, pull: Pull, before: str) -> None:
    """Carry the line comments of a pull request from its old head to its new one.

    Comments on the left side stay, since the base does not move with a push.
    """
    changed = {
        item.previous_path or item.path: item
        for item in await git.diff(repo.git_dir, before, pull.head_sha)
    }
    for comment in repo.review_comments.values():
        if comment.number != pull.number or comment.line is None or comment.side == "LEFT":
            continue
        file = changed.get(comment.path)
        gone = file is not None and file.status == "removed"
        patch = file.patch if file else None
        comment.line = None if gone else follow(patch, comment.line)
        _follow_start(comment, patch)
        comment.commit_id = pull.head_sha
        if comment.line is None:
            repo.threads[comment.thread_id].outdated = True


def _follow_start(comment: ReviewComment, patch: str | None) -> None:
    if comment.start_line is None:
        return
    start = follow(patch, comment.start_line)
    if comment.line is None or start is None:
        # A range of which one end is gone is gone as a whole.
        comment.line = comment.start_line = None
    else:
        comment.start_line = start
