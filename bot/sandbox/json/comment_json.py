"""GitHub's JSON for what is said on a pull request: comments, reviews, reactions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bot.sandbox.json.repository_json import Json, association, node_id, repo_api, timestamp, user
from bot.sandbox.records import (
    IssueComment,
    Reaction,
    Repository,
    Review,
    ReviewComment,
)
from bot.sandbox.state import SandboxState

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
