"""ASGI middleware that writes down every exchange and lets planned faults strike."""

import asyncio
import json
import socket
import struct
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tests.support.sandbox.faults import Fault, Faults

#: Beyond it the sandbox refuses; GitHub's own API limit is of that order.
BODY_LIMIT = 40_000_000


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request that reached the sandbox, and its answer.

    `wrote` says whether it changed what stands on a repository, whatever the client was told;
    `status` is 0 where the answer was cut off by a fault. git traffic has empty bodies here.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    status: int
    response_headers: dict[str, str]
    response_body: bytes
    at: datetime
    wrote: bool = False
    fault: str | None = None


class Recorder:
    """Wraps the sandbox's application; git traffic passes through unbuffered."""

    def __init__(
        self,
        app: ASGIApp,
        faults: Faults,
        requests: list[Exchange],
        clock: Callable[[], datetime],
    ) -> None:
        self._app = app
        self._faults = faults
        self._requests = requests
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = self._begin(scope)
        fault = self._faults.take(exchange.method, exchange.path)
        exchange.fault = fault.kind if fault else None
        if exchange.path.startswith("/api/"):
            exchange.body = await _read(receive)
            receive = _replay(exchange.body, receive)
        if fault and not fault.after and fault.kind != "slow":
            await self._apply_fault(fault, exchange, scope, receive, send)
            return
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.delay)
        if fault and fault.after and fault.kind != "slow":
            await self._app(scope, receive, _keep(exchange, _discard_response))
            exchange.wrote = bool(scope["state"].get("wrote"))
            await self._apply_fault(fault, exchange, scope, receive, send)
            return
        await self._app(scope, receive, _keep(exchange, send))
        exchange.wrote = bool(scope["state"].get("wrote"))

    def _begin(self, scope: Scope) -> Exchange:
        exchange = Exchange(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers={k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]},
            body=b"",
            status=0,
            response_headers={},
            response_body=b"",
            at=self._clock(),
        )
        scope.setdefault("state", {})
        self._requests.append(exchange)
        return exchange

    async def _apply_fault(
        self, fault: Fault, exchange: Exchange, scope: Scope, receive: Receive, send: Send
    ) -> None:
        exchange.status, exchange.response_headers, exchange.response_body = 0, {}, b""
        if fault.kind == "reset":
            _reset(scope["state"])
        elif fault.kind == "timeout":
            while (await receive())["type"] != "http.disconnect":
                pass
        else:
            status, headers, body = fault.answer()
            await _respond(_keep(exchange, send), status, headers, json.dumps(body).encode())


async def _read(receive: Receive) -> bytes:
    chunks, size = [], 0
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return b"".join(chunks)
        if size > BODY_LIMIT:
            raise ValueError(f"request body beyond {BODY_LIMIT} bytes")


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the body once, and then what the connection says."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed


def _keep(exchange: Exchange, send: Send) -> Send:
    """A send that copies the answer into the exchange; bodies of the API only."""

    async def kept(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.status = message["status"]
            exchange.response_headers = {
                k.decode("latin-1").lower(): v.decode("latin-1") for k, v in message["headers"]
            }
        elif exchange.path.startswith("/api/"):
            exchange.response_body += message.get("body", b"")
        await send(message)

    return kept


async def _discard_response(_message: Message) -> None:
    """A send for answers that the client never gets."""


async def _respond(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    raw = [(k.lower().encode(), v.encode()) for k, v in headers.items()]
    raw += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _reset(connection: MutableMapping[str, Any]) -> None:
    """End the connection with a TCP reset (a close with zero linger time)."""
    transport: asyncio.Transport = connection["transport"]
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class FaultyProtocol(HttpToolsProtocol):
    """Lets the application see its connection, so that a fault can reset it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)
