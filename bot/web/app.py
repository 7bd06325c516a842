"""The web process as a value: `create_app(settings)` gives routes, middleware and lifespan."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from bot import __version__
from bot.config.settings import Settings
from bot.security.signing import signing_keys
from bot.store import RedisError, Store, connect
from bot.telemetry import log
from bot.telemetry.metrics import Metrics, resident_memory, series
from bot.telemetry.watchdog import watched
from bot.web.api import preferences, problems, reviews
from bot.web.api.audit import audit
from bot.web.api.openapi import openapi
from bot.web.api.outcomes import outcomes
from bot.web.api.problems import Problem
from bot.web.feed.fanout import Fanout
from bot.web.feed.feed import feed
from bot.web.limits import ConnectionLimiter, RateLimiter, RateLimitMiddleware
from bot.web.metrics import serving_metrics
from bot.web.pages import dashboard, signin
from bot.web.pages.forms import again_button, cancel_button, dismiss_button
from bot.web.pages.review import review_page
from bot.web.pages.templates import message_page, not_found, static
from bot.web.security_headers import AllowedHosts, SecurityHeaders
from bot.webhooks import receiver
from bot.webhooks.body_budget import ByteBudget
from templates.languages import use

#: Lists that one person may have read at once: each may have to look through all reviews that are
#: kept, and deliveries are taken by the same process.
MAX_CONCURRENT_LISTS = 6

#: Feeds of one web process, whoever watches: 1,000 take about 100 MiB (docs/performance.md).
MAX_FEEDS = 2000

#: Reviews whose feeds one web process can read at once, and a few more for their past.
MAX_FEED_CONNECTIONS = 1000

_log = log.get(__name__)


async def healthz(request: Request) -> JSONResponse:
    """The process lives."""
    return JSONResponse({"status": "ok", "version": __version__})


async def readyz(request: Request) -> JSONResponse:
    """Deliveries can be queued."""
    try:
        await request.app.state.store.ping()
    except RedisError:
        return JSONResponse(
            {"status": "unavailable", "reason": "Redis does not answer."}, status_code=503
        )
    return JSONResponse({"status": "ok"})


REDIS_UNAVAILABLE = "Redis is unavailable. Try again in a moment."


async def on_http_error(request: Request, exc: Exception) -> Response:
    """No such route, or not with this method."""
    assert isinstance(exc, HTTPException)
    headers = dict(exc.headers or {})
    if request.url.path.startswith("/api/"):
        return problems.response(Problem(exc.status_code, exc.detail, **headers))
    if exc.status_code == 404:
        return not_found()
    return PlainTextResponse(exc.detail, exc.status_code, headers=headers)


async def on_redis_unavailable(request: Request, exc: Exception) -> Response:
    _log.error("redis_unavailable", path=request.url.path, error=type(exc).__name__)
    if request.url.path.startswith("/api/"):
        return problems.response(Problem(503, REDIS_UNAVAILABLE, Retry_After="5"))
    return message_page(503, "Temporarily unavailable", REDIS_UNAVAILABLE)


def _routes() -> list[Route | WebSocketRoute]:
    return [
        Route("/webhooks/github", receiver.receive, methods=["POST"]),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/", dashboard.dashboard),
        Route("/outcomes", dashboard.outcomes_page),
        Route("/preferences", dashboard.preferences_page),
        Route(
            "/preferences/{repository_id}/{number}", dashboard.preference_button, methods=["POST"]
        ),
        Route("/reviews/{review_id}/cancel", cancel_button, methods=["POST"]),
        Route("/reviews/{review_id}/dismiss", dismiss_button, methods=["POST"]),
        Route("/reviews/{review_id}/again", again_button, methods=["POST"]),
        Route(
            "/dead-letters/{queue}/{message_id}/retry",
            dashboard.retry_button,
            methods=["POST"],
        ),
        Route("/sign-in", signin.show, methods=["GET"]),
        Route("/sign-in", signin.with_token, methods=["POST"]),
        Route("/sign-in/github", signin.to_github),
        Route("/sign-in/github/callback", signin.from_github),
        Route("/sign-out", signin.sign_out, methods=["POST"]),
        Route("/static/{tag}/{name}", static),
        Route("/reviews/{review_id}", review_page),
        Route("/api/openapi.json", openapi),
        Route("/api/reviews", reviews.index, methods=["GET"]),
        Route("/api/reviews", reviews.start, methods=["POST"]),
        Route("/api/reviews/{review_id}", reviews.show, methods=["GET"]),
        Route("/api/reviews/{review_id}", reviews.cancel, methods=["DELETE"]),
        Route("/api/reviews/{review_id}/report.{form}", reviews.report),
        Route("/api/audit", audit),
        Route("/api/outcomes", outcomes),
        Route("/api/preferences", preferences.index, methods=["GET"]),
        Route("/api/preferences/{repository_id}/{number}", preferences.edit, methods=["PUT"]),
        Route("/api/preferences/{repository_id}/{number}", preferences.remove, methods=["DELETE"]),
        WebSocketRoute("/ws/tasks/{review_id}", feed),
        WebSocketRoute("/ws/reviews/{review_id}", feed),
    ]


class ServerLanguage:
    """What is written for a request is in the server's language, but for the pages of a review."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        use(self._settings.review_language, self._settings.command_prefix)
        await self._app(scope, receive, send)


def create_app(settings: Settings, metrics_on: socket.socket | None = None) -> Starlette:
    """`settings.redis_url` must be set; whoever starts the web process has seen to that. Metrics
    are served on the socket `metrics_on`, which is closed at the end.

    Raises SettingsError if there is nothing to sign links with.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        redis = connect(settings.redis_url)
        # Readers of feeds hold a connection each, and must not take those of the others.
        feed_redis = connect(settings.redis_url, connections=MAX_FEED_CONNECTIONS)
        keep_seconds = settings.keep_days * 86_400
        app.state.store = Store(redis, keep_seconds=keep_seconds)
        app.state.fanout = Fanout(Store(feed_redis, keep_seconds=keep_seconds).events)
        try:
            await app.state.store.claim_format()
            async with Metrics(app.state.store.metrics).running() as app.state.metrics:
                app.state.metrics.current_gauges = lambda: {
                    series("glossator_process_memory_bytes", process="web"): resident_memory(),
                    "glossator_feeds_open": app.state.feed_limiter.open,
                }
                metrics = serving_metrics(app.state, metrics_on) if metrics_on else nullcontext()
                with watched(on_stall=app.state.metrics.stalled):
                    async with metrics:
                        yield
        finally:
            await feed_redis.aclose()
            await redis.aclose()

    app = Starlette(
        routes=_routes(),
        middleware=[
            Middleware(SecurityHeaders, settings=settings),
            Middleware(ServerLanguage, settings=settings),
            Middleware(AllowedHosts, settings=settings),
            Middleware(RateLimitMiddleware, limiter=RateLimiter(settings.requests_per_minute)),
        ],
        exception_handlers={
            Problem: problems.on_problem,
            HTTPException: on_http_error,
            RedisError: on_redis_unavailable,
        },
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.keys = signing_keys(settings)
    app.state.body_budget = ByteBudget()
    app.state.feed_limiter = ConnectionLimiter(settings.feed_connections, MAX_FEEDS)
    app.state.list_limiter = ConnectionLimiter(MAX_CONCURRENT_LISTS)
    return app
