"""GitHub's JSON for what comes out of git: commits and changed files."""

from __future__ import annotations

from urllib.parse import quote

from bot.sandbox.git.file_diff import FileDiff
from bot.sandbox.git.git import Commit
from bot.sandbox.json.repository_json import Json, repo_api
from bot.sandbox.records import Repository
from bot.sandbox.state import SandboxState


def commit(state: SandboxState, repo: Repository, item: Commit) -> Json:
    """A commit; `author` is null because no GitHub account is behind these e-mail addresses."""
    api = repo_api(state, repo)
    who = {"name": item.author_name, "email": item.author_email, "date": item.authored_at}
    return {
        "url": f"{api}/commits/{item.sha}",
        "sha": item.sha,
        "node_id": f"C_{item.sha}",
        "html_url": f"{state.url}/{repo.full_name}/commit/{item.sha}",
        "comments_url": f"{api}/commits/{item.sha}/comments",
        "commit": {
            "url": f"{api}/git/commits/{item.sha}",
            "author": who,
            "committer": who,
            "message": item.message,
            "tree": {"url": f"{api}/git/trees/{item.tree}", "sha": item.tree},
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        },
        "author": None,
        "committer": None,
        "parents": [
            {
                "sha": parent,
                "url": f"{api}/commits/{parent}",
                "html_url": f"{state.url}/{repo.full_name}/commit/{parent}",
            }
            for parent in item.parents
        ],
    }


def file(state: SandboxState, repo: Repository, item: FileDiff, head: str) -> Json:
    """A changed file; `patch` and `previous_filename` only where there are any."""
    path = quote(item.path)
    shown: Json = {
        "sha": item.sha,
        "filename": item.path,
        "status": item.status,
        "additions": item.additions,
        "deletions": item.deletions,
        "changes": item.additions + item.deletions,
        "blob_url": f"{state.url}/{repo.full_name}/blob/{head}/{path}",
        "raw_url": f"{state.url}/{repo.full_name}/raw/{head}/{path}",
        "contents_url": f"{repo_api(state, repo)}/contents/{path}?ref={head}",
    }
    if item.previous_path is not None:
        shown["previous_filename"] = item.previous_path
    if item.patch is not None:
        shown["patch"] = item.patch
    return shown
