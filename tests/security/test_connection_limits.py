"""What a connection sends and holds: bounded in bytes, in time and in number."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from websockets.asyncio.client import connect

from bot.runtime.tasks import stop
from bot.store import Store
from bot.web import connection_limits
from bot.web.app import create_app
from bot.web.connection_limits import AddressLimit, limited_protocol
from tests.support.deliveries import SECRET, payload, signature
from tests.support.feeds import read, url
from tests.support.web_server import TOKEN, make_settings, open_review, serving

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
    writer.write(b"GET / HTTP/1.1\r\nX-One: " + b"a" * (connection_limits.MAX_HEADER_BYTES + 10))
    async with asyncio.timeout(10):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert answer.endswith(b"The headers are too large.")
    writer.close()


async def test_a_silent_client_is_not_waited_for(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_limits, "HEADER_TIMEOUT_SECONDS", 0.2)
    for prefix in (b"", b"GET / HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET / HT"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(prefix)
        async with asyncio.timeout(3):  # less than uvicorn keeps a silent connection
            await reader.read()
        writer.close()


GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"


@pytest.mark.parametrize(
    ("begin", "again", "limit"),
    [
        (POST, b"a", "BODY_TIMEOUT_SECONDS"),
        (GET, b"\r\n", "HEADER_TIMEOUT_SECONDS"),
        (b"", b"\r\n", "HEADER_TIMEOUT_SECONDS"),
        (b"", GET, "MAX_AGE_SECONDS"),
    ],
    ids=["a body after its answer", "blank lines after an answer", "blank lines", "requests"],
)
async def test_no_trickle_keeps_a_connection_open(
    port: int, monkeypatch: pytest.MonkeyPatch, begin: bytes, again: bytes, limit: str
) -> None:
    """Each byte ends uvicorn's own wait for one that is idle."""
    monkeypatch.setattr(connection_limits, limit, 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begin)
    trickle = asyncio.create_task(send_often(writer, again))
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionError):
            await reader.read()
    await stop(trickle)
    writer.close()


async def send_often(writer: asyncio.StreamWriter, data: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0.02)


async def large(request: Request) -> Response:
    return Response(b"x" * 20_000_000)


LARGE = Starlette(routes=[Route("/healthz", large)])


async def test_a_client_that_reads_no_answer_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has asked for more than the buffers of both sides hold, and takes nothing of it."""
    monkeypatch.setattr(connection_limits, "WRITE_TIMEOUT_SECONDS", 0.3)
    async with serving(LARGE) as address:
        client = socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])))
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, GET)
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionError):
                while True:  # until the server has reset the connection
                    await loop.sock_sendall(client, b"\r\n")
                    await asyncio.sleep(0.02)
        client.close()


async def test_who_reads_slowly_but_reads_gets_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limits, "WRITE_TIMEOUT_SECONDS", 0.3)
    async with serving(LARGE) as address:
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(GET)
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(20):
            await reader.readexactly(1_000_000)
            await asyncio.sleep(0.05)  # in all, longer than the limit
        writer.close()


async def test_a_feed_is_not_ended_by_the_limits_of_requests(
    redis_url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("HEADER_TIMEOUT_SECONDS", "BODY_TIMEOUT_SECONDS", "MAX_AGE_SECONDS"):
        monkeypatch.setattr(connection_limits, limit, 0.3)
    settings = make_settings(redis_url)
    review = await open_review(store)
    async with (
        serving(create_app(settings)) as address,
        connect(url(address, settings, review.id)) as feed,
    ):
        assert (await read(feed))["type"] == "connected"
        await asyncio.sleep(1)  # longer than any of the limits
        await feed.send("ping")
        assert [(await read(feed))["type"] for _ in range(2)] == ["progress", "pong"]


@pytest.mark.parametrize(
    ("trusted", "address", "held"),
    [
        ("10.0.0.7", "192.0.2.1", 3),
        ("10.0.0.7", "10.0.0.7", 9),
        ("10.0.0.0/8,2001:db8::/32", "10.9.9.9", 9),
        ("10.0.0.0/8,2001:db8::/32", "2001:db8::7", 9),
        ("10.0.0.7", "2001:db8::7", 3),
        ("127.0.0.1,::1", "::ffff:127.0.0.1", 9),
        ("*", "192.0.2.1", 9),
        ("/run/proxy.sock", "192.0.2.1", 3),
        ("10.0.0.7", "unix:", 9),
    ],
)
def test_an_address_holds_so_many_connections_unless_it_is_a_proxy(
    trusted: str, address: str, held: int
) -> None:
    limit = AddressLimit(3, trusted)
    assert sum(limit.enter(address) for _ in range(9)) == held
    limit.leave(address)
    assert limit.enter(address)


async def first_line(port: int, source: str = "127.0.0.1") -> str:
    """Of the answer to a request, or to the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        writer.write(GET)
        return (await reader.readline()).decode().strip()
    finally:
        writer.transport.abort()


async def test_what_is_too_many_is_refused_and_others_are_served(
    redis_url: str, store: Store
) -> None:
    """A neighbor of the address that holds all it may still gets an answer."""
    settings = make_settings(redis_url, trusted_proxies="10.0.0.7", feed_connections=2)
    async with serving(create_app(settings), http=limited_protocol(settings)) as address:
        port = int(address.rpartition(":")[2])
        most = connection_limits.ADDRESS_CONNECTIONS + 2
        held = [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(most)]
        assert await first_line(port) == "HTTP/1.1 429 Too Many Requests"
        assert await first_line(port, source="127.0.0.2") == "HTTP/1.1 200 OK"
        for writer in held:
            writer.close()
        async with asyncio.timeout(10):  # the server needs a moment to see that they left
            while await first_line(port) != "HTTP/1.1 200 OK":
                await asyncio.sleep(0.02)


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


@pytest.mark.variations(2)
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
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n{more}\r\n"
    writer.write(head.encode() + b"a")
    async with asyncio.timeout(5):
        assert (await reader.readline()).startswith(answer)
    writer.close()
