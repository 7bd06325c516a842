"""Pull requests, files and contents as the sandbox's REST API gives them."""

from __future__ import annotations

import base64

from tests.support.sandbox.server import Sandbox
from tests.unit.bot.sandbox.conftest import REPO, Client, Pull


async def test_a_pull_request_is_measured_from_the_merge_base(client: Client, pull: Pull) -> None:
    body = (await client.call("GET", pull.path)).json()
    assert body["head"]["sha"] == pull.head
    assert (body["commits"], body["changed_files"]) == (1, 4)
    assert (body["additions"], body["deletions"]) == (2, 2)
    assert body["mergeable"] is True


async def test_files_have_patches_but_for_binaries_and_renames_have_both_names(
    client: Client, pull: Pull
) -> None:
    files = {f["filename"]: f for f in (await client.call("GET", f"{pull.path}/files")).json()}
    assert files["src/app.py"]["patch"].startswith("@@ -17,7 +17,8 @@")
    assert "patch" not in files["image.png"]
    assert files["there.txt"]["previous_filename"] == "moved.txt"
    assert (files["old.txt"]["status"], files["there.txt"]["status"]) == ("removed", "renamed")


async def test_many_files_come_in_pages_and_not_as_a_diff(sandbox: Sandbox, client: Client) -> None:
    base = await sandbox.commit(REPO, {"a": "a\n"})
    many = {f"f{n:03}.txt": "x\n" for n in range(301)}
    head = await sandbox.commit(REPO, many, parent=base)
    number = await sandbox.open_pull(REPO, base, head)
    path, names = f"/repos/{REPO}/pulls/{number}/files?per_page=100", []
    while path:
        page = await client.call("GET", path)
        names += [f["filename"] for f in page.json()]
        path = page.links.get("next", {}).get("url", "")
    assert names == sorted(many)
    headers = {"Accept": "application/vnd.github.diff"}
    diff = await client.call("GET", f"/repos/{REPO}/pulls/{number}", headers=headers)
    assert (diff.status_code, diff.json()["errors"][0]["code"]) == (406, "too_large")


async def test_a_small_pull_request_can_be_had_as_a_diff(client: Client, pull: Pull) -> None:
    headers = {"Accept": "application/vnd.github.v3.diff"}
    diff = await client.call("GET", pull.path, headers=headers)
    assert diff.text.count("diff --git ") == 4
    assert "+changed 20\n" in diff.text


async def test_compare_names_the_merge_base(client: Client, pull: Pull) -> None:
    body = (await client.call("GET", f"/repos/{REPO}/compare/main...{pull.head}")).json()
    assert body["merge_base_commit"]["sha"] == pull.base
    assert (body["status"], body["ahead_by"], body["behind_by"]) == ("diverged", 1, 1)
    unknown = await client.call("GET", f"/repos/{REPO}/compare/main...nowhere")
    assert unknown.status_code == 404


async def test_contents_are_given_encoded_or_raw_or_not_at_all(client: Client, pull: Pull) -> None:
    path = f"/repos/{REPO}/contents/README.md?ref={pull.head}"
    body = (await client.call("GET", path)).json()
    assert base64.b64decode(body["content"]) == b"# Hello\n"
    raw = await client.call("GET", path, headers={"Accept": "application/vnd.github.raw+json"})
    assert raw.text == "# Hello\n"
    assert (await client.call("GET", f"/repos/{REPO}/contents/no.md")).status_code == 404


async def test_permission_is_the_persons_role(sandbox: Sandbox, client: Client, pull: Pull) -> None:
    sandbox.set_permission(REPO, "mona", "maintain")
    sandbox.state.user("stranger")
    for login, permission in (("octo", "admin"), ("mona", "write"), ("stranger", "none")):
        path = f"/repos/{REPO}/collaborators/{login}/permission"
        assert (await client.call("GET", path)).json()["permission"] == permission
    unknown = await client.call("GET", f"/repos/{REPO}/collaborators/nobody/permission")
    assert unknown.status_code == 404
