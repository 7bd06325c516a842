"""The sandbox's HTTP server: uvicorn on a loopback port, on the running event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp
from uvicorn.config import WSProtocolType
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.sandbox.api import (
    checks,
    installations,
    issues,
    manifest,
    pulls,
    repositories,
    review_comments,
    reviews,
)
from bot.sandbox.api.call import answer
from bot.sandbox.api.dispatch import route
from bot.sandbox.api.errors import not_found
from bot.sandbox.faults import Faults
from bot.sandbox.git import http
from bot.sandbox.graphql import api
from bot.sandbox.recorder import Recorder
from bot.sandbox.state import SandboxState
from bot.sandbox.webhook_sender import Hooks

#: Between two looks at whether the server began, or nobody is connected any more.
LOOK_SECONDS = 0.005

ENDPOINTS = (
    *installations.ENDPOINTS,
    *pulls.ENDPOINTS,
    *review_comments.ENDPOINTS,
    *reviews.ENDPOINTS,
    *issues.ENDPOINTS,
    *checks.ENDPOINTS,
    *repositories.ENDPOINTS,
)


def application(state: SandboxState, hooks: Hooks, faults: Faults) -> ASGIApp:
    """The whole sandbox as one ASGI application."""

    async def missing(_request: Request) -> Response:
        error = not_found()
        return answer(error.body(), error.status)

    rest = [route(endpoint, state, hooks) for endpoint in ENDPOINTS]
    app = Starlette(
        routes=[
            Mount(
                "/api/v3",
                routes=[manifest.conversion(state), *rest, Route("/{path:path}", missing)],
            ),
            api.route(state),
            *manifest.pages(state),
            *http.routes(state),
        ]
    )
    return Recorder(app, state, faults)


class _Protocol(HttpToolsProtocol):
    """Lets the application see its connection, so that a fault can reset it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class Server(uvicorn.Server):
    """A server beside others in one process: it leaves the signal handlers alone and ends as
    soon as nobody is connected any more, which uvicorn looks for ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    @contextlib.asynccontextmanager
    async def listening(self, listener: socket.socket) -> AsyncIterator[None]:
        """Serve on the socket while the context is open. Raises what `serve` does."""
        task = asyncio.create_task(self.serve(sockets=[listener]))
        try:
            while not self.started:
                if task.done():
                    await task
                await asyncio.sleep(LOOK_SECONDS)
            yield
        finally:
            self.should_exit = True
            self._ending.set()
            await task
            listener.close()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # which renews the `Date` of the answers
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), timeout=1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while state.connections or state.tasks:  # noqa: ASYNC110 - plain sets
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            for task in state.tasks:
                task.cancel()
        await self.lifespan.shutdown()


def serving(
    app: ASGIApp, listener: socket.socket, *, ws: WSProtocolType = "none"
) -> AbstractAsyncContextManager[None]:
    """Serve the application on the socket while the context is open; `ws` as uvicorn has it."""
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws=ws,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return Server(config).listening(listener)
