"""How much of a request is read before anybody knows what is asked for.

uvicorn with httptools keeps whatever a client sends as headers, and waits for their end without
limit: one connection could take all memory, and a thousand silent ones all file descriptors.
"""

import asyncio
from asyncio import TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Bytes beside the body: GitHub's heads have one or two thousand.
MOST_BYTES = 64 * 1024

#: A head that is not whole after so long is not waited for.
SECONDS = 30.0

_TOO_LARGE = b"The headers are too large."


class BoundedHeads(HttpToolsProtocol):
    """uvicorn's protocol, which gives up on heads that are too large or too slow, and on what
    may come behind a body."""

    _beside = 0  # bytes that came since the head began, the head ended, or a chunk did
    _in_head = True
    _patience: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._patience = self.loop.call_later(SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._be_patient()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._beside += len(data)
        super().data_received(data)
        if self._in_head or self._beside > MOST_BYTES:  # seldom
            self._look()

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head, self._beside = False, 0
        self._be_patient()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._beside -= len(body)
        super().on_body(body)

    def on_chunk_complete(self) -> None:
        self._beside = 0

    def _look(self) -> None:
        if self.transport.is_closing():
            return
        if self._beside > MOST_BYTES:
            self._refuse()
        elif self._patience is None:
            self._patience = self.loop.call_later(SECONDS, self._give_up)

    def _be_patient(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._patience = None
        self.transport.close()

    def _refuse(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(
                b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
                b"content-type: text/plain; charset=utf-8\r\n"
                b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_TOO_LARGE), _TOO_LARGE)
            )
        self.transport.close()
