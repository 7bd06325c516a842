"""A coding agent has its work reviewed: the SDK's own client, over stdio and over HTTP."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from bot.sandbox.api.auth import create_token
from bot.store import Store
from tests.support.outcomes import three_months
from tests.support.sandbox.server import Sandbox

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-for-agents-of-this-test"
UNSAFE = "import subprocess\n\nsubprocess.call(input(), shell=True)\n"
TOOLS = {
    *("review_changes", "review_pull_request", "findings", "explain_finding", "dismiss"),
    "outcomes",
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one file that is not committed."""
    repo = tmp_path / "shop"
    repo.mkdir()
    git = ["git", "-C", str(repo), "-c", "user.name=A", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(repo)], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "Begin"], check=True)
    (repo / "shop.py").write_text(UNSAFE)
    return repo


def environment(repo: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(repo.parent),
        "PYTHONPATH": str(ROOT),
        "ANALYZERS_DISABLED": "secrets",
        "DATA_DIR": str(repo.parent / "data"),
        **more,
    }


def over_stdio(repo: Path, **more: str) -> Client:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "bot", "mcp"], cwd=repo, env=environment(repo, **more)
    )
    return Client(server)


@asynccontextmanager
async def http_server(repo: Path) -> AsyncIterator[str]:
    """The address of `glossator mcp --http`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "mcp", "--http", "--port", "0"),
        cwd=repo,
        env=environment(repo, GLOSSATOR_MCP_TOKEN=TOKEN),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        line = (await process.stderr.readline()).decode()
        assert line.startswith("Glossator serves agents at http://127.0.0.1:"), line
        yield line.split()[-1]
    finally:
        process.terminate()
        await process.communicate()
    assert process.returncode == 0


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return str(result.content)


async def test_an_agent_reviews_fixes_and_reviews_again_over_stdio(repo: Path) -> None:
    async with over_stdio(repo) as client:
        listed = await client.list_tools()
        assert {tool.name for tool in listed.tools} == TOOLS
        assert "call review_changes first" in await refused(client, "findings")
        review = await call(client, "review_changes", use_llm=False)
        [finding] = [one for one in review["findings"] if "shell" in one["title"]]
        assert (finding["path"], finding["line"], finding["severity"]) == ("shop.py", 3, "high")
        details = await call(client, "explain_finding", finding_id=finding["id"])
        assert details["code"] == "subprocess.call(input(), shell=True)"
        assert details["found_by"].startswith("ruff")
        (repo / "shop.py").write_text("import shutil\n\nshutil.rmtree('build')\n")
        review = await call(client, "review_changes", use_llm=False)
        assert review["findings"] == []
        assert "no finding" in await refused(client, "explain_finding", finding_id=finding["id"])


async def test_a_dismissed_finding_stays_away_in_the_next_session(repo: Path) -> None:
    async with over_stdio(repo) as client:
        review = await call(client, "review_changes")
        for finding in review["findings"]:
            assert "Give a reason" in await refused(
                client, "dismiss", finding_id=finding["id"], reason=" "
            )
            await call(client, "dismiss", finding_id=finding["id"], reason="A tool of ours")
        assert (await call(client, "findings"))["findings"] == []
    async with over_stdio(repo) as client:
        assert (await call(client, "review_changes"))["findings"] == []
    assert sorted(os.listdir(repo)) == [".git", "shop.py"]


async def test_outcomes_are_those_of_the_repository_that_the_agent_works_in(
    repo: Path, redis_url: str, store: Store
) -> None:
    made = await three_months(store)
    assert {one.repository_id for one in made} == {11, 12}
    async with over_stdio(repo, REDIS_URL=redis_url) as client:
        assert "no remote named origin" in await refused(client, "outcomes")
    remote = "git@github.com:octo/demo.git"
    add = ["git", "-C", str(repo), "remote", "add", "origin", remote]
    await asyncio.to_thread(subprocess.run, add, check=True)
    async with over_stdio(repo) as client:
        assert "set the server's REDIS_URL" in await refused(client, "outcomes")
    async with over_stdio(repo, REDIS_URL=redis_url) as client:
        assert "Give days" in await refused(client, "outcomes", since="yesterday")
        found = await call(client, "outcomes", since="13w")
    own = [one for one in made if one.repository_id == 11]
    assert found["total"]["posted"] == len(own)
    assert [one["name"] for one in found["by"]["repository"]] == ["octo/demo"]


async def test_a_pull_request_is_reviewed_and_nothing_is_posted(repo: Path) -> None:
    async with Sandbox() as sandbox:
        await sandbox.add_repository("octo/shop")
        base = await sandbox.commit("octo/shop", {"a.py": "x = 1\n"})
        head = await sandbox.commit("octo/shop", {"a.py": UNSAFE}, parent=base)
        await sandbox.open_pull("octo/shop", base, head)
        installation = sandbox.state.installations[sandbox.installation_id]
        token = create_token(sandbox.state, installation, {}).value
        more = {
            "GITHUB_API_URL": sandbox.api_url,
            "GITHUB_URL": sandbox.url,
            "GITHUB_TOKEN": token,
        }
        async with over_stdio(repo, **more) as client:
            review = await call(client, "review_pull_request", pull_request="octo/shop#1")
            assert review["subject"] == "octo/shop #1"
            assert {finding["path"] for finding in review["findings"]} == {"a.py"}
            failed = await refused(client, "review_pull_request", pull_request="octo/shop#2")
            assert "octo/shop#2 was not found" in failed
        assert sandbox.writes() == []
    async with over_stdio(repo) as client:
        failed = await refused(client, "review_pull_request", pull_request="octo/shop#1")
        assert "GITHUB_TOKEN is not set" in failed


async def test_http_answers_only_those_who_have_the_token(repo: Path) -> None:
    async with http_server(repo) as address:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(address, http_client=http)) as client,
        ):
            review = await call(client, "review_changes", use_llm=False, paths=["shop.py"])
            assert {finding["path"] for finding in review["findings"]} == {"shop.py"}
            rebound = {"Host": "attacker.example"}
            assert (await http.post(address, json={}, headers=rebound)).status_code == 421
        async with httpx2.AsyncClient() as http:
            for given in ({}, {"Authorization": "Bearer wrong"}):
                answer = await http.post(address, json={}, headers=given)
                assert answer.status_code == 401


@pytest.mark.slow
def test_http_without_a_good_token_is_one_sentence(repo: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "mcp", "--http", "--token", "short"],
        cwd=repo,
        env=environment(repo),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("glossator: --http needs a token of at least 16 characters")
