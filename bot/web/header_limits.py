"""How much of a request is read before anybody knows what is asked for.

uvicorn with httptools keeps whatever a client sends as headers, and waits for their end without
limit: one connection could take all memory, and a thousand silent ones all file descriptors.
"""

import asyncio
from asyncio import TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Bytes beside the body: GitHub's heads have one or two thousand.
MAX_HEADER_BYTES = 64 * 1024

#: A head that is not whole after so long is not waited for.
HEADER_TIMEOUT_SECONDS = 30.0

_TOO_LARGE = b"The headers are too large."


class HeaderLimitProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which gives up on heads that are too large or too slow, and on what
    may come behind a body."""

    _header_bytes = 0  # bytes that came since the head began, the head ended, or a chunk did
    _reading_headers = True
    _timeout: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timeout = self.loop.call_later(HEADER_TIMEOUT_SECONDS, self._close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_timeout()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._header_bytes += len(data)
        super().data_received(data)
        if self._reading_headers or self._header_bytes > MAX_HEADER_BYTES:  # seldom
            self._check_limits()

    def on_message_begin(self) -> None:
        self._reading_headers = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._reading_headers, self._header_bytes = False, 0
        self._cancel_timeout()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._header_bytes -= len(body)
        super().on_body(body)

    def on_chunk_complete(self) -> None:
        self._header_bytes = 0

    def _check_limits(self) -> None:
        if self.transport.is_closing():
            return
        if self._header_bytes > MAX_HEADER_BYTES:
            self._reject()
        elif self._timeout is None:
            self._timeout = self.loop.call_later(HEADER_TIMEOUT_SECONDS, self._close)

    def _cancel_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None

    def _close(self) -> None:
        self._timeout = None
        self.transport.close()

    def _reject(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(
                b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
                b"content-type: text/plain; charset=utf-8\r\n"
                b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_TOO_LARGE), _TOO_LARGE)
            )
        self.transport.close()
