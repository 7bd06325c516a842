"""Reads pull requests and what belongs to them.

https://docs.github.com/en/rest/pulls/pulls
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.model import Advisory, DependencyChange, PullRequest, Severity
from bot.github.client import GitHub, repo_url
from bot.github.errors import NoCommonAncestor, NotFound, TooLarge

#: Packages that one change adds and removes; of more nothing is told.
MAX_DEPENDENCIES = 3000
#: https://docs.github.com/en/code-security/security-advisories/working-with-global-security-advisories-from-the-github-advisory-database/about-the-github-advisory-database#ghsa-ids
ADVISORY_ID = re.compile(r"GHSA(-[23456789cfghjmpqrvwx]{4}){3}")
_SEVERITIES = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "moderate": Severity.MEDIUM,
    "low": Severity.LOW,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """How `head` stands to `base`; `status` is ahead, behind, diverged or identical."""

    merge_base: str
    status: str
    ahead_by: int
    behind_by: int


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of a pull request; `author` is the name written in it, which proves nothing."""

    sha: str
    message: str
    author: str


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue, or a pull request seen as one; one that was moved is in another `repository`."""

    number: int
    title: str
    body: str
    is_pull: bool
    repository: str = ""


async def get_pull(gh: GitHub, repo: str, number: int) -> PullRequest:
    """The pull request as it is now. Raises NotFound."""
    return pull_of(await gh.getitem(repo_url(repo, "pulls", number)))


async def get_description(gh: GitHub, repo: str, number: int) -> str:
    """The description as it is now, "" if there is none. Raises NotFound."""
    return (await gh.getitem(repo_url(repo, "pulls", number)))["body"] or ""


async def update_description(gh: GitHub, repo: str, number: int, text: str) -> None:
    """Put another description in the place of the present one: GitHub has no way to change it
    only if it is still the same.
    https://docs.github.com/en/rest/pulls/pulls#update-a-pull-request
    """
    await gh.patch(repo_url(repo, "pulls", number), data={"body": text})


async def add_labels(gh: GitHub, repo: str, number: int, names: Sequence[str]) -> None:
    """Put labels on a pull request; GitHub makes those that the repository does not have."""
    await gh.post(repo_url(repo, "issues", number, "labels"), data={"labels": list(names)})


async def remove_label(gh: GitHub, repo: str, number: int, name: str) -> None:
    """Take a label off; one that is not there is no error."""
    try:
        await gh.delete(repo_url(repo, "issues", number, "labels", name))
    except NotFound:
        return


def pull_of(data: dict[str, Any]) -> PullRequest:
    """GitHub's object of a pull request, of the API or of a webhook, in our words."""
    head_repository = data["head"]["repo"]  # null once the fork is deleted
    author = data["user"] or {"login": "ghost", "type": "User"}  # null for deleted accounts
    return PullRequest(
        number=data["number"],
        title=data["title"],
        body=data["body"] or "",
        author=author["login"],
        author_is_bot=author["type"] == "Bot",
        draft=bool(data.get("draft")),
        open=data["state"] == "open",
        base_ref=data["base"]["ref"],
        base_sha=data["base"]["sha"],
        head_ref=data["head"]["ref"],
        head_sha=data["head"]["sha"],
        head_repository=head_repository["full_name"] if head_repository else None,
        labels=tuple(label["name"] for label in data["labels"]),
        url=data["html_url"],
        changed_files=data.get("changed_files", 0),
        additions=data.get("additions", 0),
        deletions=data.get("deletions", 0),
    )


async def compare(gh: GitHub, repo: str, base: str, head: str) -> Comparison:
    """The merge base of two commits or branches. Raises NoCommonAncestor when there is none.

    The changed files, with their patches, come on the first page only; so the second is asked for.
    https://docs.github.com/en/rest/commits/commits#compare-two-commits
    """
    url = repo_url(repo, "compare", f"{base}...{head}", per_page=1, page=2)
    try:
        data = await gh.getitem(url)
    except NotFound as exc:
        if "no common ancestor" not in str(exc).lower():
            raise
        raise NoCommonAncestor(
            f"{base[:12]} and {head[:12]} have no common ancestor, so the change cannot be "
            "determined: rebase the branch on its base branch."
        ) from exc
    return Comparison(
        merge_base=data["merge_base_commit"]["sha"],
        status=data["status"],
        ahead_by=data["ahead_by"],
        behind_by=data["behind_by"],
    )


