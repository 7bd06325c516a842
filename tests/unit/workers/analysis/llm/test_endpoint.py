"""A model's server that means harm gets no memory of ours, and no key beyond itself."""

import asyncio
import json
import resource
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from bot.config.settings import Settings
from workers.analysis.llm.endpoint import Endpoint
from workers.analysis.llm.errors import PermanentLLMError

Serve = Callable[[asyncio.StreamWriter], Awaitable[None]]
REQUEST = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
KEY = "key-of-the-model"


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server whose answers `serve` writes: its address, and the heads of what it was asked."""
    heads: list[bytes] = []

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            await serve(writer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}", heads


async def _refused(address: str) -> str:
    settings = Settings(_env_file=None, openai_api_key=KEY, openai_base_url=address)
    endpoint = Endpoint(settings, f"{address}/v1")
    try:
        with pytest.raises(PermanentLLMError) as caught:
            await endpoint.post(REQUEST)
    finally:
        await endpoint.aclose()
    return str(caught.value)


@pytest.mark.parametrize("status", [b"200 OK", b"400 Bad Request"])
async def test_an_answer_that_goes_on_and_on_is_left_before_it_fills_the_memory(
    status: bytes,
) -> None:
    written = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\n\r\n")
        while written < 200 << 20:
            writer.write(b" " * (1 << 20))
            await writer.drain()
            written += 1 << 20

    async with serving(endless) as (address, _):
        assert await _refused(address) == "the endpoint's response is longer than 16 MB"
    assert written < 64 << 20


def _chunk(delta: dict[str, str]) -> bytes:
    return f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n".encode()


@pytest.mark.parametrize(
    ("event", "limit"),
    [
        (b": " + b"." * (1 << 20) + b"\n\n", 64),
        (_chunk({"role": "x" * 1000}) * 1000, 64),
        (_chunk({"content": "x" * (1 << 20)}), 16),
        (_chunk({"reasoning": "x" * (1 << 20)}), 16),
        (b"data: {" + b" " * (1 << 20), 16),
    ],
    ids=["comments", "nothing", "words", "thoughts", "one line"],
)
async def test_a_stream_that_goes_on_and_on_is_left_before_it_fills_the_memory(
    event: bytes, limit: int
) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for at in range((200 << 20) // len(event)):
            writer.write(event if at == 0 or event.endswith(b"\n") else event[7:])
            await writer.drain()

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with serving(endless) as (address, _):
        assert await _refused(address) == f"the endpoint's response is longer than {limit} MB"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 120 << 10  # in KiB


async def test_a_compressed_answer_is_not_unpacked() -> None:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(150)) + packer.flush()

    async def packed(writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
        writer.write(head.encode() + bomb)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with serving(packed) as (address, heads):
        refusal = await _refused(address)
    assert refusal == "the endpoint compressed a response without being asked to"
    assert b"accept-encoding: identity" in heads[0].lower()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10  # in KiB


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_our_key_goes_to_no_other_host(status: int) -> None:
    async with serving(_nothing) as (other, heads):

        async def elsewhere(writer: asyncio.StreamWriter) -> None:
            head = f"HTTP/1.1 {status} Moved\r\nLocation: {other}/\r\nContent-Length: 0\r\n\r\n"
            writer.write(head.encode())

        async with serving(elsewhere) as (address, request_heads):
            assert await _refused(address) == f"the endpoint returned {status} for model m"
        assert KEY.encode() in request_heads[0]
        assert heads == []


async def _nothing(_: asyncio.StreamWriter) -> None:
    pass
