"""GitHub's JSON for accounts, repositories, pull requests and what is said on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.sandbox.state import (
    Installation,
    IssueComment,
    Label,
    Pull,
    Reaction,
    Repository,
    Review,
    ReviewComment,
    SandboxState,
)

Json = dict[str, Any]

#: The addresses below a repository that its JSON lists, as `<name>_url`.
_REPOSITORY_LINKS = {
    "archive": "{archive_format}{/ref}",
    "assignees": "assignees{/user}",
    "blobs": "git/blobs{/sha}",
    "branches": "branches{/branch}",
    "collaborators": "collaborators{/collaborator}",
    "comments": "comments{/number}",
    "commits": "commits{/sha}",
    "compare": "compare/{base}...{head}",
    "contents": "contents/{+path}",
    "contributors": "contributors",
    "deployments": "deployments",
    "downloads": "downloads",
    "events": "events",
    "forks": "forks",
    "git_commits": "git/commits{/sha}",
    "git_refs": "git/refs{/sha}",
    "git_tags": "git/tags{/sha}",
    "hooks": "hooks",
    "issue_comment": "issues/comments{/number}",
    "issue_events": "issues/events{/number}",
    "issues": "issues{/number}",
    "keys": "keys{/key_id}",
    "labels": "labels{/name}",
    "languages": "languages",
    "merges": "merges",
    "milestones": "milestones{/number}",
    "notifications": "notifications{?since,all,participating}",
    "pulls": "pulls{/number}",
    "releases": "releases{/id}",
    "stargazers": "stargazers",
    "statuses": "statuses/{sha}",
    "subscribers": "subscribers",
    "subscription": "subscription",
    "tags": "tags",
    "teams": "teams",
    "trees": "git/trees{/sha}",
}

REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


#: Nobody stars, watches or forks in a sandbox.
_REPOSITORY_COUNTS = (
    "forks",
    "forks_count",
    "network_count",
    "stargazers_count",
    "subscribers_count",
    "watchers",
    "watchers_count",
)


def timestamp(moment: datetime | None) -> str | None:
    """A time as GitHub writes it, in seconds and UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def node_id(prefix: str, number: int) -> str:
    """A GraphQL id: opaque to clients, readable to people who debug the sandbox."""
    return f"{prefix}_{number}"


def user(state: SandboxState, login: str) -> Json:
    """A simple user."""
    account = state.user(login)
    api = f"{state.url}/api/v3/users/{login}"
    links = {
        f"{name}_url": f"{api}/{path}"
        for name, path in {
            "followers": "followers",
            "following": "following{/other_user}",
            "gists": "gists{/gist_id}",
            "starred": "starred{/owner}{/repo}",
            "subscriptions": "subscriptions",
            "organizations": "orgs",
            "repos": "repos",
            "events": "events{/privacy}",
            "received_events": "received_events",
        }.items()
    }
    return {
        "login": login,
        "id": account.id,
        "node_id": node_id("U", account.id),
        "avatar_url": f"{state.url}/avatars/u/{account.id}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{state.url}/{login}",
        **links,
        "type": account.type,
        "site_admin": False,
    }


def repository(state: SandboxState, repo: Repository) -> Json:
    """A repository, with all the fields that GitHub's description requires."""
    api = repo_api(state, repo)
    html = f"{state.url}/{repo.full_name}"
    opened = sum(pull.state == "open" for pull in repo.pulls.values())
    when = timestamp(repo.created_at)
    return {
        "id": repo.id,
        "node_id": node_id("R", repo.id),
        "name": repo.name,
        "full_name": repo.full_name,
        "private": repo.private,
        "owner": user(state, repo.owner),
        "html_url": html,
        "description": None,
        "fork": False,
        "url": api,
        **{f"{name}_url": f"{api}/{path}" for name, path in _REPOSITORY_LINKS.items()},
        "clone_url": f"{html}.git",
        "git_url": f"{html}.git",
        "ssh_url": f"{html}.git",
        "svn_url": html,
        "mirror_url": None,
        "homepage": None,
        "license": None,
        "language": None,
        "topics": [],
        "default_branch": repo.default_branch,
        "archived": False,
        "disabled": False,
        "visibility": "private" if repo.private else "public",
        "size": 1,
        **dict.fromkeys(_REPOSITORY_COUNTS, 0),
        "open_issues": opened,
        "open_issues_count": opened,
        "has_issues": True,
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "has_downloads": False,
        "created_at": when,
        "updated_at": when,
        "pushed_at": when,
    }


def repo_api(state: SandboxState, repo: Repository) -> str:
    """The REST address of a repository."""
    return f"{state.url}/api/v3/repos/{repo.full_name}"


def installation(state: SandboxState, item: Installation) -> Json:
    """The App on one account."""
    api = f"{state.url}/api/v3"
    return {
        "id": item.id,
        "account": user(state, item.account),
        "repository_selection": "selected",
        "access_tokens_url": f"{api}/app/installations/{item.id}/access_tokens",
        "repositories_url": f"{api}/installation/repositories",
        "html_url": f"{state.url}/settings/installations/{item.id}",
        "app_id": state.app.id,
        "client_id": state.app.client_id,
        "app_slug": state.app.slug,
        "target_id": state.user(item.account).id,
        "target_type": state.user(item.account).type,
        "permissions": item.permissions,
        "events": [e for e in state.app.events if e not in ("ping",)],
        "created_at": timestamp(item.created_at),
        "updated_at": timestamp(item.created_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None,
        "suspended_at": timestamp(item.suspended_at),
    }


def app(state: SandboxState) -> Json:
    """The App itself."""
    installed = next(iter(state.installations.values()))
    return {
        "id": state.app.id,
        "slug": state.app.slug,
        "node_id": node_id("A", state.app.id),
        "client_id": state.app.client_id,
        "owner": user(state, installed.account),
        "name": state.app.name,
        "description": None,
        "external_url": state.url,
        "html_url": f"{state.url}/apps/{state.app.slug}",
        "created_at": timestamp(installed.created_at),
        "updated_at": timestamp(installed.created_at),
        "permissions": installed.permissions,
        "events": [e for e in state.app.events if e not in ("ping",)],
        "installations_count": len(state.installations),
    }


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


def association(repo: Repository, login: str) -> str:
    """`author_association`: how a person stands to the repository, which is no permission."""
    if login == repo.owner:
        return "OWNER"
    return {"admin": "MEMBER", "write": "COLLABORATOR", "maintain": "COLLABORATOR"}.get(
        repo.permissions.get(login, ""), "NONE"
    )


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
