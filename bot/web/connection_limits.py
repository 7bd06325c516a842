"""What one connection may send and hold, and for how long.

uvicorn with httptools keeps whatever a client sends as headers, and waits without limit for their
end, for the rest of a body, and for a client that does not read: one connection could take all
memory, and a thousand idle ones all file descriptors. uvicorn itself ends idle connections, which
send nothing after an answer, after five seconds.
"""

import asyncio
from asyncio import TimerHandle
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.config.settings import Settings
from bot.security.network import network_of

#: Bytes besides the body: GitHub's heads have one or two thousand.
MAX_HEADER_BYTES = 64 * 1024

#: A head that is not whole after so many seconds is not waited for.
HEADER_TIMEOUT_SECONDS = 30.0

#: A body, from the end of its head to its own, whatever answered it in the meantime. Handlers
#: refuse slow ones earlier, with a sentence.
BODY_TIMEOUT_SECONDS = 60.0

#: A client that takes nothing for so long of what waits for it is not written to any longer.
WRITE_TIMEOUT_SECONDS = 30.0

#: After that a connection ends with its answer, or soon, whatever it does.
MAX_AGE_SECONDS = 600.0
LAST_ANSWER_SECONDS = 60.0

#: Connections of an address besides its feeds.
ADDRESS_CONNECTIONS = 100


class AddressLimit:
    """How many connections each address holds; `trusted` addresses and networks, comma-separated,
    are proxies, which have as many as they have clients."""

    def __init__(self, limit: int, trusted: str) -> None:
        self._limit, self._trusted = limit, tuple(_networks(trusted))
        self._open: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Count a connection; False, and not counted, if the address has all that it may have."""
        network = network_of(address)
        if self._open[network] >= self._limit and not self._is_trusted(network):
            return False
        self._open[network] += 1
        return True

    def leave(self, address: str) -> None:
        network = network_of(address)
        self._open[network] -= 1
        if not self._open[network]:
            del self._open[network]

    def _is_trusted(self, network: str) -> bool:
        with suppress(ValueError):  # the address of no network
            given = ip_network(network)
            return any(
                given.version == one.version and given.subnet_of(one)  # type: ignore[arg-type]
                for one in self._trusted
            )
        return True


def _networks(trusted: str) -> Iterator[IPv4Network | IPv6Network]:
    """As uvicorn takes `forwarded_allow_ips`; names of sockets have no address to count by."""
    for part in trusted.replace("*", "0.0.0.0/0,::/0").split(","):
        with suppress(ValueError):
            yield ip_network(part.strip(), strict=False)


class ConnectionLimitProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which gives up on what is too large, too slow or too many."""

    addresses: ClassVar[AddressLimit | None] = None

    _header_bytes = 0  # bytes that came since the head began, the head ended, or a chunk did
    _reading_headers = True
    _between_requests = False
    _counted = False
    _receiving: TimerHandle | None = None  # ends a head, or a body
    _writing: TimerHandle | None = None
    _age: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for(HEADER_TIMEOUT_SECONDS)
        self._age = self.loop.call_later(MAX_AGE_SECONDS, self._retire)
        if self.addresses is not None and self.client is not None:
            self._counted = self.addresses.enter(self.client[0])
            if not self._counted:
                self._reject("429 Too Many Requests", "Too many connections from your address.")

    def connection_lost(self, exc: Exception | None) -> None:
        self._let_go()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._let_go()  # the feed has limits of its own
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        self._header_bytes += len(data)
        # Also blank lines, and whatever else keeps an idle connection open.
        self._reading_headers |= self._between_requests
        super().data_received(data)
        if self._reading_headers or self._header_bytes > MAX_HEADER_BYTES:  # seldom
            self._check_limits()

    def on_message_begin(self) -> None:
        self._reading_headers, self._between_requests = True, False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._reading_headers, self._header_bytes = False, 0
        self._wait_for(BODY_TIMEOUT_SECONDS)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._header_bytes -= len(body)
        super().on_body(body)

    def on_chunk_complete(self) -> None:
        self._header_bytes = 0

    def on_message_complete(self) -> None:
        self._between_requests = True
        self._cancel(self._receiving)
        self._receiving = None
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_less_unwritten()

    def resume_writing(self) -> None:
        self._cancel(self._writing)
        super().resume_writing()

    def _expect_less_unwritten(self, before: int | None = None) -> None:
        size = self.transport.get_write_buffer_size()
        if before is not None and size >= before:
            self.transport.abort()
            return
        self._writing = self.loop.call_later(
            WRITE_TIMEOUT_SECONDS, self._expect_less_unwritten, size
        )

    def _check_limits(self) -> None:
        if self.transport.is_closing():
            return
        if self._header_bytes > MAX_HEADER_BYTES:
            self._reject("431 Request Header Fields Too Large", "The headers are too large.")
        elif self._receiving is None:
            self._wait_for(HEADER_TIMEOUT_SECONDS)

    def _wait_for(self, seconds: float) -> None:
        """For the end of a head, or of a body."""
        self._cancel(self._receiving)
        self._receiving = self.loop.call_later(seconds, self._close)

    def _retire(self) -> None:
        self._age = self.loop.call_later(LAST_ANSWER_SECONDS, self.transport.abort)
        self.shutdown()

    def _close(self) -> None:
        # A client that reads nothing would keep what is not written yet.
        self._receiving = self.loop.call_later(WRITE_TIMEOUT_SECONDS, self.transport.abort)
        self.transport.close()

    def _let_go(self) -> None:
        for timer in (self._receiving, self._writing, self._age):
            self._cancel(timer)
        if self._counted and self.addresses is not None and self.client is not None:
            self._counted = False
            self.addresses.leave(self.client[0])

    @staticmethod
    def _cancel(timer: TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()

    def _reject(self, status: str, sentence: str) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(
                f"HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\n"
                f"content-length: {len(sentence)}\r\nconnection: close\r\n\r\n{sentence}".encode()
            )
        self._close()


def limited_protocol(settings: Settings) -> type[ConnectionLimitProtocol]:
    """The protocol of a server that counts connections of each address."""

    class Limited(ConnectionLimitProtocol):
        addresses = AddressLimit(
            settings.feed_connections + ADDRESS_CONNECTIONS,
            settings.trusted_proxies or "127.0.0.1,::1",
        )

    return Limited
