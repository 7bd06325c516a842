"""Reads pull requests and what belongs to them.

https://docs.github.com/en/rest/pulls/pulls
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.model import PullRequest
from bot.github.client import GitHub, repo_url
from bot.github.errors import NoCommonAncestor, NotFound


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
    """An issue, or a pull request seen as one."""

    number: int
    title: str
    body: str
    is_pull: bool


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
    )
