"""Reads no more of an HTTP answer than a limit, by a hook of the client.

A model's server is somebody else's. An HTTP client reads a body for as long as it comes, and
unpacks a compressed one to a thousand times its size. No completion is that large, so that
compression is neither asked for nor unpacked.
"""

from collections.abc import AsyncIterator

import httpx2

#: Bytes of one answer; that of the longest completion, its probabilities included, is a tenth.
MAX_BYTES = 16 << 20

#: Bytes of one stream, which wraps each word of the answer in some hundred; it is not kept.
MAX_STREAM_BYTES = 64 << 20

EVENT_STREAM = "text/event-stream"

#: What the client sends along.
HEADERS = {"Accept-Encoding": "identity"}


class ResponseTooLarge(httpx2.TransportError):
    """The answer is larger than the limit, or compressed."""


async def limit_response(response: httpx2.Response) -> None:
    """A hook for `response`, before its body is read. Raises ResponseTooLarge, as reading then
    does."""
    if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise ResponseTooLarge("the endpoint compressed a response without being asked to")
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    streams = response.headers.get("Content-Type", "").strip().lower().startswith(EVENT_STREAM)
    response.stream = _Stream(response.stream, MAX_STREAM_BYTES if streams else MAX_BYTES)


class _Stream(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, limit: int) -> None:
        self._inner = inner
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._limit
        async for chunk in self._inner:
            left -= len(chunk)
            if left < 0:
                raise ResponseTooLarge(
                    f"the endpoint's response is longer than {self._limit >> 20} MB"
                )
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
