"""The App in real processes, as `glossator serve` runs it, between a sandbox GitHub and a
stand-in for the LLM. Sandbox and stand-in run in the process that measures."""

import asyncio
import inspect
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from bot.cli.demo.run import environment
from bot.cli.embedded_redis import embedded_redis
from bot.runtime.tcp_ports import free_port
from bot.sandbox.state import CheckRun, Repository
from bot.store import Store, connect, keys
from tests.bench.generated_change import finds_one
from tests.support.llm_server import LLMServer
from tests.support.sandbox.server import Sandbox

POLL_SECONDS = 0.005
SECONDS = 900

#: The processes of one machine, as in `bot.cli.processes`.
SERVE = {
    "web": ("web",),
    "events": ("work", "--queues", "events,reports"),
    "worker": ("work", "--queues", "scan,analysis"),
}


@dataclass
class Stage:
    """Everything that runs."""

    sandbox: Sandbox
    llm: LLMServer
    store: Store
    environment: dict[str, str]
    log: Path
    children: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.environment["PUBLIC_URL"]

    async def start(self, processes: Mapping[str, tuple[str, ...]]) -> None:
        """Start processes and wait until they take requests and messages."""
        before = await self._is_listening()
        for name, arguments in processes.items():
            await self._start(name, "-m", "bot", *arguments)
        workers = sum(arguments[0] == "work" for arguments in processes.values())
        await self.until(lambda: self._ready(workers + before))

    async def start_beside(self, name: str, *arguments: str) -> None:
        """Start another Python program with the same environment."""
        await self._start(name, *arguments)

    async def _start(self, name: str, *arguments: str) -> None:
        with self.log.open("ab") as log:
            self.children[name] = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def _is_listening(self) -> int:
        return int(await self.store.redis.zcard(keys.HEARTBEATS))

    async def _ready(self, workers: int) -> bool:
        if "web" in self.children and not await answers(f"{self.url}/readyz"):
            return False
        return await self._is_listening() >= workers

    async def stop(self, *names: str) -> None:
        """End processes at once; all of them if none is named."""
        for name in names or tuple(self.children):
            child = self.children.pop(name)
            if child.returncode is None:
                os.killpg(child.pid, signal.SIGKILL)
            await child.wait()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds, which may be asynchronous."""
        try:
            async with asyncio.timeout(SECONDS):
                while True:
                    satisfied = condition()
                    if inspect.isawaitable(satisfied):
                        satisfied = await satisfied
                    if satisfied:
                        return
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])
            raise AssertionError(f"Nothing came of it in {SECONDS} s.\n{tail}") from None

    def memory(self, name: str) -> tuple[float, float]:
        """Resident memory of a process now and at its peak, in MiB."""
        status = Path(f"/proc/{self.children[name].pid}/status").read_text()
        found = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        return _mib(found["VmRSS"]), _mib(found["VmHWM"])

    def processor(self, name: str) -> float:
        """Processor seconds of a process so far; its children are not counted."""
        stat = Path(f"/proc/{self.children[name].pid}/stat").read_text()
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def check_run(self, repo: Repository, number: int) -> CheckRun | None:
        """The check run for a pull request's head, once it is there."""
        head = repo.pulls[number].head_sha
        return next((run for run in repo.check_runs.values() if run.head_sha == head), None)

    def reviewed(self, repo: Repository, number: int) -> bool:
        run = self.check_run(repo, number)
        return run is not None and run.status == "completed"


def _mib(value: str) -> float:
    return int(value.split()[0]) / 1024


async def answers(url: str) -> bool:
    try:
        async with httpx2.AsyncClient() as http:
            return bool((await http.get(url)).status_code == 200)
    except httpx2.TransportError:
        return False


def cores_busy() -> tuple[float, float]:
    """Processor seconds of the whole machine so far: busy, and all."""
    user, nice, system, idle, iowait, *rest = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    )
    busy = user + nice + system + sum(rest[:2])
    return float(busy), float(busy + idle + iowait)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._began


@asynccontextmanager
async def stage(directory: Path, *, latency: float = 0, **changed: str) -> AsyncIterator[Stage]:
    """`latency` is the LLM's, in seconds; `changed` are environment variables."""
    port = free_port()
    async with (
        embedded_redis(directory / f"redis-{port}") as redis_url,
        LLMServer(default=finds_one, latency=latency) as llm,
        Sandbox(
            webhook_url=f"http://127.0.0.1:{port}/webhooks/github", hourly_limit=10_000_000
        ) as sandbox,
    ):
        values = {
            "PATH": os.environ["PATH"],
            **environment(sandbox, port, directory),
            "REDIS_URL": redis_url,
            "OPENAI_BASE_URL": llm.url,
            "OPENAI_API_KEY": "sk-x",
            "LLM_MODEL": "stand-in",
            **changed,
        }
        redis = connect(redis_url)
        store = Store(redis, keep_seconds=3600)
        made = Stage(sandbox, llm, store, values, directory / f"{port}.log")
        try:
            yield made
        finally:
            await made.stop()
            await redis.aclose()
