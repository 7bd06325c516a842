"""Reviews: inside the diff or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import openapi
from tests.support.sandbox.server import Sandbox
from tests.unit.bot.sandbox.conftest import HEAD, REPO, Client, Pull

THREADS = """
query($number: Int!) {
  repository(owner: "octo", name: "hello") {
    pullRequest(number: $number) {
      reviewThreads(first: 10) {
        nodes { id isResolved isOutdated path comments(first: 1) {
          nodes { id databaseId body isMinimized author { login } } } }
      }
    }
  }
}
"""


def review(pull: Pull, *comments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "commit_id": pull.head,
        "event": "COMMENT",
        "body": "Read.",
        "comments": comments,
    } | more


def comment(line: int, side: str = "RIGHT", **more: Any) -> dict[str, Any]:
    return {"path": "src/app.py", "line": line, "side": side, "body": "Why?"} | more


@pytest.mark.parametrize(
    "place",
    [
        comment(20),
        comment(17),
        comment(24),
        comment(20, "LEFT"),
        comment(21, start_line=18, start_side="RIGHT"),
        comment(20, start_line=20, start_side="LEFT"),
    ],
)
async def test_a_comment_inside_a_hunk_is_posted(
    sandbox: Sandbox, client: Client, pull: Pull, place: dict[str, Any]
) -> None:
    response = await client.call("POST", f"{pull.path}/reviews", json=review(pull, place))
    assert response.status_code == 200, response.text
    listed = (await client.call("GET", f"{pull.path}/comments")).json()
    assert [(c["line"], c["side"]) for c in listed] == [(place["line"], place["side"])]
    assert listed[0]["diff_hunk"].startswith("@@ -17,7 +17,8 @@")
    assert [e.path for e in sandbox.writes()] == [f"/api/v3{pull.path}/reviews"]


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        (comment(16), "Line could not be resolved"),
        (comment(25), "Line could not be resolved"),
        (comment(24, "LEFT"), "Line could not be resolved"),
        (comment(20, path="README.md"), "Path could not be resolved"),
        (comment(1, path="image.png"), "Line could not be resolved"),
        (comment(20, start_line=21, start_side="RIGHT"), "Start line could not be resolved"),
        (comment(20, start_line=2, start_side="RIGHT"), "Start line could not be resolved"),
    ],
)
async def test_one_comment_outside_the_diff_refuses_the_whole_review(
    sandbox: Sandbox, client: Client, pull: Pull, place: dict[str, Any], sentence: str
) -> None:
    body = review(pull, comment(20), place)
    response = await client.call("POST", f"{pull.path}/reviews", json=body)
    assert response.status_code == 422
    assert response.json()["errors"] == [sentence]
    assert sandbox.repository(REPO).reviews == {}
    assert sandbox.writes() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"body": "", "comments": []},
        {"body": "x" * 65_537},
        {"event": "REQUEST_CHANGES", "body": ""},
        {"event": "HURRAY"},
        {"commit_id": "0" * 40},
    ],
)
async def test_a_review_that_github_would_refuse_is_refused(
    client: Client, pull: Pull, wrong: dict[str, Any]
) -> None:
    response = await client.call("POST", f"{pull.path}/reviews", json=review(pull) | wrong)
    assert response.status_code == 422


async def test_a_review_without_an_event_is_pending(client: Client, pull: Pull) -> None:
    body = review(pull, comment(20))
    del body["event"]
    first = await client.call("POST", f"{pull.path}/reviews", json=body)
    assert first.json()["state"] == "PENDING"
    assert (await client.call("GET", f"{pull.path}/comments")).json() == []
    assert (await client.call("POST", f"{pull.path}/reviews", json=body)).status_code == 422


async def test_a_request_for_changes_can_be_dismissed_once(client: Client, pull: Pull) -> None:
    body = review(pull, event="REQUEST_CHANGES")
    change_request = (await client.call("POST", f"{pull.path}/reviews", json=body)).json()
    assert change_request["state"] == "CHANGES_REQUESTED"
    where = f"{pull.path}/reviews/{change_request['id']}/dismissals"
    assert (await client.call("PUT", where, json={"message": " "})).status_code == 422
    done = await client.call("PUT", where, json={"message": "It is mended."})
    assert (done.status_code, done.json()["state"]) == (200, "DISMISSED")
    again = await client.call("PUT", where, json={"message": "It is mended."})
    assert again.status_code == 422
    assert "dismissed" in again.text


async def test_a_comment_or_nothing_cannot_be_dismissed(client: Client, pull: Pull) -> None:
    response_body = (await client.call("POST", f"{pull.path}/reviews", json=review(pull))).json()
    for number, status in ((response_body["id"], 422), (987654, 404)):
        where = f"{pull.path}/reviews/{number}/dismissals"
        answer = await client.call("PUT", where, json={"message": "Never mind."})
        assert answer.status_code == status


async def test_an_app_cannot_approve_what_it_opened(
    sandbox: Sandbox, client: Client, pull: Pull
) -> None:
    sandbox.repository(REPO).pulls[1].author = "glossator[bot]"
    body = review(pull, event="APPROVE")
    assert (await client.call("POST", f"{pull.path}/reviews", json=body)).status_code == 422


async def test_threads_are_resolved_and_hidden_through_graphql(
    sandbox: Sandbox, client: Client, pull: Pull
) -> None:
    sandbox.grant("contents", "write")
    await client.call("POST", f"{pull.path}/reviews", json=review(pull, comment(20)))
    answer = await client.graphql(THREADS, number=1)
    openapi.validate(sandbox.requests[-1])
    thread = answer["data"]["repository"]["pullRequest"]["reviewThreads"]["nodes"][0]
    response_body = thread["comments"]["nodes"][0]
    assert (thread["isResolved"], response_body["author"]) == (False, {"login": "glossator"})
    resolve = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { id } } }"
    assert "errors" not in await client.graphql(resolve, id=thread["id"])
    hide = """mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) {
        minimizedComment { isMinimized minimizedReason } } }"""
    hidden = (await client.graphql(hide, id=response_body["id"]))["data"]["minimizeComment"]
    assert hidden == {"minimizedComment": {"isMinimized": True, "minimizedReason": "outdated"}}
    again = await client.graphql(THREADS, number=1)
    thread = again["data"]["repository"]["pullRequest"]["reviewThreads"]["nodes"][0]
    assert thread["isResolved"] is True
    assert len(sandbox.writes()) == 3


async def test_graphql_answers_the_query_or_explains_the_error(client: Client, pull: Pull) -> None:
    unknown = await client.graphql(
        'mutation { resolveReviewThread(input: {threadId: "x"}) { thread { id } } }'
    )
    assert unknown["errors"][0]["type"] == "NOT_FOUND"
    wrong = await client.graphql("{ viewer { password } }")
    assert "Cannot query field 'password'" in wrong["errors"][0]["message"]
    client.token = await client.fresh_token(permissions={"contents": "read"})
    other = await client.graphql('{ repository(owner: "octo", name: "nope") { id } }')
    assert other["errors"][0]["type"] == "NOT_FOUND"


async def test_a_push_moves_comments_along_and_outdates_those_whose_line_went(
    sandbox: Sandbox, client: Client, pull: Pull
) -> None:
    body = review(pull, comment(20), comment(24))
    await client.call("POST", f"{pull.path}/reviews", json=body)
    old = str(HEAD["src/app.py"])
    new = "first\n" + old.replace("changed 20\n", "changed again\n")
    sha = await sandbox.commit(REPO, {"src/app.py": new}, parent=pull.head)
    await sandbox.push(REPO, 1, sha)
    listed = (await client.call("GET", f"{pull.path}/comments")).json()
    assert [(c["line"], c["original_line"]) for c in listed] == [(None, 20), (25, 24)]


async def test_replies_join_the_thread(sandbox: Sandbox, client: Client, pull: Pull) -> None:
    await client.call("POST", f"{pull.path}/reviews", json=review(pull, comment(20)))
    first = (await client.call("GET", f"{pull.path}/comments")).json()[0]["id"]
    path = f"{pull.path}/comments/{first}/replies"
    reply = await client.call("POST", path, json={"body": "Because."})
    assert (reply.status_code, reply.json()["in_reply_to_id"]) == (201, first)
    human = await sandbox.reply_in_thread(REPO, first, "Ah.")
    threads = {c.thread_id for c in sandbox.repository(REPO).review_comments.values()}
    assert (len(threads), human.in_reply_to_id) == (1, first)
