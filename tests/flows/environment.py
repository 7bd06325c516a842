"""The whole App against a sandbox GitHub: web and sandbox over real HTTP, a real worker."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from redis.asyncio import Redis

from bot.config.env_file import WITHHELD, Role
from bot.config.settings import Settings
from bot.domain.model import State
from bot.domain.progress import Progress
from bot.github.rate_limits import Clock
from bot.runtime.http_server import serving
from bot.runtime.tcp_ports import listen
from bot.sandbox.state import CheckRun, IssueComment, Repository, Review, ReviewComment
from bot.store import QUEUES, Store, connect, keys
from bot.web.app import create_app
from tests.support.openapi import validate
from tests.support.sandbox.server import Sandbox
from workers.main import make_worker

REPO = "octo/hello"

#: Nothing in a flow takes longer; a test that waits for so long has failed.
SECONDS = 20


#: Between two looks at a condition.
POLL_SECONDS = 0.02

#: How often the worker looks whether it is to stop while it has no messages, in milliseconds.
WORKER_POLL_MS = 50

#: What waits in queues (hashes), and reviews that are not over (a sorted set, the last key).
#: One script: half of what a flow asks Redis is this question.
_WAITING = """
local found = {}
for n, key in ipairs(KEYS) do
  local items = n < #KEYS and redis.call("HVALS", key) or redis.call("ZRANGE", key, 0, -1)
  for _, item in ipairs(items) do found[#found + 1] = item end
end
return found
"""

#: Time that runs ten times as fast, for our client of GitHub: the second between two writes,
#: and the waits before a request is sent again.
HURRIED = Clock(
    monotonic=lambda: time.monotonic() * 10, sleep=lambda seconds: asyncio.sleep(seconds / 10)
)


class _Given(Settings):
    """Settings of these values alone: to look for others takes a tenth of a flow's time."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_others: Any,
        **_named: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


@dataclass(frozen=True)
class World:
    """Everything that runs in one flow, and what a person would see on GitHub."""

    sandbox: Sandbox
    settings: Settings
    store: Store
    url: str
    metrics_url: str
    stop_worker: Callable[[int], Awaitable[None]]  # within so many milliseconds

    async def open_pull(
        self, before: Mapping[str, str], after: Mapping[str, str | None], **more: Any
    ) -> int:
        """Open a pull request that changes the files `before` to `after` (None: deleted)."""
        base = await self.sandbox.commit(REPO, before, message="Begin")
        head = await self.sandbox.commit(REPO, after, parent=base, message="Change")
        return await self.sandbox.open_pull(REPO, base, head, **more)

    async def settle(self) -> None:
        """Wait until every message is worked off and every review finished."""
        try:
            async with asyncio.timeout(SECONDS):
                while await self._waiting():
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise AssertionError(
                f"After {SECONDS} s there is still work: {await self._waiting()}\n"
                + "\n".join(f"{e.method} {e.path} -> {e.status}" for e in self.sandbox.requests)
            ) from None

    async def _waiting(self) -> list[str]:
        waiting = [
            keys.queue_messages(f"{queue}{kind}") for queue in QUEUES for kind in ("", ".DQ")
        ]
        names = (*waiting, keys.ACTIVE)
        found: list[bytes] = await self.store.redis.eval(_WAITING, len(names), *names)
        return [item.decode() for item in found]

    async def progress(self, number: int) -> Progress:
        """How the newest review of a pull request stands."""
        pull = await self.store.pulls.get(self.repository.id, number)
        summary = await self.store.reviews.summary(pull.current)
        assert summary is not None
        return summary.progress

    async def until_true(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait until a condition holds."""
        async with asyncio.timeout(SECONDS):
            while not await condition():
                await asyncio.sleep(POLL_SECONDS)

    async def until(self, number: int, state: State) -> None:
        """Wait until the newest review of a pull request is in that state."""
        async with asyncio.timeout(SECONDS):
            while True:
                pull = await self.store.pulls.get(self.repository.id, number)
                if await self.store.reviews.state(pull.current) is state:
                    return
                await asyncio.sleep(POLL_SECONDS)

    @property
    def repository(self) -> Repository:
        return self.sandbox.repository(REPO)

    @property
    def check_runs(self) -> list[CheckRun]:
        return list(self.repository.check_runs.values())

    @property
    def reviews(self) -> list[Review]:
        return list(self.repository.reviews.values())

    @property
    def inline_comments(self) -> list[ReviewComment]:
        return list(self.repository.review_comments.values())

    @property
    def conversation(self) -> list[IssueComment]:
        return list(self.repository.issue_comments.values())

    def writes(self) -> list[str]:
        """Every successful write of ours, as `METHOD /path` without the API's root."""
        return [
            f"{exchange.method} {exchange.path.removeprefix('/api/v3')}"
            for exchange in self.sandbox.writes()
            if exchange.status < 400
        ]


@asynccontextmanager
async def running(
    redis_url: str, redis: "Redis", directory: Path, **changed: Any
) -> AsyncIterator[World]:
    """Start everything; `changed` are settings. At the end each request that went to GitHub is
    held against GitHub's own description."""
    listener, metrics_on = listen(0), listen(0)
    port = listener.getsockname()[1]
    metrics_url = f"http://127.0.0.1:{metrics_on.getsockname()[1]}/metrics"
    async with Sandbox(webhook_url=f"http://127.0.0.1:{port}/webhooks/github") as sandbox:
        await sandbox.add_repository(REPO)
        values: dict[str, Any] = {
            "redis_url": redis_url,
            "github_api_url": sandbox.api_url,
            "github_url": sandbox.url,
            "github_app_id": str(sandbox.app_id),
            "github_private_key": sandbox.private_key_pem,
            "github_webhook_secrets": sandbox.webhook_secret,
            "public_url": f"http://127.0.0.1:{port}",
            "secret_key": "a secret of the tests",
            "data_dir": directory,
            # A third of a review's processor time, for what few flows look at.
            "analyzers_disabled": ("secrets",),
            "min_backoff_ms": 50,
            "max_backoff_seconds": 1,
        }
        values |= changed
        settings = _Given(_env_file=None, **values)
        # As deployed: neither process has the other's secrets.
        app = create_app(_Given(_env_file=None, **{**values, **WITHHELD[Role.WEB]}), metrics_on)
        worker = make_worker(_Given(_env_file=None, **{**values, **WITHHELD[Role.WORKER]}))
        worker.worker_timeout = WORKER_POLL_MS
        to_stop = [worker.stop]

        async def stop_worker(timeout: int) -> None:
            while to_stop:
                await asyncio.to_thread(to_stop.pop(), timeout)

        worker.broker.emit_after("process_boot")
        async with app.router.lifespan_context(app), serving(app, listener, ws="auto"):
            with patch("bot.github.app.Clock", lambda: HURRIED):
                await asyncio.to_thread(worker.start)
            client = connect(redis_url)
            try:
                yield World(
                    sandbox,
                    settings,
                    Store(client, keep_seconds=3600),
                    settings.public_url,
                    metrics_url,
                    stop_worker,
                )
            finally:
                await client.aclose()
                await stop_worker(600_000)
                worker.broker.close()
        for exchange in sandbox.requests:
            validate(exchange)
    shutil.rmtree(directory, ignore_errors=True)


def git_processes(url: str) -> list[str]:
    """The command lines of git processes that talk to the sandbox."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if url.encode() in environment and "git" in command:
            found.append(command)
    return found
