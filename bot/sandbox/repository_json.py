"""GitHub's JSON for accounts, repositories, commits, files and the App."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from bot.sandbox.git.diff import FileDiff
from bot.sandbox.git.git import Commit
from bot.sandbox.state import (
    Installation,
    Repository,
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


def association(repo: Repository, login: str) -> str:
    """`author_association`: how a person stands to the repository, which is no permission."""
    if login == repo.owner:
        return "OWNER"
    return {"admin": "MEMBER", "write": "COLLABORATOR", "maintain": "COLLABORATOR"}.get(
        repo.permissions.get(login, ""), "NONE"
    )


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
