"""Trouble on request, and the limits that are always there."""

from __future__ import annotations

import httpx2
import pytest

from bot.security.tls import trusted
from tests.support.sandbox.faults import Kind
from tests.support.sandbox.server import Sandbox
from tests.unit.bot.sandbox.conftest import REPO, Client, Pull


@pytest.mark.parametrize(
    ("kind", "status"), [("500", 500), ("502", 502), ("429", 429), ("secondary", 403)]
)
async def test_a_fault_strikes_as_often_as_planned(
    sandbox: Sandbox, client: Client, pull: Pull, kind: Kind, status: int
) -> None:
    fault = sandbox.faults.add("GET /api/v3/repos/*/pulls/*", kind, retry_after=3)
    response = await client.call("GET", pull.path)
    assert (response.status_code, response.headers["retry-after"]) == (status, "3")
    assert (await client.call("GET", pull.path)).status_code == 200
    assert fault.triggered == 1
    assert [e.fault for e in sandbox.requests if e.path.endswith(pull.path)] == [kind, None]


async def test_a_reset_and_a_timeout_give_no_answer(
    sandbox: Sandbox, client: Client, pull: Pull
) -> None:
    await client.call("GET", pull.path)
    sandbox.faults.add("GET */pulls/1", "reset")
    with pytest.raises(httpx2.NetworkError):
        await client.call("GET", pull.path)
    sandbox.faults.add("GET */pulls/1", "timeout")
    with pytest.raises(httpx2.ReadTimeout):
        await client.call("GET", pull.path, timeout=0.2)
    sandbox.faults.add("GET */pulls/1", "slow", delay=0.3)
    with pytest.raises(httpx2.ReadTimeout):
        await client.call("GET", pull.path, timeout=0.1)


@pytest.mark.parametrize("kind", ["502", "reset"])
async def test_a_fault_after_the_fact_leaves_the_write_standing(
    sandbox: Sandbox, client: Client, pull: Pull, kind: Kind
) -> None:
    sandbox.faults.add("POST */issues/1/comments", kind, after=True)
    path = f"/repos/{REPO}/issues/1/comments"
    try:
        assert (await client.call("POST", path, json={"body": "Hi"})).status_code == 502
    except httpx2.NetworkError:
        assert kind == "reset"
    assert [c.body for c in sandbox.repository(REPO).issue_comments.values()] == ["Hi"]
    assert len(sandbox.writes()) == 1


async def test_the_hour_runs_out_and_unchanged_answers_are_free() -> None:
    async with (
        Sandbox(hourly_limit=2) as sandbox,
        httpx2.AsyncClient(base_url=sandbox.api_url, verify=trusted(), trust_env=False) as http,
    ):
        await sandbox.add_repository(REPO)
        client = Client(sandbox, http)
        first = await client.call("GET", f"/repos/{REPO}")
        assert first.headers["x-ratelimit-remaining"] == "1"
        known = {"If-None-Match": first.headers["etag"]}
        for _ in range(3):
            same = await client.call("GET", f"/repos/{REPO}", headers=known)
            assert (same.status_code, same.headers["x-ratelimit-remaining"]) == (304, "1")
        assert (await client.call("GET", f"/repos/{REPO}")).status_code == 200
        over = await client.call("GET", f"/repos/{REPO}")
        assert (over.status_code, over.headers["x-ratelimit-remaining"]) == (403, "0")
