"""Deliveries that GitHub did not send: none is accepted, and none costs memory that stays."""

import asyncio
import gc
import json
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from bot.store import keys
from bot.web.app import create_app
from tests.support.deliveries import SECRET, payload, signature
from tests.support.web_server import make_settings


@pytest.fixture
async def web(redis_url: str, redis: "Redis") -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(make_settings(redis_url, github_webhook_secrets=f"{SECRET},second-secret"))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://web") as client,
    ):
        yield client


def _resident() -> int:
    """Bytes of this process in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _forged(rng: random.Random, body: bytes) -> dict[str, Any]:
    """One of the ways to be wrong: no signature, another secret's, another body's, noise."""
    wrong = [
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        "sha1=" + "0" * 40,
        signature(body, "another secret"),
        signature(body, ""),
        signature(body + b" "),
        signature(body).upper(),
        signature(body)[:-1],
        signature(body).removeprefix("sha256="),
        " " + signature(body) + " x",
        "sha256=" + rng.randbytes(32).hex(),
    ]
    headers = {
        "X-GitHub-Event": rng.choice(["pull_request", "issue_comment", "ping", "x" * 300, ""]),
        "X-GitHub-Delivery": rng.choice(["", "../x", rng.randbytes(16).hex(), "a" * 5000]),
        "X-Hub-Signature-256": rng.choice(wrong),
    }
    return {name: value for name, value in headers.items() if value}


@pytest.mark.parametrize("deliveries", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_forged_deliveries_queue_nothing_and_leave_memory_flat(
    web: httpx2.AsyncClient, redis: "Redis", deliveries: int
) -> None:
    rng = random.Random(7)
    real = json.dumps(payload("pull_request-opened")).encode()
    bodies = [real, b"", b"{", b"[" * 10_000, rng.randbytes(2000), b'{"a": ' * 5000, real * 20]

    async def forge() -> int:
        body = rng.choice(bodies)
        answer = await web.post("/webhooks/github", content=body, headers=_forged(rng, body))
        return answer.status_code

    async def many(count: int) -> set[int]:
        statuses: set[int] = set()
        for _ in range(count // 50):
            statuses |= set(await asyncio.gather(*(forge() for _ in range(50))))
        gc.collect()
        return statuses

    assert await many(deliveries // 10) == {401}
    before = _resident()
    assert await many(deliveries * 9 // 10) == {401}
    assert _resident() < 1.1 * before
    assert set(await redis.keys("*")) <= {
        keys.METRICS.encode(),
        keys.METRICS_GAUGES.encode(),
        keys.FORMAT.encode(),  # once, when the web process starts
    }


async def test_a_delivery_is_claimed_for_longer_than_github_could_repeat_it(
    web: httpx2.AsyncClient, redis: "Redis"
) -> None:
    body = json.dumps(payload("pull_request-opened")).encode()
    headers = {
        "X-GitHub-Event": "pull_request",
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "X-Hub-Signature-256": signature(body),
    }
    first = await web.post("/webhooks/github", content=body, headers=headers)
    assert first.status_code == 202
    again = await web.post("/webhooks/github", content=body, headers=headers)
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    left = await redis.ttl(keys.delivery("72d3162e-cc78-11e3-81ab-4c9367dc0958"))
    assert 3 * 86_400 < left <= 4 * 86_400


async def test_a_captured_delivery_works_once_under_whatever_guid_and_event(
    web: httpx2.AsyncClient, redis: "Redis"
) -> None:
    """Who holds a signed body could otherwise have `/review full` obeyed again and again."""

    async def send(event: str, body: bytes, guid: str) -> tuple[int, str]:
        headers = {
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": guid,
            "X-Hub-Signature-256": signature(body),
        }
        answer = await web.post("/webhooks/github", content=body, headers=headers)
        return answer.status_code, answer.json()["status"]

    comment = payload("issue_comment-created")
    comment["comment"]["body"] = "/review full"
    for event, data in (
        ("pull_request", payload("pull_request-opened")),
        ("issue_comment", comment),
    ):
        body = json.dumps(data).encode()
        assert await send(event, body, f"{len(event)}-1") == (202, "queued")
        for number in range(2, 5):
            assert await send(event, body, f"{len(event)}-{number}") == (200, "duplicate")
    # A comment is obeyed once, whatever else its delivery says.
    other = json.dumps(comment | {"unknown": 1}).encode()
    assert await send("issue_comment", other, "13-5") == (200, "duplicate")


async def test_a_body_that_comes_too_slowly_is_given_up(web: httpx2.AsyncClient) -> None:
    async def trickle() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.webhooks.receiver.BODY_SECONDS", 0.05)
        answer = await web.post(
            "/webhooks/github",
            content=trickle(),
            headers={"X-Hub-Signature-256": "sha256=" + "0" * 64},
        )
    assert answer.status_code == 408


async def test_a_signature_that_is_none_costs_no_reading(web: httpx2.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    answer = await web.post(
        "/webhooks/github", content=endless(), headers={"X-Hub-Signature-256": "sha256=short"}
    )
    assert answer.status_code == 401


async def test_unsigned_bodies_use_no_more_memory_than_the_budget(
    redis_url: str, redis: "Redis"
) -> None:
    """Forty uploads that never end: what does not fit is refused, and what held room gives it
    back, so that a delivery of GitHub's is taken again."""
    app = create_app(make_settings(redis_url, github_webhook_secrets=SECRET))
    stopped = asyncio.Event()

    async def upload() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * (1 << 20)
        await stopped.wait()

    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://web") as web,
    ):

        async def send(content: AsyncIterator[bytes] | bytes, signed: str) -> int:
            headers = {
                "X-Hub-Signature-256": signed,
                "X-GitHub-Event": "ping",
                "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
            }
            return (
                await web.post("/webhooks/github", content=content, headers=headers)
            ).status_code

        forged = "sha256=" + "0" * 64
        uploads = [asyncio.create_task(send(upload(), forged)) for _ in range(40)]
        done, waiting = set[asyncio.Task[int]](), set(uploads)
        while len(done) < 37:
            ended, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            done |= ended
        assert {task.result() for task in done} == {503}
        assert app.state.body_budget.used == 60 << 20
        body = b'{"zen": "x", "hook_id": 1}'
        assert await send(body, signature(body)) == 200
        stopped.set()
        assert {await task for task in waiting} == {401}
        assert app.state.body_budget.used == 0
