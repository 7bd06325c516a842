"""Webhooks: signed, recorded, delivered again only on request."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from gidgethub.sansio import Event
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.runtime.http_server import serving
from bot.runtime.tcp_ports import listen
from tests.support.sandbox.server import Sandbox
from tests.unit.bot.sandbox.conftest import REPO, Client, Pull


@dataclass
class Inbox:
    """A webhook receiver; `status` is what it answers."""

    status: int = 202
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def last(self) -> Any:
        return json.loads(self.received[-1][1])


@pytest.fixture
async def inbox(sandbox: Sandbox) -> AsyncIterator[Inbox]:
    box = Inbox()

    async def receive(request: Request) -> Response:
        box.received.append((dict(request.headers), await request.body()))
        return Response(status_code=box.status)

    socket = listen(0)
    app = Starlette(routes=[Route("/hook", receive, methods=["POST"])])
    async with serving(app, socket):
        sandbox.webhook_url = f"http://127.0.0.1:{socket.getsockname()[1]}/hook"
        yield box


async def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_delivery_is_signed_and_readable(
    sandbox: Sandbox, inbox: Inbox, pull: Pull
) -> None:
    headers, body = inbox.received[0]
    digest = hmac.new(sandbox.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature-256"] == f"sha256={digest}"
    assert headers["user-agent"].startswith("GitHub-Hookshot/")
    event = Event.from_http(headers, body, secret=sandbox.webhook_secret)
    assert (event.event, event.data["action"]) == ("pull_request", "opened")
    assert event.data["installation"]["id"] == sandbox.installation_id
    assert event.data["pull_request"]["head"]["sha"] == pull.head


async def test_people_are_announced(
    sandbox: Sandbox, client: Client, inbox: Inbox, pull: Pull
) -> None:
    comment_made = await sandbox.comment(REPO, 1, "/review")
    assert inbox.last["issue"]["pull_request"]["url"].endswith("/pulls/1")
    await sandbox.edit_comment(REPO, comment_made.id, "/review full")
    assert inbox.last["changes"] == {"body": {"from": "/review"}}
    await sandbox.label(REPO, 1, "no-review")
    assert inbox.last["label"]["name"] == "no-review"
    actions = [{"label": "Cancel", "identifier": "cancel", "description": "Stop it"}]
    body = {"name": "Glossator", "head_sha": pull.head, "actions": actions}
    run = (await client.call("POST", f"/repos/{REPO}/check-runs", json=body)).json()["id"]
    await sandbox.request_action(run, "cancel")
    assert inbox.last["requested_action"] == {"identifier": "cancel"}
    await sandbox.rerun(run)
    assert inbox.last["check_run"]["pull_requests"][0]["number"] == 1
    await sandbox.rerun_suite(REPO, pull.head)
    assert inbox.last["check_suite"]["head_sha"] == pull.head
    await sandbox.ready_for_review(REPO, 1)
    await sandbox.close(REPO, 1, merged=True)
    assert inbox.last["pull_request"]["merged"] is True
    events = [headers["x-github-event"] for headers, _ in inbox.received]
    assert events == (
        ["pull_request", "issue_comment", "issue_comment", "pull_request", "check_run"]
        + ["check_run", "check_suite", "pull_request", "pull_request"]
    )


async def test_a_failed_delivery_is_listed_and_can_be_attempted_again(
    sandbox: Sandbox, client: Client, inbox: Inbox
) -> None:
    inbox.status = 503
    for number in range(3):
        await sandbox.deliver("ping", {"zen": "x"}, guid=f"guid-{number}")
    assert len(inbox.received) == 3
    page = await client.as_app("GET", "/app/hook/deliveries?per_page=2")
    assert [(d["guid"], d["status_code"]) for d in page.json()] == [
        ("guid-2", 503),
        ("guid-1", 503),
    ]
    rest = await client.as_app("GET", page.links["next"]["url"])
    assert [d["guid"] for d in rest.json()] == ["guid-0"]
    inbox.status = 202
    failed = rest.json()[0]["id"]
    again = await client.as_app("POST", f"/app/hook/deliveries/{failed}/attempts")
    assert again.status_code == 202
    await until(lambda: len(sandbox.state.deliveries) == 4)
    last = sandbox.state.deliveries[-1]
    assert (last.guid, last.status, last.redelivery) == ("guid-0", "OK", True)
    assert inbox.received[0][1] == inbox.received[3][1]


async def test_a_missing_endpoint_is_recorded_and_not_raised(sandbox: Sandbox) -> None:
    sandbox.webhook_url = "http://127.0.0.1:1/hook"
    delivery = await sandbox.deliver("ping", {"zen": "x"})
    assert (delivery.status_code, delivery.status) == (0, "failed to connect to host")
