"""Real servers of other kinds than the embedded Redis, for one test each; what is not installed
is told by a skip."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.cli import redis_program
from bot.config.urls import sentinel_config
from bot.runtime.tcp_ports import free_port

READY_SECONDS = 60

PASSWORD = "correct-horse"

DEBIAN_REDIS = Path("/usr/bin/redis-server")


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = READY_SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


@asynccontextmanager
async def process(
    *command: str | Path, **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    child = await asyncio.create_subprocess_exec(
        *map(str, command),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield child
    finally:
        with suppress(ProcessLookupError):
            child.terminate()
        await child.wait()


def _is_there(path: Path) -> bool:
    return path.exists()


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


def _any_server() -> Path:
    """The program that the embedded Redis is."""
    program = redis_program.choose(redis_program.installed(), None)
    assert program is not None
    return program.path


@asynccontextmanager
async def redis_server(
    directory: Path, port: int, *options: str, binary: str | Path | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Redis with the options given, as on the command line."""
    common = ("--dir", str(_made(directory)), "--save", "", "--requirepass", PASSWORD)
    async with process(binary or _any_server(), *options, *common) as child:
        await until(lambda: _listens(port))
        yield child


@asynccontextmanager
async def tls_redis(directory: Path) -> AsyncIterator[str]:
    """Debian's Redis, which listens with TLS only; yields its URL."""
    if not _is_there(DEBIAN_REDIS) or shutil.which("openssl") is None:
        pytest.skip("needs a Redis with TLS: apt-get install redis-server openssl")
    key, certificate = _made(directory) / "key.pem", directory / "certificate.pem"
    subject = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    await asyncio.to_thread(
        subprocess.run,
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
        + ["-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    port = free_port()
    options = ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"]
    options += ["--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    options += ["--tls-ca-cert-file", str(certificate)]
    async with redis_server(directory, port, *options, binary=DEBIAN_REDIS):
        yield f"rediss://:{PASSWORD}@127.0.0.1:{port}/0?ssl_ca_certs={certificate}"


@asynccontextmanager
async def followed_redis(
    directory: Path,
) -> AsyncIterator[tuple[str, str, asyncio.subprocess.Process, asyncio.subprocess.Process]]:
    """A master and its replica, which has all; yields the URL of each, then each."""
    first, second = free_port(), free_port()
    follow = ("--replicaof", "127.0.0.1", str(first), "--masterauth", PASSWORD)
    async with (
        redis_server(directory / "1", first, "--port", str(first)) as master,
        redis_server(directory / "2", second, "--port", str(second), *follow) as replica,
    ):
        urls = [f"redis://:{PASSWORD}@127.0.0.1:{port}/0" for port in (first, second)]
        async with Redis.from_url(urls[0]) as client:

            async def follows() -> bool:
                info = await client.info("replication")
                return bool(info["connected_slaves"] == 1 and info["slave0"]["state"] == "online")

            await until(follows)
        yield urls[0], urls[1], master, replica


@asynccontextmanager
async def watched_redis(
    directory: Path,
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process, asyncio.subprocess.Process]]:
    """A master, its replica and a Sentinel that watches them; yields URL, master, replica."""
    first, second, watcher = free_port(), free_port(), free_port()
    config = _made(directory) / "sentinel.conf"
    config.write_text(
        f"port {watcher}\nbind 127.0.0.1\ndir {directory}\n"
        f"sentinel monitor main 127.0.0.1 {first} 1\n"
        f"sentinel auth-pass main {PASSWORD}\n"
        "sentinel down-after-milliseconds main 500\n"
        "sentinel failover-timeout main 3000\n"
    )
    follow = ("--replicaof", "127.0.0.1", str(first), "--masterauth", PASSWORD)
    async with (
        redis_server(directory / "1", first, "--port", str(first)) as master,
        redis_server(directory / "2", second, "--port", str(second), *follow) as replica,
        process(_any_server(), config, "--sentinel"),
    ):
        await until(lambda: _listens(watcher))
        url = f"redis+sentinel://:{PASSWORD}@127.0.0.1:{watcher}/main/0"
        yield url, master, replica


async def knows_replica(url: str) -> bool:
    """Whether the Sentinel of the URL has somebody to promote."""
    found = sentinel_config(url)
    assert found is not None
    [(host, port)] = found.sentinels
    async with Redis(host=host, port=port) as sentinel:
        replicas: Any = await sentinel.sentinel_slaves(found.service)
    return len(replicas) == 1
