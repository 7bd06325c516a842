"""The web process as a value: `create_app(settings)` gives routes, middleware and lifespan."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot import __version__, webhooks
from bot.settings import Settings
from bot.store import Store, connect


async def healthz(request: Request) -> JSONResponse:
    """The process lives."""
    return JSONResponse({"status": "ok", "version": __version__})


async def readyz(request: Request) -> JSONResponse:
    """Deliveries can be queued."""
    try:
        await request.app.state.store.redis.ping()
    except RedisError:
        return JSONResponse(
            {"status": "unavailable", "reason": "Redis does not answer."}, status_code=503
        )
    return JSONResponse({"status": "ok"})


def create_app(settings: Settings) -> Starlette:
    """`settings.redis_url` must be set; whoever starts the web process has seen to that."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        redis = connect(settings.redis_url)
        app.state.store = Store(redis, keep_seconds=settings.keep_days * 86_400)
        try:
            yield
        finally:
            await redis.aclose()

    app = Starlette(
        routes=[
            Route("/webhooks/github", webhooks.receive, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
        ],
        lifespan=lifespan,
    )
    app.state.settings = settings
    return app
