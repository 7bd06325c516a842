"""git's own client against the sandbox."""

from __future__ import annotations

import asyncio
import base64
import os
from pathlib import Path

from tests.support.sandbox.server import Sandbox
from tests.unit.bot.sandbox.conftest import HEAD, REPO, Client, Pull


async def git(*args: str, token: str = "", cwd: Path | None = None) -> tuple[int, str]:
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    env = os.environ | {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "1" if token else "0",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
    }
    process = await asyncio.create_subprocess_exec(
        "git",
        *args,
        cwd=cwd,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, out.decode()


async def test_a_blobless_clone_of_a_fork_head_reads_the_real_files(
    sandbox: Sandbox, client: Client, pull: Pull, tmp_path: Path
) -> None:
    other = await sandbox.commit(REPO, {"fork.txt": "from afar\n"}, parent=pull.base)
    number = await sandbox.open_pull(REPO, pull.base, other, from_fork=True, author="stranger")
    token = await client.fresh_token(permissions={"contents": "read"})
    url = f"{sandbox.url}/{REPO}.git"
    assert await git("init", "-q", "--bare", str(tmp_path)) == (0, "")
    fetch = ("fetch", "-q", "--depth=1", "--filter=blob:none", url)
    assert (await git(*fetch, f"refs/pull/{number}/head", token=token, cwd=tmp_path))[0] == 0
    assert await git("rev-parse", "FETCH_HEAD", cwd=tmp_path) == (0, f"{other}\n")
    assert (await git("fetch", "-q", url, pull.head, token=token, cwd=tmp_path))[0] == 0
    shown = await git("show", f"{pull.head}:src/app.py", token=token, cwd=tmp_path)
    assert shown == (0, HEAD["src/app.py"])


async def test_git_is_refused_without_a_token_that_may_read(
    sandbox: Sandbox, client: Client, pull: Pull
) -> None:
    url = f"{sandbox.url}/{REPO}.git"
    assert (await git("ls-remote", url))[0] != 0
    probe = await client.http.get(f"{url}/info/refs?service=git-upload-pack")
    assert (probe.status_code, probe.headers["www-authenticate"]) == (401, 'Basic realm="GitHub"')
    blind = await client.fresh_token(permissions={"checks": "write"})
    assert (await git("ls-remote", url, token=blind))[0] != 0
    assert (await git("ls-remote", url, token=await client.fresh_token()))[0] == 0


async def test_a_real_repository_is_served_with_its_branches(
    client: Client, sandbox: Sandbox, pull: Pull
) -> None:
    source = sandbox.repository(REPO).git_dir
    copy = await sandbox.add_repository("octo/copy", source)
    assert copy.default_branch == "main"
    url = f"{sandbox.url}/octo/copy.git"
    code, refs = await git("ls-remote", url, "refs/heads/*", token=await client.fresh_token())
    assert (code, pull.head in refs) == (0, True)
