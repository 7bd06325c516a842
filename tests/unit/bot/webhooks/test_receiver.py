"""Each answer of the receiver, and what is in the queue after it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis
from ulid import ULID

from bot.config.settings import Settings
from bot.store import QUEUES, keys
from bot.web.app import create_app
from bot.webhooks.receiver import MAX_BODY, review_id_of
from tests.support.deliveries import SECRET, headers, payload, signature

GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


@pytest.fixture
async def web(redis_url: str, redis: "Redis") -> AsyncIterator[httpx2.AsyncClient]:
    settings = Settings(
        _env_file=None,
        redis_url=redis_url,
        secret_key="a secret of the tests",
        github_webhook_secrets=f"{SECRET},the next secret",
    )
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://web") as client,
    ):
        yield client


async def queued(redis: "Redis") -> list[dict[str, Any]]:
    bodies: list[Any] = []
    for queue in QUEUES:
        bodies += await redis.hvals(keys.queue_messages(queue))
    return [json.loads(body) for body in bodies]


async def post(
    web: httpx2.AsyncClient, body: bytes, **changed: str | None
) -> tuple[int, dict[str, str]]:
    """Send it signed; `changed` replaces headers (`_` for `-`), None leaves one out."""
    sent = headers("pull_request", body, guid=GUID)
    for name, value in changed.items():
        sent.pop(name.replace("_", "-"), None)
        if value is not None:
            sent[name.replace("_", "-")] = value
    answer = await web.post("/webhooks/github", content=body, headers=sent)
    return answer.status_code, answer.json()


def opened() -> bytes:
    return json.dumps(payload("pull_request-opened")).encode()


@pytest.mark.parametrize(
    "guid", ["72d3162e-cc78-11e3-81ab-4c9367dc0958", "0b989ba4-242f-4fe5-81db-c7b6e0b1a2c3", "one"]
)
def test_each_attempt_to_deliver_means_the_same_review(guid: str) -> None:
    assert review_id_of(guid) == review_id_of(guid)
    assert review_id_of(guid) != review_id_of(f"{guid[:-1]}f")
    assert len(ULID.from_str(review_id_of(guid)).bytes) == 16


def test_a_reviews_id_has_the_time_of_its_delivery() -> None:
    at = ULID.from_str(review_id_of("72d3162e-cc78-11e3-81ab-4c9367dc0958")).datetime
    assert at.isoformat().startswith("2014-04-25T12:52:24")


async def test_a_signed_delivery_is_queued(web: httpx2.AsyncClient, redis: "Redis") -> None:
    assert await post(web, opened()) == (202, {"status": "queued"})
    [message] = await queued(redis)
    assert (message["queue_name"], message["actor_name"]) == ("events", "handle_delivery")
    event, review_id, guid = message["args"]
    assert event["kind"] == "pull_request_changed"
    assert len(review_id) == 26
    assert guid == GUID


async def test_a_repeated_delivery_is_queued_once(web: httpx2.AsyncClient, redis: "Redis") -> None:
    answers = await asyncio.gather(*(post(web, opened()) for _ in range(10)))
    assert sorted(status for status, _ in answers) == [200] * 9 + [202]
    assert {"status": "duplicate"} in [body for _, body in answers]
    assert len(await queued(redis)) == 1


async def test_the_secret_can_be_rotated(web: httpx2.AsyncClient, redis: "Redis") -> None:
    new = signature(opened(), "the next secret")
    assert (await post(web, opened(), X_Hub_Signature_256=new))[0] == 202


@pytest.mark.parametrize(
    ("signed", "expected_text"),
    [
        (None, "missing"),
        ("sha256=" + "0" * 64, "Invalid"),
        (signature(b"another body"), "Invalid"),
        (signature(opened(), "another secret"), "Invalid"),
        ("sha1=1234", "Invalid"),
        ("sha256=é", "Invalid"),
    ],
)
async def test_without_a_right_signature_nothing_is_queued(
    web: httpx2.AsyncClient, redis: "Redis", signed: str | None, expected_text: str
) -> None:
    raw = signed.encode() if signed is not None else None
    sent: dict[str, Any] = headers("pull_request", opened(), guid=GUID)
    sent.pop("X-Hub-Signature-256")
    if raw is not None:
        sent["X-Hub-Signature-256"] = raw
    answer = await web.post("/webhooks/github", content=opened(), headers=sent)
    assert answer.status_code == 401
    assert expected_text in answer.json()["reason"]
    assert await queued(redis) == []


async def test_the_signature_is_checked_before_the_body_is_parsed(web: httpx2.AsyncClient) -> None:
    status, _ = await post(web, b"{not json", X_Hub_Signature_256="sha256=" + "0" * 64)
    assert status == 401


async def test_a_body_over_the_cap_is_cut_off(web: httpx2.AsyncClient, redis: "Redis") -> None:
    body = b" " * (26 * 1024 * 1024)
    assert (await post(web, body))[0] == 413

    read = 0

    async def without_a_length() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(64):
            read += 1024 * 1024
            yield b" " * (1024 * 1024)

    sent = headers("pull_request", body, guid=GUID)
    answer = await web.post("/webhooks/github", content=without_a_length(), headers=sent)
    assert answer.status_code == 413
    assert await queued(redis) == []


async def test_the_largest_body_that_github_sends_is_read(
    web: httpx2.AsyncClient, redis: "Redis"
) -> None:
    document = payload("pull_request-opened")
    document["padding"] = "x" * (MAX_BODY - len(json.dumps(document)) - 20)
    assert (await post(web, json.dumps(document).encode()))[0] == 202


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[]", b"null", b'{"action": 1}', b"{}"]
)
async def test_what_cannot_be_read_is_refused_with_a_sentence(
    web: httpx2.AsyncClient, redis: "Redis", body: bytes
) -> None:
    status, answer = await post(web, body)
    assert status == 400
    assert answer["reason"].endswith(".")
    assert await queued(redis) == []


async def test_a_form_encoded_delivery_is_answered_with_the_setting_to_change(
    web: httpx2.AsyncClient,
) -> None:
    status, answer = await post(web, b"payload=%7B%7D")
    assert status == 400
    assert "application/json" in answer["reason"]


@pytest.mark.parametrize(
    ("event", "action", "reason"),
    [
        ("star", "created", "the event `star` is not handled"),
        ("pull_request", "assigned", "the action `pull_request.assigned` is not handled"),
    ],
)
async def test_what_we_do_not_handle_is_ignored_with_the_reason(
    web: httpx2.AsyncClient, redis: "Redis", event: str, action: str, reason: str
) -> None:
    body = json.dumps({**payload("pull_request-opened"), "action": action}).encode()
    status, answer = await post(web, body, X_GitHub_Event=event)
    assert (status, answer) == (200, {"status": "ignored", "reason": reason})
    assert await queued(redis) == []


async def test_ping_is_answered(web: httpx2.AsyncClient) -> None:
    assert await post(web, b'{"zen": "Keep it logically awesome."}', X_GitHub_Event="ping") == (
        200,
        {"status": "pong"},
    )


@pytest.mark.parametrize("guid", [None, "", "a" * 65, "../../etc", "a b"])
async def test_a_delivery_without_a_guid_is_refused(
    web: httpx2.AsyncClient, redis: "Redis", guid: str | None
) -> None:
    assert (await post(web, opened(), X_GitHub_Delivery=guid))[0] == 400
    assert await queued(redis) == []


async def test_only_post_is_allowed(web: httpx2.AsyncClient) -> None:
    assert (await web.get("/webhooks/github")).status_code == 405


async def test_without_redis_github_is_asked_to_retry() -> None:
    settings = Settings(
        _env_file=None,
        redis_url="redis://127.0.0.1:1/0",
        secret_key="a secret of the tests",
        github_webhook_secrets=SECRET,
    )
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://web") as web,
    ):
        assert (await post(web, opened()))[0] == 503
        assert (await web.get("/readyz")).status_code == 503
        assert (await web.get("/healthz")).status_code == 200
