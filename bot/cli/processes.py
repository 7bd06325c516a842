"""The process group of one machine: web and workers as children, Redis if there is none.

Children are looked after: one that ends by itself is started again, and all of them get
SIGTERM and time to hand their work back when the group stops.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2

from bot.cli.cli_errors import CommandError
from bot.cli.embedded_redis import embedded_redis
from bot.config.settings import Settings
from bot.runtime.parent_death import die_with_parent
from bot.security.tls import trusted
from bot.telemetry import log

#: What each child runs. Acknowledgements and reports have a process of their own, so that
#: they never wait behind long scans and LLM calls.
CHILDREN = {
    "web": ("web",),
    "worker events, reports": ("work", "--queues", "events,reports"),
    "worker scan, analysis": ("work", "--queues", "scan,analysis"),
    "scheduler": ("schedule",),
}

#: Waits between restarts of a child that keeps ending, in seconds.
RESTART_SECONDS = (0.5, 1, 2, 5, 10, 30)

#: A child that ran for so long is not one that keeps ending.
STABLE_SECONDS = 60

READY_SECONDS = 60

_log = log.get(__name__)


class NotReady(CommandError):
    """Raised when the web process does not answer in time."""


@asynccontextmanager
async def process_group(settings: Settings, extra: Mapping[str, str]) -> AsyncIterator[str]:
    """Run everything until left; yields the Redis URL once deliveries can be accepted.

    `extra` are environment variables for the children beside our own environment. Raises
    NotReady, RedisServerError, and what was raised inside.
    """
    async with AsyncExitStack() as stack:
        url = settings.redis_url or await stack.enter_async_context(
            embedded_redis(settings.data_dir / "redis")
        )
        environment = {**os.environ, **extra, "REDIS_URL": url, "HEALTH_PORT": "0"}
        stopping = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                for name, arguments in CHILDREN.items():
                    group.create_task(
                        _keep_running(name, arguments, environment, stopping, settings)
                    )
                try:
                    await _until_ready(settings)
                    yield url
                finally:
                    stopping.set()
        except BaseExceptionGroup as failures:
            if len(failures.exceptions) > 1:
                raise
            raise failures.exceptions[0] from None  # as it was raised, for those who wait for it


async def _keep_running(
    name: str,
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    stopping: asyncio.Event,
    settings: Settings,
) -> None:
    restarts = 0
    while not stopping.is_set():
        started = time.monotonic()
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # else a `bot` in the working directory would be run instead of ours
            "-m",
            "bot",
            *arguments,
            env=environment,
            start_new_session=True,  # a Ctrl-C is ours to pass on
            preexec_fn=die_with_parent(),
        )
        exit_task, stop_task = (
            asyncio.create_task(child.wait()),
            asyncio.create_task(stopping.wait()),
        )
        try:
            await asyncio.wait({exit_task, stop_task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop_task.cancel()
            await _stop(child, exit_task, settings.shutdown_seconds)
        if not stopping.is_set():
            if time.monotonic() - started > STABLE_SECONDS:
                restarts = 0
            pause = RESTART_SECONDS[min(restarts, len(RESTART_SECONDS) - 1)]
            restarts += 1
            _log.error("process_ended", name=name, code=child.returncode, again_in_seconds=pause)
            await asyncio.wait({asyncio.ensure_future(stopping.wait())}, timeout=pause)


async def _stop(
    child: asyncio.subprocess.Process, exit_task: "asyncio.Task[int]", seconds: float
) -> None:
    """SIGTERM, time to hand work back, and SIGKILL for one that does not listen."""
    if child.returncode is None:
        child.send_signal(signal.SIGTERM)
        await asyncio.wait({exit_task}, timeout=seconds + 5)
    if child.returncode is None:
        child.kill()
    await exit_task


def address_of(settings: Settings) -> str:
    """Where the web process listens."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


async def _until_ready(settings: Settings) -> None:
    url = f"{address_of(settings)}/readyz"
    # Never by way of a proxy, which reaches machines elsewhere and not this one.
    client = httpx2.AsyncClient(verify=trusted(), trust_env=False)
    try:
        async with asyncio.timeout(READY_SECONDS), client as http:
            while True:
                try:
                    if (await http.get(url)).status_code == 200:
                        return
                except httpx2.TransportError:
                    pass  # not listening yet
                await asyncio.sleep(0.05)
    except TimeoutError as exc:
        raise NotReady(
            f"The web process did not answer at {url} within {READY_SECONDS} s; its log says why."
        ) from exc
