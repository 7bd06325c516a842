"""What every step is handed: opened once for each worker process, on its event loop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2

from bot.github.app import GitHubApp
from bot.metrics import Metrics
from bot.settings import Settings
from bot.store import Store, connect
from bot.tls import trusted
from workers.analysis.llm import LLM
from workers.background import stop_background


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    store: Store
    github: GitHubApp
    llm: LLM | None  # None: analysers alone review
    metrics: Metrics


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Connections of one process. Raises SettingsError or ValueError for unusable settings."""
    redis = connect(settings.redis_url)
    limits = httpx2.Limits(max_connections=100, max_keepalive_connections=20)
    async with httpx2.AsyncClient(verify=trusted(), limits=limits) as http:
        llm = LLM(settings, redis) if settings.has_llm else None
        try:
            async with Metrics(redis).running() as metrics:
                github = GitHubApp(
                    api_url=settings.github_api_url,
                    app_id=settings.github_app_id,
                    private_key=settings.private_key,
                    http=http,
                    timeout_seconds=settings.github_timeout,
                    on_response=metrics.github,
                )
                metrics.limits = github.remaining
                yield Services(
                    settings=settings,
                    store=Store(redis, keep_seconds=settings.keep_days * 86_400),
                    github=github,
                    llm=llm,
                    metrics=metrics,
                )
        finally:
            await stop_background()
            if llm is not None:
                await llm.aclose()
            await redis.aclose()
