"""GitHub's JSON for pull requests, which are issues as well, and what is written on them."""

from collections import Counter
from collections.abc import Sequence

from bot.sandbox.repository_json import (
    Json,
    association,
    node_id,
    repo_api,
    repository,
    timestamp,
    user,
)
from bot.sandbox.state import (
    IssueComment,
    Label,
    Pull,
    Reaction,
    Repository,
    Review,
    ReviewComment,
    SandboxState,
)


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


REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


def reaction(state: SandboxState, item: Reaction) -> Json:
    """A reaction."""
    return {
        "id": item.id,
        "node_id": node_id("REA", item.id),
        "user": user(state, item.user),
        "content": item.content,
        "created_at": timestamp(item.created_at),
    }


def reaction_counts(url: str, items: Sequence[Reaction]) -> Json:
    """The roll-up that every comment carries."""
    counts = Counter(item.content for item in items)
    return {
        "url": f"{url}/reactions",
        "total_count": len(items),
        **{content: counts[content] for content in REACTIONS},
    }


def issue_comment(state: SandboxState, repo: Repository, item: IssueComment) -> Json:
    """A comment of the conversation."""
    url = f"{repo_api(state, repo)}/issues/comments/{item.id}"
    return {
        "url": url,
        "html_url": f"{state.url}/{repo.full_name}/pull/{item.number}#issuecomment-{item.id}",
        "issue_url": f"{repo_api(state, repo)}/issues/{item.number}",
        "id": item.id,
        "node_id": node_id("IC", item.id),
        "user": user(state, item.user),
        "created_at": timestamp(item.created_at),
        "updated_at": timestamp(item.updated_at),
        "author_association": association(repo, item.user),
        "body": item.body,
        "reactions": reaction_counts(url, item.reactions),
        "performed_via_github_app": None,
    }


def review(state: SandboxState, repo: Repository, item: Review) -> Json:
    """A review, without its comments."""
    pull = f"{repo_api(state, repo)}/pulls/{item.number}"
    html = f"{state.url}/{repo.full_name}/pull/{item.number}#pullrequestreview-{item.id}"
    shown = {
        "id": item.id,
        "node_id": node_id("PRR", item.id),
        "user": user(state, item.user),
        "body": item.body,
        "state": item.state,
        "html_url": html,
        "pull_request_url": pull,
        "author_association": association(repo, item.user),
        "_links": {"html": {"href": html}, "pull_request": {"href": pull}},
        "commit_id": item.commit_id,
    }
    if item.submitted_at:
        shown["submitted_at"] = timestamp(item.submitted_at)
    return shown


def review_comment(state: SandboxState, repo: Repository, item: ReviewComment) -> Json:
    """A comment on a line of the diff."""
    url = f"{repo_api(state, repo)}/pulls/comments/{item.id}"
    html = f"{state.url}/{repo.full_name}/pull/{item.number}#discussion_r{item.id}"
    pull = f"{repo_api(state, repo)}/pulls/{item.number}"
    shown = {
        "url": url,
        "pull_request_review_id": item.review_id,
        "id": item.id,
        "node_id": node_id("PRRC", item.id),
        "diff_hunk": item.diff_hunk,
        "path": item.path,
        "commit_id": item.commit_id,
        "original_commit_id": item.original_commit_id,
        "user": user(state, item.user),
        "body": item.body,
        "created_at": timestamp(item.created_at),
        "updated_at": timestamp(item.updated_at),
        "html_url": html,
        "pull_request_url": pull,
        "author_association": association(repo, item.user),
        "_links": {
            "self": {"href": url},
            "html": {"href": html},
            "pull_request": {"href": pull},
        },
        "start_line": item.start_line,
        "original_start_line": item.original_start_line,
        "start_side": item.start_side,
        "line": item.line,
        "original_line": item.original_line,
        "position": item.position,
        "original_position": item.original_position,
        "side": item.side,
        "subject_type": item.subject_type,
        "reactions": reaction_counts(url, item.reactions),
    }
    if item.in_reply_to_id:
        shown["in_reply_to_id"] = item.in_reply_to_id
    return shown
