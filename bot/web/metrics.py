"""GET /metrics, on a port of its own: what Prometheus reads.

Whoever reaches the port may read it, so that it is never the port that people and GitHub reach.
"""

import socket
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.runtime.http_server import serving
from bot.store import Store
from bot.telemetry.metrics import exposition, series
from bot.web.connection_limits import ConnectionLimitProtocol

#: https://prometheus.io/docs/instrumenting/exposition_formats/#basic-info
CONTENT_TYPE = "text/plain; version=0.0.4"


def serving_metrics(state: State, listener: socket.socket) -> AbstractAsyncContextManager[None]:
    """Serve the figures of the web process that has this state while the context is open."""
    app = Starlette(routes=[Route("/metrics", metrics)])
    app.state = state
    return serving(app, listener, http=ConnectionLimitProtocol)


async def metrics(request: Request) -> PlainTextResponse:
    """The figures of all processes. Raises RedisError."""
    store: Store = request.app.state.store
    await request.app.state.metrics.flush()
    figures = store.metrics
    values = await figures.totals() | await figures.rate_limits() | await figures.gauges()
    for queue in await store.queues.all():
        for state in ("waiting", "unacked", "delayed", "dead"):
            name = series("glossator_queue_messages", queue=queue.name, state=state)
            values[name] = getattr(queue, state)
        values[series("glossator_queue_oldest_seconds", queue=queue.name)] = queue.age
    values["glossator_workers_alive"] = await store.queues.live_workers()
    return PlainTextResponse(exposition(values), media_type=CONTENT_TYPE)
