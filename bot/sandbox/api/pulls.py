"""Pull requests: themselves, their files, commits and diffs."""

import asyncio

from starlette.responses import Response

from bot.sandbox import pull_json, repository_json
from bot.sandbox.api.call import (
    Call,
    Endpoint,
    GitHubError,
    answer,
    not_found,
    page_of,
    unprocessable,
)
from bot.sandbox.api.issues import MAX_BODY
from bot.sandbox.git import diff, git
from bot.sandbox.state import Pull, Repository

#: "Responses include a maximum of 3000 files", GitHub docs, "List pull requests files".
MAX_FILES = 3000
#: "Lists a maximum of 250 commits for a pull request", GitHub docs.
MAX_COMMITS = 250
#: GitHub answers 406 `too_large` beyond these when it is asked for the diff media type.
DIFF_FILES = 300
DIFF_LINES = 20_000


async def list_pulls(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/pulls: newest first; filters state, head, base"""
    state = call.query("state", "open")
    pulls = [
        pull
        for pull in sorted(call.repo.pulls.values(), key=lambda p: p.number, reverse=True)
        if state in ("all", pull.state)
        and call.query("base", pull.base_ref) == pull.base_ref
        and _head_fits(call, pull)
    ]
    items, headers = page_of(call, pulls)
    body = [pull_json.pull_simple(call.state, call.repo, pull) for pull in items]
    return answer(body, headers=headers)


def _head_fits(call: Call, pull: Pull) -> bool:
    owner = pull.author if pull.from_fork else call.repo.owner
    label = f"{owner}:{pull.head_ref}"
    return call.query("head", label) == label


async def get_pull(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/pulls/{number}: as JSON, or as a diff"""
    pull = call.pull()
    if ".diff" in call.request.headers.get("accept", ""):
        return await _as_diff(call, pull)
    start = await diff_base(call.repo, pull)  # 404 where the base is gone
    files, commits, mergeable = await asyncio.gather(
        diff.changed_files(call.repo.git_dir, start, pull.head_sha),
        pull_commits(call.repo, pull),
        git.merges_cleanly(call.repo.git_dir, pull.base_sha, pull.head_sha),
    )
    review_comments = [c for c in call.repo.review_comments.values() if c.number == pull.number]
    comments = [c for c in call.repo.issue_comments.values() if c.number == pull.number]
    body = pull_json.pull_simple(call.state, call.repo, pull) | {
        "merged": pull.merged_at is not None,
        "mergeable": mergeable,
        "rebaseable": mergeable,
        "mergeable_state": "clean" if mergeable else "dirty",
        "merged_by": None,
        "maintainer_can_modify": pull.from_fork,
        "comments": len(comments),
        "review_comments": len(review_comments),
        "commits": len(commits),
        "additions": sum(f.additions for f in files),
        "deletions": sum(f.deletions for f in files),
        "changed_files": len(files),
    }
    return answer(body)


async def update_pull(call: Call) -> Response:
    """PATCH /repos/{owner}/{repo}/pulls/{number}: its description, which is all that we change"""
    pull = call.pull()
    body = call.required("PullRequest", "body", str)
    if len(body) > MAX_BODY:
        raise unprocessable(f"Body is too long (maximum is {MAX_BODY} characters)")
    pull.body, pull.updated_at = body, call.state.now()
    call.wrote = True
    return await get_pull(call)


async def _as_diff(call: Call, pull: Pull) -> Response:
    start = await diff_base(call.repo, pull)
    files = await diff.changed_files(call.repo.git_dir, start, pull.head_sha)
    text = await diff.unified_diff(call.repo.git_dir, start, pull.head_sha)
    if len(files) > DIFF_FILES:
        raise _too_large(f"the maximum number of files ({DIFF_FILES})")
    if text.count(b"\n") > DIFF_LINES:
        raise _too_large(f"the maximum number of lines ({DIFF_LINES})")
    return Response(text, media_type="application/vnd.github.diff; charset=utf-8")


def _too_large(limit: str) -> GitHubError:
    return GitHubError(
        406,
        f"Sorry, the diff exceeded {limit}. Consider using 'List pull requests files' API or"
        " locally cloning the repository instead.",
        errors=[{"resource": "PullRequest", "field": "diff", "code": "too_large"}],
    )


async def list_files(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/pulls/{number}/files"""
    pull = call.pull()
    files = (await pull_files(call.repo, pull))[:MAX_FILES]
    items, headers = page_of(call, files)
    body = [repository_json.file(call.state, call.repo, item, pull.head_sha) for item in items]
    return answer(body, headers=headers)


async def list_commits(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/pulls/{number}/commits"""
    commits = (await pull_commits(call.repo, call.pull()))[:MAX_COMMITS]
    items, headers = page_of(call, commits)
    return answer(
        [repository_json.commit(call.state, call.repo, item) for item in items], headers=headers
    )


async def diff_base(repo: Repository, pull: Pull, head: str | None = None) -> str:
    """The commit that the diff starts from: the merge base of base and head, or the base where
    the two share no history. Raises GitHubError where there is no such base."""
    found = await git.merge_base(repo.git_dir, pull.base_sha, head or pull.head_sha)
    if found is None and not await git.has_commit(repo.git_dir, pull.base_sha):
        raise not_found()
    return found or pull.base_sha


async def pull_files(repo: Repository, pull: Pull, head: str | None = None) -> list[diff.FileDiff]:
    """The changed files of a pull request, at its head or an earlier commit of it."""
    start = await diff_base(repo, pull, head)
    return await diff.changed_files(repo.git_dir, start, head or pull.head_sha)


async def pull_commits(repo: Repository, pull: Pull) -> list[git.Commit]:
    """The commits of a pull request, oldest first; all where it shares no history with its base."""
    return await git.commits_between(repo.git_dir, pull.base_sha, pull.head_sha)


_PULL = "/repos/{owner}/{repo}/pulls/{number:int}"

ENDPOINTS = (
    Endpoint("GET", "/repos/{owner}/{repo}/pulls", list_pulls, "pull_requests:read"),
    Endpoint("GET", _PULL, get_pull, "pull_requests:read"),
    Endpoint("PATCH", _PULL, update_pull, "pull_requests:write"),
    Endpoint("GET", f"{_PULL}/files", list_files, "pull_requests:read"),
    Endpoint("GET", f"{_PULL}/commits", list_commits, "pull_requests:read"),
)
