"""GET /metrics: what Prometheus reads."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from bot.store.queues import live_workers, queues
from bot.store.store import Store
from bot.telemetry.metrics import exposition, series
from bot.web.auth.viewer import viewer

#: https://prometheus.io/docs/instrumenting/exposition_formats/#basic-info
CONTENT_TYPE = "text/plain; version=0.0.4"


async def metrics(request: Request) -> PlainTextResponse:
    """Open if METRICS_OPEN is set, else for an admin token."""
    if not request.app.state.settings.metrics_open:
        who = await viewer(request)
        if who is None or who.repositories is not None:
            raise HTTPException(404)
    store: Store = request.app.state.store
    await request.app.state.metrics.flush()
    figures = store.metrics
    values = await figures.totals() | await figures.rate_limits() | await figures.gauges()
    for queue in await queues(store):
        for state in ("waiting", "unacked", "delayed", "dead"):
            name = series("glossator_queue_messages", queue=queue.name, state=state)
            values[name] = getattr(queue, state)
        values[series("glossator_queue_oldest_seconds", queue=queue.name)] = queue.age
    values["glossator_workers_alive"] = await live_workers(store)
    return PlainTextResponse(exposition(values), media_type=CONTENT_TYPE)
