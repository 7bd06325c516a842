"""A client that costs little: raw HTTP/1.1 over kept-alive connections, each request made
beforehand but for its GUID and the last bytes of its body, since no body is accepted twice. The
server is what is to be busy."""

import asyncio
import hashlib
import hmac
import os
import time
from dataclasses import dataclass
from itertools import count

from tests.support.deliveries import headers

_GUIDS = count()


@dataclass(frozen=True, slots=True)
class Load:
    """What came back: seconds of each answer, how long it all took, and processor seconds of
    the server, where they were looked at."""

    latencies: list[float]
    seconds: float
    processor: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


class _Connection(asyncio.Protocol):
    """Sends the next request when the last is answered, until its time is up."""

    def __init__(
        self, head: bytes, body: bytes, mac: hmac.HMAC, until: float, latencies: list[float]
    ) -> None:
        self._head, self._body, self._mac, self._until = head, body, mac, until
        self._latencies = latencies
        self._received = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        number = next(_GUIDS)
        guid = b"%08x-feed-4bee-8bad-%012x" % (os.getpid(), number)  # as GitHub makes them
        end, mac = _unique_end(number), self._mac.copy()
        mac.update(end)
        line = b"\r\nX-Hub-Signature-256: sha256=" + mac.hexdigest().encode()
        self._transport.write(self._head + guid + line + b"\r\n\r\n" + self._body + end)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, rest = self._received.partition(b"\r\n\r\n")
        if not blank or len(rest) < _content_length(head):
            return
        if not head.startswith(b"HTTP/1.1 202"):
            self.done.set_exception(AssertionError(self._received.decode()))
            self._transport.close()
            return
        now = time.perf_counter()
        self._latencies.append(now - self._sent)
        self._received = b""
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def _unique_end(number: int) -> bytes:
    """White space after the JSON that no other request has: the bits of the process and number."""
    bits = f"{os.getpid() << 32 | number:064b}"
    return bits.replace("0", " ").replace("1", "\n").encode()


def _content_length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0])


async def deliver(port: int, body: bytes, secret: str, *, seconds: float, at_once: int) -> Load:
    """Deliver a signed `pull_request` event again and again over `at_once` connections."""
    lines = {
        "Host": f"127.0.0.1:{port}",
        "User-Agent": "GitHub-Hookshot/bench",
        "Content-Length": str(len(body) + len(_unique_end(0))),
        **headers("pull_request", body, guid="", secret=secret),
    }
    guid = "X-GitHub-Delivery"
    del lines[guid], lines["X-Hub-Signature-256"]
    mac = hmac.new(secret.encode(), body, hashlib.sha256)
    header_lines = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    head = f"POST /webhooks/github HTTP/1.1\r\n{header_lines}{guid}: ".encode()
    loop, latencies = asyncio.get_running_loop(), list[float]()
    began = time.perf_counter()
    made = [
        await loop.create_connection(
            lambda: _Connection(head, body, mac, began + seconds, latencies), "127.0.0.1", port
        )
        for _ in range(at_once)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    return Load(latencies, time.perf_counter() - began)
