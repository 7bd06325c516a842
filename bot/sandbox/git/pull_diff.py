"""The diff of a pull request: merge base to head, as GitHub means it (three dots)."""

from __future__ import annotations

from functools import partial

from bot.sandbox.api.errors import not_found
from bot.sandbox.git import file_diff, git
from bot.sandbox.records import Pull, Repository


async def start_of(repo: Repository, pull: Pull, head: str | None = None) -> str:
    """The commit that the diff starts from: the merge base of base and head.

    Raises 404 if the two share no history.
    """
    base = await git.merge_base(repo.git_dir, pull.base_sha, head or pull.head_sha)
    if base is None:
        raise not_found()
    return base


async def files(repo: Repository, pull: Pull, head: str | None = None) -> list[file_diff.FileDiff]:
    """The changed files of a pull request, at its head or an earlier commit of it."""
    start = await start_of(repo, pull, head)
    return await file_diff.diff(repo.git_dir, start, head or pull.head_sha)


async def commits(repo: Repository, pull: Pull) -> list[git.Commit]:
    """The commits of a pull request, oldest first."""
    start = await start_of(repo, pull)
    read = partial(git.commits_between, repo.git_dir)
    return await read(start, pull.head_sha)
