"""Payloads of the webhooks that people's actions on GitHub cause. Pure."""

from bot.sandbox import pull_json, repository_json
from bot.sandbox.api.checks import check_suite
from bot.sandbox.repository_json import Json
from bot.sandbox.state import (
    Installation,
    Pull,
    Repository,
    Review,
    SandboxState,
)
from bot.sandbox.webhooks import repository_event


def check_suite_event(
    state: SandboxState, repo: Repository, head_sha: str, action: str, sender: str
) -> Json:
    """`check_suite`"""
    return repository_event(state, repo, action, sender) | {
        "check_suite": check_suite(state, repo, head_sha)
    }


def merge_group(
    state: SandboxState, repo: Repository, pull: Pull, head_sha: str, base_sha: str
) -> Json:
    """`merge_group`: the queue's commit, on the branch that is named for the pull request"""
    queue = f"refs/heads/gh-readonly-queue/{pull.base_ref}/pr-{pull.number}-{base_sha}"
    return repository_event(state, repo, "checks_requested", pull.author) | {
        "merge_group": {
            "head_sha": head_sha,
            "head_ref": queue,
            "base_sha": base_sha,
            "base_ref": f"refs/heads/{pull.base_ref}",
        }
    }


def review(state: SandboxState, repo: Repository, pull: Pull, item: Review) -> Json:
    """`pull_request_review`: submitted by a person"""
    return repository_event(state, repo, "submitted", item.user) | {
        "pull_request": pull_json.pull_simple(state, repo, pull),
        "review": pull_json.review(state, repo, item),
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
