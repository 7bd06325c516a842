"""The simulator is honest: what it answers is what GitHub's description promises."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.state import Advisory, Dependency, utc_now
from tests.support import openapi
from tests.support.sandbox.recorder import Exchange
from tests.support.sandbox.server import Sandbox
from tests.unit.bot.sandbox.conftest import REPO, Client, Pull


def exchange(method: str, path: str, query: str = "", body: bytes = b"") -> Exchange:
    return Exchange(
        method=method,
        path=f"/api/v3{path}",
        query=query,
        headers={},
        body=body,
        status=200,
        response_headers={},
        response_body=b"",
        at=utc_now(),
    )


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (exchange("GET", "/repos/o/r/nonsense"), "not in the trimmed description"),
        (exchange("PUT", f"/repos/{REPO}/pulls"), "no such method"),
        (exchange("GET", f"/repos/{REPO}/pulls", "colour=red"), "unknown query parameters"),
        (exchange("GET", f"/repos/{REPO}/pulls/one"), "pull_number in the path"),
        (exchange("GET", f"/repos/{REPO}/pulls", "page=two"), "page in the query"),
        (exchange("POST", f"/repos/{REPO}/check-runs", body=b'{"name": "x"}'), "head_sha"),
        (exchange("POST", f"/repos/{REPO}/check-runs"), "needs a body"),
        (
            exchange("POST", f"/repos/{REPO}/issues/1/comments", body=b'{"body": "x", "a": 1}'),
            "Additional properties",
        ),
        (exchange("POST", f"/repos/{REPO}/issues/1/comments", body=b"{"), "no JSON"),
    ],
)
def test_a_request_that_github_does_not_know_is_named(wrong: Exchange, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        openapi.validate(wrong)


async def test_requests_and_answers_fit_the_description(
    sandbox: Sandbox, client: Client, pull: Pull
) -> None:
    await sandbox.deliver("ping", {"zen": "x"})
    added = Dependency(manifest="go.mod", ecosystem="go", name="x", version="1", license=None)
    sandbox.repository(REPO).dependencies = {pull.head: (added,)}
    advisory = Advisory(id="GHSA-cccc-cccc-cccc", package="x", versions=("1",), summary="Bad")
    sandbox.state.advisories[advisory.id] = advisory
    await _ask_as_app(client, sandbox.state.deliveries[-1].id)
    await _write(client, pull)
    await _read(client, pull)
    checked = [e for e in sandbox.requests if e.path.startswith("/api/v3")]
    problems = []
    for done in checked:
        try:
            openapi.validate(done)
            # The description wants each account in this list to be a user and an enterprise at
            # once (allOf), where the single installation has one of the two (anyOf).
            if done.path != "/api/v3/app/installations":
                openapi.validate_answer(done)
        except AssertionError as error:
            problems.append(str(error))
    assert not problems, "\n".join(problems)
    assert len(checked) > 40


async def _ask_as_app(client: Client, delivery: int) -> None:
    installation = client.sandbox.installation_id
    for path in (
        "/app",
        "/app/installations",
        f"/app/installations/{installation}",
        "/app/hook/config",
        "/app/hook/deliveries?per_page=5",
        f"/app/hook/deliveries/{delivery}",
        f"/repos/{REPO}/installation",
    ):
        assert (await client.as_app("GET", path)).status_code == 200
    await client.fresh_token(repositories=["hello"])


async def _write(client: Client, pull: Pull) -> None:
    async def post(where: str, /, **body: Any) -> int:
        response = await client.call("POST", where, json=body)
        assert response.is_success, response.text
        found = response.json()
        return int(found["id"]) if isinstance(found, dict) else 0

    place = {"path": "src/app.py", "line": 20, "side": "RIGHT", "body": "Why?"}
    repo = f"/repos/{REPO}"
    review = await post(
        f"{pull.path}/reviews", commit_id=pull.head, event="COMMENT", body="Read.", comments=[place]
    )
    await client.call("PUT", f"{pull.path}/reviews/{review}", json={"body": "Read twice."})
    change_request = await post(f"{pull.path}/reviews", event="REQUEST_CHANGES", body="Mend it.")
    await client.call(
        "PUT", f"{pull.path}/reviews/{change_request}/dismissals", json={"message": "It is mended."}
    )
    line = await post(f"{pull.path}/comments", commit_id=pull.head, **place)
    await post(f"{pull.path}/comments/{line}/replies", body="Because.")
    comment = await post(f"{repo}/issues/1/comments", body="Hello.")
    await client.call("PATCH", f"{repo}/issues/comments/{comment}", json={"body": "Hello!"})
    await post(f"{repo}/issues/1/labels", labels=["risky"])
    for path in (f"issues/comments/{comment}", f"pulls/comments/{line}", "issues/1"):
        reaction = await post(f"{repo}/{path}/reactions", content="eyes")
        assert (await client.call("GET", f"{repo}/{path}/reactions")).json()[0]["id"] == reaction
        deletion = await client.call("DELETE", f"{repo}/{path}/reactions/{reaction}")
        assert deletion.status_code == 204
    noted = {"path": "src/app.py", "start_line": 20, "end_line": 20, "message": "Look"}
    output = {
        "title": "T",
        "summary": "S",
        "annotations": [noted | {"annotation_level": "notice"}],
    }
    run = await post(f"{repo}/check-runs", name="Glossator", head_sha=pull.head, output=output)
    await client.call("PATCH", f"{repo}/check-runs/{run}", json={"conclusion": "success"})
    for path in (f"{repo}/check-runs/{run}", f"{repo}/check-runs/{run}/annotations"):
        assert (await client.call("GET", path)).status_code == 200
    for path in (f"{pull.path}/reviews/{review}", f"{pull.path}/reviews/{review}/comments"):
        assert (await client.call("GET", path)).status_code == 200
    client.sandbox.grant("actions", "read")
    client.token = ""
    client.sandbox.repository(REPO).check_runs[run].log = b"The end."
    stored = await client.call("GET", f"{repo}/actions/jobs/{run}/logs")
    assert stored.status_code == 302
    await client.call("GET", f"{repo}/issues/comments/{comment}")
    await client.call("GET", f"{repo}/pulls/comments/{line}")


async def _read(client: Client, pull: Pull) -> None:
    repo = f"/repos/{REPO}"
    for path in (
        "/installation/repositories",
        "/rate_limit",
        repo,
        f"{repo}/pulls?state=all",
        pull.path,
        f"{pull.path}/files",
        f"{pull.path}/commits",
        f"{pull.path}/reviews",
        f"{pull.path}/comments",
        f"{repo}/compare/{pull.base}...{pull.head}",
        f"{repo}/dependency-graph/compare/{pull.base}...{pull.head}",
        "/advisories/GHSA-cccc-cccc-cccc",
        f"{repo}/contents/src/app.py?ref={pull.head}",
        f"{repo}/issues/1",
        f"{repo}/issues/1/comments",
        f"{repo}/issues/1/labels",
        f"{repo}/collaborators/octocat/permission",
        f"{repo}/commits/{pull.head}/check-runs",
    ):
        assert (await client.call("GET", path)).status_code == 200, path
