"""No request goes to an address that is not public, however its name is written."""

import asyncio
import socket
from unittest.mock import patch

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.runtime.http_server import serving
from bot.runtime.tcp_ports import listen
from bot.security.outgoing import AddressRefused, NotReached, get, get_end, post
from tests.support.tracker import TOKEN, tracking


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:8000/",
        "http://10.1.2.3/",
        "http://192.168.0.1/",
        "http://[::1]/",
        "http://[fd00::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0.0.0.0/",
        "http://100.64.0.1/",
    ],
)
async def test_a_private_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused, match="NOTIFY_ALLOW_PRIVATE"):
        await post(url, b"", {}, allow_private=False)


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://[::ffff:169.254.169.254]/"])
async def test_metadata_is_refused_always(url: str) -> None:
    with pytest.raises(AddressRefused, match="metadata"):
        await post(url, b"", {}, allow_private=True)


async def test_nobody_who_answers_is_no_answer() -> None:
    with pytest.raises(NotReached):
        await post("http://127.0.0.1:9/", b"", {}, allow_private=True)


async def test_a_ticket_is_not_read_where_it_may_not_be() -> None:
    with pytest.raises(AddressRefused, match="TICKET_ALLOW_PRIVATE"):
        await get("http://127.0.0.1/AB-1", {}, allow_private=False, limit=9)
    with pytest.raises(AddressRefused, match="metadata"):
        await get("http://169.254.169.254/AB-1", {}, allow_private=True, limit=9)
    with pytest.raises(NotReached):
        await get("http://127.0.0.1:9/AB-1", {}, allow_private=True, limit=9)


async def test_no_more_of_a_ticket_is_read_than_allowed() -> None:
    async with tracking() as tracker:
        tracker.tickets["AB-1"] = ("Title", "x" * 100_000)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"{tracker.url}/rest/api/3/issue/AB-1"
        assert len(await get(url, headers, allow_private=True, limit=1000)) == 1000
        with pytest.raises(NotReached, match="401"):
            await get(url, {}, allow_private=True, limit=1000)


async def test_the_end_of_a_file_is_read_by_range_or_out_of_a_bounded_whole() -> None:
    with pytest.raises(AddressRefused, match="not public"):
        await get_end("http://127.0.0.1/", allow_private=False, size=9, limit=99)
    async with tracking() as tracker:
        url = f"{tracker.url}/rest/api/3/issue/AB-1"
        with pytest.raises(NotReached, match="401"):
            await get_end(url, allow_private=True, size=9, limit=99)

    async def whole(request: Request) -> Response:
        return Response(bytes(range(100)))

    listener = listen(0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    async with serving(Starlette(routes=[Route("/", whole)]), listener):
        assert await get_end(url, allow_private=True, size=3, limit=100) == bytes((97, 98, 99))
        assert len(await get_end(url, allow_private=True, size=200, limit=100)) == 100
        with pytest.raises(NotReached, match="more than 99"):
            await get_end(url, allow_private=True, size=3, limit=99)


async def test_the_next_address_of_a_name_is_tried_where_the_first_is_not_reached() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        both = [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]
        with patch.object(socket, "getaddrinfo", return_value=both):
            status = await post(f"http://dual.test:{port}/", b"", {}, allow_private=True)
    assert status == 204
