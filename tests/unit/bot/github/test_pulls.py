"""Pull requests in our words, and addresses that hostile names cannot bend."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.github.client import GitHub, repo_url
from bot.github.pulls import (
    Comparison,
    compare,
    get_file,
    get_issue,
    get_pull,
    list_commits,
    permission,
)
from tests.unit.bot.github.scripted_github import ScriptedGitHub, reply

REPO = "octo/hello"


def pull(**changed: Any) -> dict[str, Any]:
    return {
        "number": 3,
        "title": "Add",
        "body": None,
        "user": {"login": "ada", "type": "User"},
        "draft": False,
        "state": "open",
        "base": {"ref": "main", "sha": "b" * 40},
        "head": {"ref": "topic", "sha": "a" * 40, "repo": {"full_name": "ada/hello"}},
        "labels": [{"name": "no-review"}],
        "html_url": "https://github.com/octo/hello/pull/3",
        "changed_files": 2,
        "additions": 10,
        "deletions": 1,
        **changed,
    }


async def test_a_pull_request_is_read(gh: GitHub, github: ScriptedGitHub) -> None:
    github.play(reply(200, pull()))
    read = await get_pull(gh, REPO, 3)
    assert (read.number, read.title, read.body, read.author) == (3, "Add", "", "ada")
    assert (read.open, read.draft, read.author_is_bot) == (True, False, False)
    assert (read.base_ref, read.head_sha, read.head_repository) == ("main", "a" * 40, "ada/hello")
    assert read.labels == ("no-review",)


async def test_a_deleted_fork_and_a_deleted_author_are_no_errors(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(reply(200, pull(user=None, head={"ref": "t", "sha": "a" * 40, "repo": None})))
    read = await get_pull(gh, REPO, 3)
    assert (read.author, read.head_repository) == ("ghost", None)


async def test_the_merge_base_is_requested_without_the_files(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(
        reply(
            200,
            {
                "merge_base_commit": {"sha": "c" * 40},
                "status": "diverged",
                "ahead_by": 2,
                "behind_by": 1,
                "commits": [],
            },
        )
    )
    assert await compare(gh, REPO, "main", "a" * 40) == Comparison("c" * 40, "diverged", 2, 1)
    url = github.requests[0].url
    assert url.path == f"/repos/octo/hello/compare/main...{'a' * 40}"
    assert dict(url.params) == {"per_page": "1", "page": "2"}


async def test_a_file_comes_as_bytes_whatever_they_are(gh: GitHub, github: ScriptedGitHub) -> None:
    raw = {"content-type": "application/vnd.github.raw+json; charset=utf-8"}
    github.play(httpx2.Response(200, headers=raw, content=b"\xff\x00{}"))
    assert await get_file(gh, REPO, ".github/gloss ator.yml", "main") == b"\xff\x00{}"
    request = github.requests[0]
    assert request.url.raw_path == (b"/repos/octo/hello/contents/.github/gloss%20ator.yml?ref=main")
    assert request.headers["accept"] == "application/vnd.github.raw+json"


async def test_a_missing_file_and_a_folder_are_none(gh: GitHub, github: ScriptedGitHub) -> None:
    github.play(reply(404, {"message": "Not Found"}), reply(200, [{"type": "file"}]))
    assert await get_file(gh, REPO, "gone.yml", "main") is None
    assert await get_file(gh, REPO, ".github", "main") is None


async def test_commits_come_over_pages(gh: GitHub, github: ScriptedGitHub) -> None:
    def commit(sha: str, author: dict[str, str] | None) -> dict[str, Any]:
        return {"sha": sha, "commit": {"message": f"m{sha}", "author": author}}

    link = '<https://api.github.com/next?page=2>; rel="next"'
    github.play(
        reply(200, [commit("1", {"name": "Ada"})], link=link), reply(200, [commit("2", None)])
    )
    commits = await list_commits(gh, REPO, 3)
    assert [(c.sha, c.message, c.author) for c in commits] == [("1", "m1", "Ada"), ("2", "m2", "")]


async def test_a_user_without_access_has_no_permission(gh: GitHub, github: ScriptedGitHub) -> None:
    github.play(reply(200, {"permission": "write"}), reply(404, {"message": "Not Found"}))
    assert await permission(gh, REPO, "ada") == "write"
    assert await permission(gh, REPO, "mallory[bot]") == "none"
    assert github.requests[1].url.raw_path.endswith(b"/collaborators/mallory%5Bbot%5D/permission")


async def test_an_issue_shows_whether_it_is_a_pull_request(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    issue = {"number": 1, "title": "Bug", "body": None}
    github.play(reply(200, issue), reply(200, {**issue, "pull_request": {}}))
    assert not (await get_issue(gh, REPO, 1)).is_pull
    assert (await get_issue(gh, REPO, 1)).is_pull


@pytest.mark.parametrize("repo", ["octo", "octo/", "/x", "octo/../x", "o/..", "o/a b", "o/a?x", ""])
def test_what_is_no_repository_is_refused(repo: str) -> None:
    with pytest.raises(ValueError, match="owner/name"):
        repo_url(repo, "pulls")


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
        lambda part: part not in (".", "..")
    )
)
def test_a_hostile_part_stays_one_part(part: str) -> None:
    url = httpx2.URL("https://api.github.com" + repo_url(REPO, "contents", part, ref=part))
    assert url.raw_path.split(b"?")[0].count(b"/") == 5
    assert url.path == f"/repos/octo/hello/contents/{part}"
    assert url.params["ref"] == part
    assert "{" not in str(url)


@pytest.mark.parametrize("part", ["", ".", ".."])
def test_dots_are_refused_before_a_library_resolves_them(part: str) -> None:
    with pytest.raises(ValueError, match="cannot be part of"):
        repo_url(REPO, "contents", part, "secrets")
