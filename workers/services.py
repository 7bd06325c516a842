"""What every stage works with: opened once for each worker process, on its event loop.

`in_background` starts work that nothing waits for; it ends with the services.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.model import Repository
from bot.github.app import GitHubApp
from bot.github.errors import Transient
from bot.policy.precedence import speak
from bot.runtime.tasks import stop
from bot.security.tls import trusted
from bot.store import Store, connect
from bot.telemetry import log
from bot.telemetry.metrics import Metrics
from bot.telemetry.watchdog import watched
from workers.analysis.llm.client import LLM

#: A worker that died while it was the only one at something holds others up for so many seconds.
LOCK_SECONDS = 20

_log = log.get(__name__)
_under_way: set[asyncio.Task[None]] = set()


def in_background(work: Coroutine[Any, Any, None]) -> None:
    """Start what nothing waits for; its failure is logged, not raised."""

    async def guarded() -> None:
        try:
            await work
        except Exception as exc:
            _log.warning("background_failed", why=type(exc).__name__, exc_info=exc)

    task = asyncio.get_running_loop().create_task(guarded())
    _under_way.add(task)  # the loop holds tasks weakly
    task.add_done_callback(_under_way.discard)


async def stop_background() -> None:
    """End what is still under way."""
    await stop(*_under_way)


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    store: Store
    github: GitHubApp
    llm: LLM | None  # None: analysers alone review
    metrics: Metrics

    async def fitted_settings(self) -> Settings:
        """The settings for the prompts of one review or question: see `LLM.fitted`."""
        return await self.llm.fitted() if self.llm is not None else self.settings

    def speak(self, config: RepoConfig) -> None:
        """Write in the repository's language for the rest of this task."""
        speak(self.settings, config)

    async def speak_as_before(self, repository: Repository, number: int) -> None:
        """Write in the language of the pull request's last review: its configuration is not read
        for one answer. Without one, in the server's."""
        newest = (await self.store.pulls.get(repository.id, number)).unfocused
        state = await self.store.reviews.get(newest) if newest else None
        if state is not None and state.handoff is not None:
            self.speak(state.handoff.config)

    def lock_pull(self, repository: Repository, number: int) -> AbstractAsyncContextManager[None]:
        """Keep others from starting or stopping reviews of the pull request meanwhile.

        Between reading its state and opening a review another push must not be handled, or the
        review of the older commit would win; nor its closing, or the review would stand on a
        closed pull request. Raises as `exclusive`.
        """
        return self.exclusive(f"start:{repository.id}:{number}")

    @asynccontextmanager
    async def exclusive(self, name: str) -> AsyncIterator[None]:
        """Keep others from what has that name meanwhile: a worker that is only thought dead may
        still be at it. Raises Transient while another holds on for longer than a dead one."""
        async with self.store.locks.hold(
            name, seconds=LOCK_SECONDS, wait=LOCK_SECONDS + 5
        ) as acquired:
            if not acquired:
                raise Transient(f"Another worker is at the same ({name}).", 5)
            yield


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Connections of one process. Raises SettingsError or ValueError for unusable settings."""
    redis = connect(settings.redis_url)
    store = Store(redis, keep_seconds=settings.keep_days * 86_400)
    limits = httpx2.Limits(max_connections=100, max_keepalive_connections=20)
    async with httpx2.AsyncClient(verify=trusted(), limits=limits) as http:
        await store.claim_format()
        llm = LLM(settings, store) if settings.has_llm else None
        try:
            async with AsyncExitStack() as stack:
                metrics = await stack.enter_async_context(Metrics(store.metrics).running())
                stack.enter_context(watched(settings.health_port, metrics.stalled))
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
                    store=store,
                    github=github,
                    llm=llm,
                    metrics=metrics,
                )
        finally:
            await stop_background()
            if llm is not None:
                await llm.aclose()
            await redis.aclose()
