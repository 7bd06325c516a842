"""Repositories: themselves, contents, comparisons and people's permissions."""

import asyncio
import base64
from urllib.parse import quote

from starlette.responses import Response

from bot.sandbox import repository_json
from bot.sandbox.api.call import Call, Endpoint, GitHubError, answer, not_found, page_of
from bot.sandbox.git import diff, git

#: "The API supports files up to 100 MB in size", and base64 only up to 1 MB, GitHub docs,
#: "Get repository content".
INLINE_BYTES = 1_000_000
#: "up to 300 changed files for the entire comparison", GitHub docs, "Compare two commits".
COMPARE_FILES = 300


async def get_repository(call: Call) -> Response:
    """GET /repos/{owner}/{repo}"""
    return answer(repository_json.repository(call.state, call.repo))


async def get_content(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/contents/{path}: a file, as JSON or raw"""
    path = call.request.path_params["path"]
    ref = call.query("ref", call.repo.default_branch)
    sha = await git.resolve(call.repo.git_dir, ref)
    if sha is None:
        raise not_found()
    found = await git.blob(call.repo.git_dir, sha, path)
    if found is None:
        raise not_found()
    blob_id, content = found
    if "raw" in call.request.headers.get("accept", ""):
        return Response(content, media_type="application/vnd.github.raw+json; charset=utf-8")
    return answer(_content(call, path, ref, blob_id, content))


def _content(call: Call, path: str, ref: str, blob_id: str, content: bytes) -> repository_json.Json:
    api = repository_json.repo_api(call.state, call.repo)
    web = f"{call.state.url}/{call.repo.full_name}"
    inline = len(content) <= INLINE_BYTES
    url = f"{api}/contents/{quote(path)}?ref={quote(ref)}"
    html = f"{web}/blob/{quote(ref)}/{quote(path)}"
    blob = f"{api}/git/blobs/{blob_id}"
    return {
        "type": "file",
        "encoding": "base64" if inline else "none",
        "size": len(content),
        "name": path.rpartition("/")[2],
        "path": path,
        "content": base64.encodebytes(content).decode() if inline else "",
        "sha": blob_id,
        "url": url,
        "git_url": blob,
        "html_url": html,
        "download_url": f"{web}/raw/{quote(ref)}/{quote(path)}",
        "_links": {"self": url, "git": blob, "html": html},
    }


async def compare(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/compare/{base}...{head}"""
    base_ref, dots, head_ref = call.request.path_params["basehead"].partition("...")
    git_dir = call.repo.git_dir
    base, head = await git.resolve(git_dir, base_ref), await git.resolve(git_dir, head_ref)
    if not dots or base is None or head is None:
        raise not_found()
    start = await git.merge_base(git_dir, base, head)
    if start is None:
        raise GitHubError(404, f"No common ancestor between {base_ref} and {head_ref}.")
    ahead, behind, files = await asyncio.gather(
        git.commits_between(git_dir, base, head),
        git.commits_between(git_dir, head, base),
        diff.changed_files(git_dir, start, head),
    )
    shown, headers = page_of(call, ahead)
    state, repo = call.state, call.repo
    api = f"{repository_json.repo_api(state, repo)}/compare/{base_ref}...{head_ref}"
    html = f"{state.url}/{repo.full_name}/compare/{base_ref}...{head_ref}"
    body = {
        "url": api,
        "html_url": html,
        "permalink_url": f"{state.url}/{repo.full_name}/compare/{base}...{head}",
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "base_commit": repository_json.commit(state, repo, await git.commit(git_dir, base)),
        "merge_base_commit": repository_json.commit(state, repo, await git.commit(git_dir, start)),
        "status": _status(len(ahead), len(behind)),
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": [repository_json.commit(state, repo, item) for item in shown],
        "files": [repository_json.file(state, repo, item, head) for item in files[:COMPARE_FILES]],
    }
    return answer(body, headers=headers)


def _status(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    return "ahead" if ahead else "behind" if behind else "identical"


async def get_permission(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/collaborators/{username}/permission

    `permission` knows only admin, write, read and none; `role_name` tells maintain and triage.
    """
    login = call.request.path_params["username"]
    if login not in call.state.users:
        raise not_found()
    role = call.repo.permissions.get(login, "none" if call.repo.private else "read")
    known = {"maintain": "write", "triage": "read"}.get(role, role)
    user = repository_json.user(call.state, login) | {"role_name": role}
    return answer({"permission": known, "role_name": role, "user": user})


ENDPOINTS = (
    Endpoint("GET", "/repos/{owner}/{repo}", get_repository, "metadata:read"),
    Endpoint("GET", "/repos/{owner}/{repo}/contents/{path:path}", get_content, "contents:read"),
    Endpoint("GET", "/repos/{owner}/{repo}/compare/{basehead:path}", compare, "contents:read"),
    Endpoint(
        "GET",
        "/repos/{owner}/{repo}/collaborators/{username}/permission",
        get_permission,
        "metadata:read",
    ),
)
