"""Bring compose.yaml up for real, and see a review through on it, with what may happen to it.

    docker build --tag glossator:local .
    python -m deploy.try_compose docker compose

Needs a Docker daemon on this machine and ports 8000 and 9464 free; the arguments are the command
of compose. GitHub is the sandbox, in this process. Redis is restarted, web is killed and a worker
added between the first review and the second. Everything is taken down at the end. A .env that
is there is put back.
"""

import asyncio
import contextlib
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from ipaddress import ip_network
from pathlib import Path

import httpx2

from tests.support.sandbox.server import Sandbox

ROOT = Path(__file__).parents[1]
WEB = "http://127.0.0.1:8000"
REPO = "octo/hello"
SECONDS = 120


async def compose(*arguments: str) -> None:
    """Raises CalledProcessError."""
    command = [*sys.argv[1:], *arguments]
    child = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    if code := await child.wait():
        raise subprocess.CalledProcessError(code, command)


def gateway() -> str:
    """The address under which containers reach this machine: the first of Docker's bridge."""
    form = "{{(index .IPAM.Config 0).Subnet}}"
    command = ["docker", "network", "inspect", "bridge", "--format", form]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return str(next(ip_network(done.stdout.strip()).hosts()))


@contextlib.asynccontextmanager
async def reachable(address: str, port: int) -> AsyncIterator[None]:
    """What listens on the port of loopback listens on that address as well."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pipe(reader, inner_writer), pipe(inner_reader, writer))

    async with await asyncio.start_server(relay, address, port):
        yield


@contextlib.contextmanager
def environment(sandbox: Sandbox) -> Iterator[None]:
    """A .env for the sandbox's App."""
    path = ROOT / ".env"
    before = path.read_bytes() if path.exists() else None
    lines = {
        "GITHUB_API_URL": f"{sandbox.state.url}/api/v3",
        "GITHUB_URL": sandbox.state.url,
        "GITHUB_APP_ID": str(sandbox.app_id),
        "GITHUB_PRIVATE_KEY": sandbox.private_key_pem.replace("\n", "\\n"),
        "GITHUB_WEBHOOK_SECRETS": sandbox.webhook_secret,
        "PUBLIC_URL": WEB,
        "SECRET_KEY": secrets.token_urlsafe(32),
        "REDIS_PASSWORD": secrets.token_hex(32),
    }
    path.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    path.chmod(0o600)
    try:
        yield
    finally:
        path.unlink() if before is None else path.write_bytes(before)


async def until(what: str, condition: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not await asyncio.to_thread(condition):
        assert time.monotonic() - began < SECONDS, f"not within {SECONDS} s: {what}"
        await asyncio.sleep(0.2)
    print(f"{what}: {time.monotonic() - began:.1f} s", flush=True)


def ready() -> bool:
    try:
        return httpx2.get(f"{WEB}/readyz").status_code == 200
    except httpx2.TransportError:
        return False


async def tried(sandbox: Sandbox) -> None:
    repo = await sandbox.add_repository(REPO)

    def reviewed(head: str) -> bool:
        runs = list(repo.check_runs.values())
        return any(run.head_sha == head and run.status == "completed" for run in runs)

    await compose("up", "--detach", "--no-build", "--wait")  # until each health check has passed
    await until("ready", ready)
    base = await sandbox.commit(REPO, {"app.py": "x = 1\n"}, message="Begin")
    head = await sandbox.commit(REPO, {"app.py": "eval(input())\n"}, parent=base)
    number = await sandbox.open_pull(REPO, base, head)
    await until("the first review", lambda: reviewed(head))

    await compose("restart", "redis")
    await compose("kill", "web")
    await compose("up", "--detach", "--no-build", "--scale", "worker=2", "--wait")
    await until("ready again", ready)
    head = await sandbox.commit(REPO, {"b.py": "exec(input())\n"}, parent=head)
    await sandbox.push(REPO, number, head)
    await until("the second review", lambda: reviewed(head))
    assert len(repo.reviews) == 2, "each head has one review"
    await compose("exec", "-T", "worker", "glossator", "doctor")
    await compose("stop")
    await compose("ps", "--all")


async def main() -> None:
    address = gateway()
    async with Sandbox(webhook_url=f"{WEB}/webhooks/github") as sandbox:
        sandbox.state.url = f"http://{address}:{sandbox.port}"
        async with reachable(address, sandbox.port):
            with environment(sandbox):
                try:
                    await tried(sandbox)
                finally:
                    await compose("logs", "--tail", "5")
                    await compose("down", "--volumes")


if __name__ == "__main__":
    asyncio.run(main())
