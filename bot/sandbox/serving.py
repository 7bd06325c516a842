"""The sandbox's HTTP server: uvicorn on a loopback port, on the running event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.sandbox import (
    git_http,
    graphql_api,
    manifest,
    routes_app,
    routes_checks,
    routes_issues,
    routes_pulls,
    routes_repos,
    routes_review_comments,
    routes_reviews,
)
from bot.sandbox.call import answer
from bot.sandbox.dispatch import route
from bot.sandbox.errors import not_found
from bot.sandbox.faults import Faults
from bot.sandbox.hooks import Hooks
from bot.sandbox.recorder import Recorder
from bot.sandbox.state import SandboxState

ENDPOINTS = (
    *routes_app.ENDPOINTS,
    *routes_pulls.ENDPOINTS,
    *routes_review_comments.ENDPOINTS,
    *routes_reviews.ENDPOINTS,
    *routes_issues.ENDPOINTS,
    *routes_checks.ENDPOINTS,
    *routes_repos.ENDPOINTS,
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
            graphql_api.route(state),
            *manifest.pages(state),
            *git_http.routes(state),
        ]
    )
    return Recorder(app, state, faults)


class _Protocol(HttpToolsProtocol):
    """Lets the application see its connection, so that a fault can reset it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class _Server(uvicorn.Server):
    """A server that leaves the process's signal handlers alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve the application on the socket while the context is open."""
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                await task
            await asyncio.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        await task
        listener.close()
