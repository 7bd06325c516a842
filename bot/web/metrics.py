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

from bot.domain.model import FINISHED
from bot.runtime.http_server import serving
from bot.store import RedisError, Store
from bot.telemetry import log
from bot.telemetry.metrics import exposition, series
from bot.web.connection_limits import ConnectionLimitProtocol
from bot.webhooks.translate import HANDLED

#: https://prometheus.io/docs/instrumenting/exposition_formats/#basic-info
CONTENT_TYPE = "text/plain; version=0.0.4"

#: Counters whose increase an alert asks for. Prometheus sees none where a series begins with more
#: than 0, so the first failure of its kind would wake nobody.
_FROM_ZERO = (
    series("glossator_event_loop_stalls_total"),
    *(series("glossator_llm_files_total", outcome=outcome) for outcome in ("read", "unread")),
    *(series("glossator_reviews_total", state=state) for state in FINISHED),
    *(
        series("glossator_deliveries_total", event=event, outcome=outcome)
        for event in (*HANDLED, "other")
        for outcome in ("refused", "unavailable")
    ),
)

_log = log.get(__name__)


def serving_metrics(state: State, listener: socket.socket) -> AbstractAsyncContextManager[None]:
    """Serve the figures of the web process that has this state while the context is open."""
    app = Starlette(
        routes=[Route("/metrics", metrics)], exception_handlers={RedisError: _redis_unavailable}
    )
    app.state = state
    return serving(app, listener, http=ConnectionLimitProtocol)


async def metrics(request: Request) -> PlainTextResponse:
    """The figures of all processes. Raises RedisError."""
    store: Store = request.app.state.store
    await request.app.state.metrics.flush()
    figures = store.metrics
    values = dict.fromkeys(_FROM_ZERO, 0.0) | await figures.totals()
    values |= await figures.rate_limits() | await figures.gauges()
    for queue in await store.queues.all():
        for state in ("waiting", "unacked", "delayed", "dead"):
            name = series("glossator_queue_messages", queue=queue.name, state=state)
            values[name] = getattr(queue, state)
        values[series("glossator_queue_oldest_seconds", queue=queue.name)] = queue.age
    values["glossator_workers_alive"] = await store.queues.live_workers()
    return PlainTextResponse(exposition(values), media_type=CONTENT_TYPE)


async def _redis_unavailable(_request: Request, exc: Exception) -> PlainTextResponse:
    _log.error("redis_unavailable", path="/metrics", error=type(exc).__name__)
    return PlainTextResponse("Redis is unavailable.\n", 503)
