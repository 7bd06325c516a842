"""What a stranger sends before anybody knows what is asked for: bounded in bytes and in time."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from bot.web import header_limits
from bot.web.app import create_app
from tests.support.deliveries import SECRET, payload, signature
from tests.support.web_server import TOKEN, make_settings, serving

CHUNKED = b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def port(redis_url: str, redis: "Redis") -> AsyncIterator[int]:
    app = create_app(make_settings(redis_url, github_webhook_secrets=SECRET))
    async with serving(app) as address:
        yield int(address.rpartition(":")[2])


async def takes_all(port: int, begin: bytes, again: bytes, times: int) -> bool:
    """Whether a connection takes `again` so many times after `begin`."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(begin)
        for _ in range(times):
            writer.write(again)
            await writer.drain()
    except ConnectionError:
        return False
    finally:
        writer.transport.abort()
    return True


@pytest.mark.parametrize(
    ("begin", "again"),
    [
        (b"GET / HTTP/1.1\r\n", b"X-More: " + b"a" * 9000 + b"\r\n"),
        (b"GET / HTTP/1.1\r\nX-One: ", b"a" * 9000),
        (b"GET /", b"a" * 9000),
        (CHUNKED + b"0\r\n", b"X-More: " + b"a" * 9000 + b"\r\n"),
        (CHUNKED + b"0\r\nX-One: ", b"a" * 9000),
    ],
    ids=["many headers", "one header", "the address", "many trailers", "one trailer"],
)
async def test_headers_without_end_are_not_kept(port: int, begin: bytes, again: bytes) -> None:
    async with asyncio.timeout(20):
        assert not await takes_all(port, begin, again, 4000)  # 36 MB


async def test_headers_that_are_too_large_are_refused_with_a_sentence(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nX-One: " + b"a" * (header_limits.MAX_HEADER_BYTES + 10))
    async with asyncio.timeout(10):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert answer.endswith(b"The headers are too large.")
    writer.close()


async def test_a_silent_client_is_not_waited_for(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(header_limits, "HEADER_TIMEOUT_SECONDS", 0.2)
    for prefix in (b"", b"GET / HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET / HT"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(prefix)
        async with asyncio.timeout(3):  # less than uvicorn keeps a silent connection
            await reader.read()
        writer.close()


@pytest.mark.parametrize("size", [1, 1000, 60_000])
async def test_a_delivery_in_small_pieces_is_taken(port: int, size: int) -> None:
    """What frames its chunks may be longer than they are, and is no head."""
    body = json.dumps(payload("pull_request-opened") | {"more": "x" * 90_000}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = CHUNKED.removesuffix(b"\r\n") + (
        b"Connection: close\r\nX-GitHub-Event: pull_request\r\nX-GitHub-Delivery: one\r\n"
        b"X-Hub-Signature-256: " + signature(body).encode() + b"\r\n\r\n"
    )
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    writer.write(head + b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces))
    writer.write(b"0\r\n\r\n")
    async with asyncio.timeout(30):
        assert (await reader.read()).startswith(b"HTTP/1.1 202 ")
    writer.close()


@pytest.mark.parametrize(
    ("path", "more", "answer"),
    [
        ("/sign-in", "Origin: http://x\r\n", b"HTTP/1.1 403 "),
        (
            "/api/reviews",
            f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n",
            b"HTTP/1.1 408 ",
        ),
    ],
)
async def test_a_form_that_never_comes_is_not_waited_for(
    port: int, monkeypatch: pytest.MonkeyPatch, path: str, more: str, answer: bytes
) -> None:
    monkeypatch.setattr("bot.web.pages.forms.TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr("bot.web.api.reviews.BODY_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n{more}\r\na".encode())
    async with asyncio.timeout(5):
        assert (await reader.readline()).startswith(answer)
    writer.close()
