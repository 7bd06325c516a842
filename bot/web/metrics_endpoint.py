"""GET /metrics: what Prometheus reads."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from bot.store.queues import queues, workers_alive
from bot.store.store import Store
from bot.telemetry.gauges import seen
from bot.telemetry.metrics import exposition, kept, limits, series
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
    values = await kept(store.redis) | await limits(store.redis) | await seen(store.redis)
    for queue in await queues(store):
        for state in ("waiting", "taken", "delayed", "dead"):
            name = series("glossator_queue_messages", queue=queue.name, state=state)
            values[name] = getattr(queue, state)
        values[series("glossator_queue_oldest_seconds", queue=queue.name)] = queue.age
    values["glossator_workers_alive"] = await workers_alive(store)
    return PlainTextResponse(exposition(values), media_type=CONTENT_TYPE)
