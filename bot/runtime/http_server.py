"""An HTTP server on a socket, run by uvicorn on the running event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import HTTPProtocolType, WSProtocolType

#: Between two checks whether the server has started, or the last client has gone.
POLL_SECONDS = 0.005


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
                await asyncio.sleep(POLL_SECONDS)
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
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            for task in state.tasks:
                task.cancel()
        await self.lifespan.shutdown()


def serving(
    app: ASGIApp,
    listener: socket.socket,
    *,
    http: HTTPProtocolType | type[asyncio.Protocol] = "httptools",
    ws: WSProtocolType = "none",
) -> AbstractAsyncContextManager[None]:
    """Serve the application on the socket while the context is open; `http` and `ws` as uvicorn
    has them."""
    config = uvicorn.Config(
        app,
        http=http,
        ws=ws,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return Server(config).listening(listener)
