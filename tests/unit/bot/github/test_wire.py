"""The exchange over real sockets: what breaks, what is reported, what a route is called."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest

from bot.github.wire import GitHubResponse, RequestFailure, Transport, route_of
from bot.security.tls import trusted

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def listening(respond: Handler) -> AsyncIterator[str]:
    """A server that does with each connection what `respond` does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await respond(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.close()
        await server.wait_closed()


async def get(
    url: str, timeout: float = 5.0, deadline: float = 5.0
) -> GitHubResponse | RequestFailure:
    async with httpx2.AsyncClient(verify=trusted()) as http:
        transport = Transport(http, url, timeout=timeout, deadline=deadline)
        return await transport.exchange("GET", f"{url}/app", {}, b"")


async def test_connections_are_kept_alive_between_requests() -> None:
    connections = 0

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
            await writer.drain()

    async with listening(respond) as url, httpx2.AsyncClient(verify=trusted()) as http:
        transport = Transport(http, url)
        for _ in range(2):
            outcome = await transport.exchange("GET", f"{url}/app", {}, b"")
            assert isinstance(outcome, GitHubResponse)
            assert outcome.body == b"{}"
    assert connections == 1


async def test_a_refused_connection_was_never_sent() -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        return

    async with listening(respond) as url:
        pass
    assert await get(url) == RequestFailure("no connection (ConnectError)", sent=False)


async def test_a_connection_that_is_cut_may_have_been_read() -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with listening(respond) as url:
        outcome = await get(url)
    assert isinstance(outcome, RequestFailure)
    assert outcome.sent


async def test_an_answer_that_is_cut_short_is_no_answer() -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK[:-1])
        await writer.drain()

    async with listening(respond) as url:
        assert isinstance(await get(url), RequestFailure)


async def test_silence_ends_after_the_time_out() -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the client gives up

    async with listening(respond) as url:
        outcome = await get(url, timeout=0.05)
    assert outcome == RequestFailure("the connection broke (ReadTimeout)", sent=True)


async def test_an_answer_that_drips_ends_after_the_deadline() -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not writer.is_closing() and not reader.at_eof():
            writer.write(b"x")
            await asyncio.sleep(0.01)

    async with listening(respond) as url:
        outcome = await get(url, timeout=5.0, deadline=0.1)
    assert isinstance(outcome, RequestFailure)
    assert "no full answer" in outcome.reason


async def test_each_exchange_is_reported_with_its_route() -> None:
    calls: list[tuple[str, str, int, int | None]] = []

    def on_response(
        method: str, route: str, status: int, seconds: float, remaining: int | None
    ) -> None:
        assert seconds >= 0
        calls.append((method, route, status, remaining))

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "DELETE":
            raise httpx2.ReadError("reset")
        return httpx2.Response(200, headers={"x-ratelimit-remaining": "17"})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        transport = Transport(http, "https://ghe.example/api/v3", on_response=on_response)
        url = "https://ghe.example/api/v3/repos/octo/hello/pulls/7"
        await transport.exchange("GET", url, {}, b"")
        await transport.exchange("DELETE", url, {}, b"")
    assert calls == [
        ("GET", "/repos/*/*/pulls/*", 200, 17),
        ("DELETE", "/repos/*/*/pulls/*", 0, None),
    ]


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/graphql", "/graphql"),
        ("/app/hook/deliveries/123/attempts", "/app/hook/deliveries/*/attempts"),
        ("/repos/pulls/reviews/issues/1/comments", "/repos/*/*/issues/*/comments"),
        ("/repos/o/n/contents/pulls/x.py", "/repos/*/*/contents/*"),
        ("/repos/o/n/compare/a...b", "/repos/*/*/compare/*"),
        ("/repositories/1/pulls", "/*/*/pulls"),
    ],
)
def test_a_route_has_no_values_in_it(path: str, route: str) -> None:
    assert route_of(path) == route
