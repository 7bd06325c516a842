"""The pages of a pull request on the simulated GitHub."""

from __future__ import annotations

import httpx2
import pytest

from tests.support.sandbox.server import Sandbox
from tests.unit.bot.sandbox.conftest import REPO, Client, Pull

BODY = """**One thing.** <details><summary>More</summary>

A *fold*.
</details>

<script>alert(1)</script>
"""
SUGGESTION = "Say it better:\n\n```suggestion\nimproved 20\n```\n"


@pytest.fixture
async def reviewed(client: Client, pull: Pull) -> Pull:
    """The pull request with one review, whose comment has a suggestion, and a check run."""
    place = {"path": "src/app.py", "line": 20, "side": "RIGHT", "body": SUGGESTION}
    review = {"commit_id": pull.head, "event": "COMMENT", "body": BODY, "comments": [place]}
    assert (await client.call("POST", f"{pull.path}/reviews", json=review)).status_code == 200
    run = {
        "name": "Glossator",
        "head_sha": pull.head,
        "status": "completed",
        "conclusion": "neutral",
        "output": {"title": "1 high", "summary": "**Fix it.**"},
    }
    assert (await client.call("POST", f"/repos/{REPO}/check-runs", json=run)).status_code == 201
    return pull


async def page(sandbox: Sandbox, path: str) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False) as http:
        return await http.get(f"{sandbox.url}/{REPO}/{path}")


async def test_the_conversation_shows_the_review_and_its_comments(
    sandbox: Sandbox, reviewed: Pull
) -> None:
    await sandbox.comment(REPO, 1, "Thank you for `this`")
    html = (await page(sandbox, "pull/1")).text
    assert "Twenty" in html
    assert "<strong>One thing.</strong>" in html
    assert "<summary>More</summary>" in html
    assert '<span class="del">-changed 20</span><span class="add">+improved 20</span>' in html
    assert "<code>this</code>" in html
    assert "1 high" in html


async def test_what_others_wrote_neither_runs_nor_loads(sandbox: Sandbox, reviewed: Pull) -> None:
    answer = await page(sandbox, "pull/1")
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["img-src"] == "data:"


async def test_a_page_looks_again_until_the_check_run_is_completed(
    sandbox: Sandbox, pull: Pull, client: Client
) -> None:
    refreshes = "<main data-waiting>"
    assert refreshes in (await page(sandbox, "pull/1")).text
    run = {"name": "Glossator", "head_sha": pull.head, "status": "in_progress"}
    made = (await client.call("POST", f"/repos/{REPO}/check-runs", json=run)).json()
    assert refreshes in (await page(sandbox, "pull/1")).text
    done = {"status": "completed", "conclusion": "success"}
    await client.call("PATCH", f"/repos/{REPO}/check-runs/{made['id']}", json=done)
    assert refreshes not in (await page(sandbox, "pull/1")).text


async def test_the_diff_has_comments_below_their_lines(sandbox: Sandbox, reviewed: Pull) -> None:
    html = (await page(sandbox, "pull/1/files")).text
    assert html.index('<tr class="add">') < html.index("Say it better")
    assert html.rindex("<tr class") > html.index("Say it better")
    assert html.count("Say it better") == 1
    assert "moved.txt" not in html.split("there.txt")[0]


async def test_the_check_run_is_shown_in_full(sandbox: Sandbox, reviewed: Pull) -> None:
    assert "<strong>Fix it.</strong>" in (await page(sandbox, "pull/1/checks")).text
    run_id = next(iter(sandbox.repository(REPO).check_runs))
    assert "<strong>Fix it.</strong>" in (await page(sandbox, f"runs/{run_id}")).text


async def test_links_to_code_lead_to_its_lines(sandbox: Sandbox, pull: Pull) -> None:
    html = (await page(sandbox, f"blob/{pull.head}/src/app.py")).text
    assert '<tr id="L20"><td class="num">20</td>' in html
    assert html.index("changed") > html.index('id="L20"')


@pytest.mark.parametrize(
    "path", ["pull/2", "pull/2/files", "runs/1", "blob/main/none.py", "../none/pull/1"]
)
async def test_what_does_not_exist_is_not_found(sandbox: Sandbox, pull: Pull, path: str) -> None:
    assert (await page(sandbox, path)).status_code == 404


async def send(sandbox: Sandbox, path: str, origin: str = "", **fields: str) -> httpx2.Response:
    headers = {"Origin": origin or sandbox.url}
    async with httpx2.AsyncClient(trust_env=False) as http:
        return await http.post(f"{sandbox.url}/{REPO}/{path}", data=fields, headers=headers)


async def test_a_comment_is_delivered_and_the_page_waits_for_its_answer(
    sandbox: Sandbox, reviewed: Pull
) -> None:
    assert "data-waiting" not in (await page(sandbox, "pull/1")).text
    answer = await send(sandbox, "pull/1/comment", body="/review help")
    assert answer.status_code == 303
    [comment] = sandbox.repository(REPO).issue_comments.values()
    assert comment.body == "/review help"
    assert sandbox.state.deliveries[-1].event == "issue_comment"
    assert "data-waiting" in (await page(sandbox, "pull/1")).text


async def test_a_reply_is_in_the_thread(sandbox: Sandbox, reviewed: Pull) -> None:
    [first] = sandbox.repository(REPO).review_comments.values()
    await send(sandbox, "pull/1/reply", to=str(first.id), body="Why?")
    _, reply = sandbox.repository(REPO).review_comments.values()
    assert (reply.in_reply_to_id, reply.body) == (first.id, "Why?")
    assert sandbox.state.deliveries[-1].event == "pull_request_review_comment"


async def test_a_button_of_the_check_run_is_pressed(
    sandbox: Sandbox, client: Client, reviewed: Pull
) -> None:
    [run] = sandbox.repository(REPO).check_runs.values()
    run.actions.append({"label": "Again", "description": "Once more", "identifier": "again"})
    assert "Again</button>" in (await page(sandbox, "pull/1/checks")).text
    pressed = await send(sandbox, "pull/1/action", run=str(run.id), identifier="again")
    assert pressed.status_code == 303
    assert sandbox.state.deliveries[-1].action == "requested_action"
    unknown = await send(sandbox, "pull/1/action", run=str(run.id), identifier="other")
    assert unknown.status_code == 404


async def test_forms_of_other_sites_are_refused(sandbox: Sandbox, pull: Pull) -> None:
    answer = await send(sandbox, "pull/1/comment", "https://evil.example", body="/review full")
    assert answer.status_code == 403
    assert not sandbox.repository(REPO).issue_comments


async def test_an_empty_comment_is_none(sandbox: Sandbox, pull: Pull) -> None:
    assert (await send(sandbox, "pull/1/comment", body="  ")).status_code == 303
    assert not sandbox.repository(REPO).issue_comments
