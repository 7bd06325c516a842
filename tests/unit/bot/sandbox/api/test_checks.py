"""Check runs within GitHub's limits."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.state import CheckRun
from tests.support.sandbox.server import Sandbox
from tests.unit.bot.sandbox.conftest import REPO, Client, Pull

RUNS = f"/repos/{REPO}/check-runs"


def notes(count: int) -> list[dict[str, Any]]:
    one = {"path": "src/app.py", "start_line": 20, "end_line": 20}
    return [one | {"annotation_level": "notice", "message": f"n {n}"} for n in range(count)]


def output(**more: Any) -> dict[str, Any]:
    return {"output": {"title": "Reading", "summary": "So far"} | more}


async def create(client: Client, pull: Pull, **more: Any) -> Any:
    body = {"name": "Glossator", "head_sha": pull.head, "external_id": "r1"} | more
    return await client.call("POST", RUNS, json=body)


async def test_a_check_run_grows_from_queued_to_completed(client: Client, pull: Pull) -> None:
    run = (await create(client, pull)).json()
    assert (run["status"], run["conclusion"]) == ("queued", None)
    for _ in range(2):
        more = output(annotations=notes(50))
        assert (await client.call("PATCH", f"{RUNS}/{run['id']}", json=more)).status_code == 200
    done = await client.call("PATCH", f"{RUNS}/{run['id']}", json={"conclusion": "neutral"})
    assert done.json()["status"] == "completed"
    assert done.json()["output"]["annotations_count"] == 100
    page = await client.call("GET", f"{RUNS}/{run['id']}/annotations?per_page=100")
    assert len(page.json()) == 100


@pytest.mark.parametrize(
    "wrong",
    [
        output(annotations=notes(51)),
        output(summary="x" * 65_536),
        output(text="x" * 65_536),
        output(summary="é" * 32_768),
        output(annotations=[notes(1)[0] | {"end_line": 22, "start_column": 1}]),
        {"actions": [{"label": "a", "identifier": "b", "description": "c"}] * 4},
        {"actions": [{"label": "x" * 21, "identifier": "b", "description": "c"}]},
        {"status": "completed"},
        {"conclusion": "splendid"},
        {"head_sha": "0" * 40},
    ],
)
async def test_what_is_beyond_the_limits_is_refused(
    sandbox: Sandbox, client: Client, pull: Pull, wrong: dict[str, Any]
) -> None:
    assert (await create(client, pull, **wrong)).status_code == 422
    assert sandbox.repository(REPO).check_runs == {}


async def test_only_the_app_that_made_a_run_may_change_it(
    sandbox: Sandbox, client: Client, pull: Pull
) -> None:
    sandbox.repository(REPO).check_runs[7] = CheckRun(
        id=7, name="tests", head_sha=pull.head, suite_id=8, app_id=1
    )
    refused = await client.call("PATCH", f"{RUNS}/7", json={"conclusion": "success"})
    assert refused.status_code == 403
    await create(client, pull)
    path = f"/repos/{REPO}/commits/{pull.head}/check-runs"
    everyone = (await client.call("GET", path)).json()
    assert everyone["total_count"] == 2
    own_runs = (await client.call("GET", f"{path}?app_id={sandbox.app_id}")).json()
    assert [run["external_id"] for run in own_runs["check_runs"]] == ["r1"]


async def test_a_text_of_too_many_bytes_is_cut_without_a_word(client: Client, pull: Pull) -> None:
    answer = await create(client, pull, **output(text="é" * 40_000))
    assert answer.status_code == 201
    assert answer.json()["output"]["text"] == "é" * 32_767