async def dependency_changes(
    gh: GitHub, repo: str, base: str, head: str
) -> tuple[DependencyChange, ...]:
    """The packages that manifests gain and lose between two commits. Raises Forbidden or NotFound
    where the repository has no dependency review, and TooLarge.

    https://docs.github.com/en/rest/dependency-graph/dependency-review
    """
    found: list[DependencyChange] = []
    url = repo_url(repo, "dependency-graph", "compare", f"{base}...{head}")
    async for data in gh.getiter(url):
        if len(found) >= MAX_DEPENDENCIES:
            raise TooLarge(f"More than {MAX_DEPENDENCIES:,} dependencies change.")
        found.append(_dependency(data))
    return tuple(found)


def _dependency(data: dict[str, Any]) -> DependencyChange:
    return DependencyChange(
        manifest=data["manifest"],
        ecosystem=_short(data["ecosystem"]),
        name=_short(data["name"]),
        version=_short(data["version"]),
        added=data["change_type"] == "added",
        license=_short(data["license"]),
        advisories=tuple(
            Advisory(
                id=_short(each["advisory_ghsa_id"]),
                # One that GitHub does not know counts as if it were in the middle.
                severity=_SEVERITIES.get(str(each["severity"]).lower(), Severity.MEDIUM),
                summary=_short(each["advisory_summary"]),
            )
            for each in data["vulnerabilities"]
        ),
    )


def _short(text: str | None) -> str:
    """On one line, and no longer than any true one."""
    return " ".join((text or "")[:300].split())


async def fixed_versions(gh: GitHub, advisory: str) -> tuple[tuple[str, str], ...]:
    """Each package that an advisory is about, in small letters, with the first version without the
    vulnerability, one for each range of versions that have it; () for what is no id of one.

    https://docs.github.com/en/rest/security-advisories/global-advisories
    """
    if not ADVISORY_ID.fullmatch(advisory):
        return ()
    data = await gh.getitem(f"/advisories/{advisory}")
    return tuple(
        (str(each["package"]["name"]).lower(), _short(each["first_patched_version"]))
        for each in data["vulnerabilities"] or ()
        if each["package"] and each["first_patched_version"]
    )


async def get_file(gh: GitHub, repo: str, path: str, ref: str) -> bytes | None:
    """A file's bytes at a commit or branch; None when there is no such file there.

    Raises TooLarge for files longer than what the client reads of one answer.
    """
    try:
        return await gh.getraw(repo_url(repo, "contents", *path.split("/"), ref=ref))
    except NotFound:
        return None


async def list_commits(gh: GitHub, repo: str, number: int) -> tuple[Commit, ...]:
    """The pull request's commits, oldest first; GitHub lists at most 250."""
    found = []
    async for data in gh.getiter(repo_url(repo, "pulls", number, "commits", per_page=100)):
        commit = data["commit"]
        author = (commit["author"] or {}).get("name") or ""
        found.append(Commit(data["sha"], commit["message"], author))
    return tuple(found)


async def permission(gh: GitHub, repo: str, user: str) -> str:
    """What a user may do: `admin`, `write`, `read` or `none`, teams and organisation included.

    GitHub tells `maintain` as `write` and `triage` as `read` here.
    https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user
    """
    try:
        data = await gh.getitem(repo_url(repo, "collaborators", user, "permission"))
    except NotFound:
        return "none"
    return str(data["permission"])


async def get_issue(gh: GitHub, repo: str, number: int) -> Issue:
    """An issue by its number. Raises NotFound."""
    data = await gh.getitem(repo_url(repo, "issues", number))
    return Issue(
        number=data["number"],
        title=data["title"],
        body=data["body"] or "",
        is_pull="pull_request" in data,
        repository="/".join(str(data.get("repository_url") or "").split("/")[-2:]),
    )


async def is_public(gh: GitHub, repo: str) -> bool:
    """Whether everybody who may reach GitHub may read the repository. Raises NotFound."""
    data = await gh.getitem(repo_url(repo))
    return data["private"] is False and data.get("visibility", "public") == "public"
