"""GitHub's JSON for pull requests, which are issues as well, and their labels."""

from __future__ import annotations

from bot.sandbox.json.comment_json import reaction_counts
from bot.sandbox.json.repository_json import (
    Json,
    association,
    node_id,
    repo_api,
    repository,
    timestamp,
    user,
)
from bot.sandbox.records import (
    Label,
    Pull,
    Repository,
)
from bot.sandbox.state import SandboxState


def label(state: SandboxState, repo: Repository, item: Label) -> Json:
    """A label."""
    return {
        "id": item.id,
        "node_id": node_id("LA", item.id),
        "url": f"{repo_api(state, repo)}/labels/{item.name}",
        "name": item.name,
        "color": item.color,
        "default": False,
        "description": item.description,
    }


def pull_simple(state: SandboxState, repo: Repository, pull: Pull) -> Json:
    """A pull request as lists and webhooks have it; the single one adds counts."""
    api = f"{repo_api(state, repo)}/pulls/{pull.number}"
    issue = f"{repo_api(state, repo)}/issues/{pull.number}"
    html = f"{state.url}/{repo.full_name}/pull/{pull.number}"
    statuses = f"{repo_api(state, repo)}/statuses/{pull.head_sha}"
    links = {
        "self": api,
        "html": html,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{api}/comments",
        "review_comment": f"{repo_api(state, repo)}/pulls/comments{{/number}}",
        "commits": f"{api}/commits",
        "statuses": statuses,
    }
    return {
        "url": api,
        "id": pull.id,
        "node_id": node_id("PR", pull.id),
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": issue,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": statuses,
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "title": pull.title,
        "user": user(state, pull.author),
        "body": pull.body or None,
        "labels": [label(state, repo, repo.labels[name]) for name in pull.labels],
        "milestone": None,
        "created_at": timestamp(pull.created_at),
        "updated_at": timestamp(pull.updated_at),
        "closed_at": timestamp(pull.closed_at),
        "merged_at": timestamp(pull.merged_at),
        "merge_commit_sha": None,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "head": _end(state, repo, pull.head_ref, pull.head_sha, _head_owner(repo, pull)),
        "base": _end(state, repo, pull.base_ref, pull.base_sha, repo.owner),
        "_links": {name: {"href": href} for name, href in links.items()},
        "author_association": association(repo, pull.author),
        "auto_merge": None,
        "draft": pull.draft,
    }


def _head_owner(repo: Repository, pull: Pull) -> str:
    return pull.author if pull.from_fork else repo.owner


def _end(state: SandboxState, repo: Repository, ref: str, sha: str, owner: str) -> Json:
    """The `head` or `base` of a pull request; a fork's repository has its author's name."""
    shown = repository(state, repo)
    if owner != repo.owner:
        full_name = f"{owner}/{repo.name}"
        shown = shown | {
            "id": repo.id + 1_000_000_000,
            "full_name": full_name,
            "owner": user(state, owner),
            "fork": True,
            "html_url": f"{state.url}/{full_name}",
            "url": f"{state.url}/api/v3/repos/{full_name}",
            "clone_url": f"{state.url}/{full_name}.git",
        }
    return {
        "label": f"{owner}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": user(state, owner),
        "repo": shown,
    }


def issue(state: SandboxState, repo: Repository, pull: Pull) -> Json:
    """A pull request in its other life, as an issue."""
    url = f"{repo_api(state, repo)}/issues/{pull.number}"
    html = f"{state.url}/{repo.full_name}/pull/{pull.number}"
    comments = [c for c in repo.issue_comments.values() if c.number == pull.number]
    return {
        "url": url,
        "repository_url": repo_api(state, repo),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": html,
        "id": pull.id,
        "node_id": node_id("PR", pull.id),
        "number": pull.number,
        "title": pull.title,
        "user": user(state, pull.author),
        "labels": [label(state, repo, repo.labels[name]) for name in pull.labels],
        "state": pull.state,
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": len(comments),
        "created_at": timestamp(pull.created_at),
        "updated_at": timestamp(pull.updated_at),
        "closed_at": timestamp(pull.closed_at),
        "author_association": association(repo, pull.author),
        "draft": pull.draft,
        "pull_request": {
            "url": f"{repo_api(state, repo)}/pulls/{pull.number}",
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "merged_at": timestamp(pull.merged_at),
        },
        "body": pull.body or None,
        "reactions": reaction_counts(url, pull.reactions),
        "state_reason": None,
    }
