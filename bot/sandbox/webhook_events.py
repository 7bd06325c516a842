"""Webhook payloads, shaped as GitHub sends them. Pure."""

from __future__ import annotations

from bot.sandbox.json import comment_json, pull_json, repository_json
from bot.sandbox.json.check_json import check_run, check_suite
from bot.sandbox.json.repository_json import Json
from bot.sandbox.records import CheckRun, IssueComment, Pull, Repository, ReviewComment
from bot.sandbox.state import Installation, SandboxState


def _common(state: SandboxState, repo: Repository, action: str, sender: str) -> Json:
    """What all events of a repository carry."""
    body: Json = {
        "action": action,
        "repository": repository_json.repository(state, repo),
        "sender": repository_json.user(state, sender),
    }
    if installation := state.installation_of(repo):
        body["installation"] = {
            "id": installation.id,
            "node_id": repository_json.node_id("MDIz", installation.id),
        }
    return body


def pull_request(
    state: SandboxState, repo: Repository, pull: Pull, action: str, sender: str, **more: object
) -> Json:
    """`pull_request`; `more` are fields of single actions: `before`, `after`, `label`."""
    counts = {
        "merged": pull.merged_at is not None,
        "mergeable": None,
        "rebaseable": None,
        "mergeable_state": "unknown",
        "merged_by": None,
        "comments": 0,
        "review_comments": 0,
        "maintainer_can_modify": pull.from_fork,
    }
    shown = pull_json.pull_simple(state, repo, pull) | counts
    return (
        _common(state, repo, action, sender) | {"number": pull.number, "pull_request": shown} | more
    )


def issue_comment(
    state: SandboxState,
    repo: Repository,
    pull: Pull,
    comment: IssueComment,
    action: str,
    before: str | None = None,
) -> Json:
    """`issue_comment`; `before` is the text that an edit replaced."""
    body = _common(state, repo, action, comment.user) | {
        "issue": pull_json.issue(state, repo, pull),
        "comment": comment_json.issue_comment(state, repo, comment),
    }
    if before is not None:
        body["changes"] = {"body": {"from": before}}
    return body


def review_comment(
    state: SandboxState, repo: Repository, pull: Pull, comment: ReviewComment, action: str
) -> Json:
    """`pull_request_review_comment`"""
    return _common(state, repo, action, comment.user) | {
        "pull_request": pull_json.pull_simple(state, repo, pull),
        "comment": comment_json.review_comment(state, repo, comment),
    }


def check_run_event(
    state: SandboxState,
    repo: Repository,
    run: CheckRun,
    action: str,
    sender: str,
    identifier: str | None = None,
) -> Json:
    """`check_run`; `identifier` is that of the pressed button."""
    shown = check_run(state, repo, run)
    shown["check_suite"] = check_suite(state, repo, run.head_sha)
    body = _common(state, repo, action, sender) | {"check_run": shown}
    if identifier is not None:
        body["requested_action"] = {"identifier": identifier}
    return body


def check_suite_event(
    state: SandboxState, repo: Repository, head_sha: str, action: str, sender: str
) -> Json:
    """`check_suite`"""
    return _common(state, repo, action, sender) | {
        "check_suite": check_suite(state, repo, head_sha)
    }


def installation(state: SandboxState, item: Installation, action: str, sender: str) -> Json:
    """`installation`: created, deleted, suspend, unsuspend"""
    return {
        "action": action,
        "installation": repository_json.installation(state, item),
        "repositories": _repositories(state, item.repository_ids),
        "sender": repository_json.user(state, sender),
    }


def installation_repositories(
    state: SandboxState, item: Installation, repo: Repository, action: str, sender: str
) -> Json:
    """`installation_repositories`: one repository added or removed"""
    shown = _repositories(state, {repo.id})
    return {
        "action": action,
        "installation": repository_json.installation(state, item),
        "repository_selection": "selected",
        "repositories_added": shown if action == "added" else [],
        "repositories_removed": shown if action == "removed" else [],
        "requester": None,
        "sender": repository_json.user(state, sender),
    }


def _repositories(state: SandboxState, ids: set[int]) -> list[Json]:
    return [
        {
            "id": repo.id,
            "node_id": repository_json.node_id("R", repo.id),
            "name": repo.name,
            "full_name": repo.full_name,
            "private": repo.private,
        }
        for repo in state.repositories.values()
        if repo.id in ids
    ]


def ping(state: SandboxState) -> Json:
    """`ping`, sent when the webhook is set up."""
    return {
        "zen": "Keep it logically awesome.",
        "hook_id": state.app.id,
        "hook": {
            "type": "App",
            "id": state.app.id,
            "name": "web",
            "active": True,
            "events": list(state.app.events),
            "app_id": state.app.id,
            "config": {
                "content_type": "json",
                "insecure_ssl": "0",
                "secret": "********",
                "url": state.app.webhook_url,
            },
        },
    }
