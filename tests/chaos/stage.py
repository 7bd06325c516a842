"""The whole App in real processes against a sandbox GitHub, and ways to hurt it.

Web, workers and scheduler run as `python -m bot …`; each is started again when it dies, as
`glossator serve` or an orchestrator would. Redis is the embedded one, with its data on disk.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.cli.demo.run import environment
from bot.cli.embedded_redis import embedded_redis
from bot.runtime.parent_death import die_with_parent
from bot.runtime.tcp_ports import free_port
from bot.sandbox.state import Repository
from bot.security.tls import trusted
from bot.store import ALL_QUEUES, QUEUES, Store, connect, keys
from tests.support.llm_server import LLMServer
from tests.support.sandbox.server import Sandbox
from workers.reports.markers import review_marker

ACCOUNTS = ("octo", "ada", "grace", "linus")

PROCESSES = {
    "web": ("web",),
    "reports": ("work", "--queues", "events,reports"),
    "worker-1": ("work", "--queues", "scan,analysis"),
    "worker-2": ("work", "--queues", "scan,analysis,reports"),
    "scheduler": ("schedule",),
}

#: A dead process is started again after so many seconds.
RESTART_SECONDS = 0.3

POLL_SECONDS = 0.05

#: Analysers cost a second of processor time each; what they find is not what is tested here.
CONFIG = "analyzers:\n  disabled: [ruff, secrets, data, shellcheck, hadolint, oxlint]\n"

Files = Mapping[str, str]


@dataclass
class ChaosStage:
    """Everything that runs. `kills` counts processes that died of SIGKILL by our hand."""

    sandbox: Sandbox
    store: Store
    llm: LLMServer
    environment: dict[str, str]
    log: Path
    redis_data: Path
    children: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    kills: int = 0
    redis_restarts: int = 0
    failovers: int = 0
    stopping: bool = False

    def repo(self, account: str) -> Repository:
        return self.sandbox.repository(f"{account}/repo")

    async def open_pull(self, account: str, files: Files, *, title: str = "Change") -> int:
        """Open a pull request that adds the files."""
        name = f"{account}/repo"
        base = await self.sandbox.commit(name, {".github/glossator.yml": CONFIG}, message="Begin")
        head = await self.sandbox.commit(name, files, parent=base)
        return await self.sandbox.open_pull(name, base, head, title=title)

    async def push(self, account: str, number: int, files: Files) -> None:
        name = f"{account}/repo"
        parent = self.repo(account).pulls[number].head_sha
        await self.sandbox.push(name, number, await self.sandbox.commit(name, files, parent=parent))

    # Harm

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End a process at once, or ask it to end by SIGTERM; it is started again."""
        child = self.children[name]
        if child.returncode is None:
            child.send_signal(how)
            self.kills += how == signal.SIGKILL

    async def restart_redis(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End Redis, and wait until its keeper has started another with its data."""
        info = await self.redis_info()
        os.kill(int(info["process_id"]), how)
        self.redis_restarts += 1
        await self._until_another(info)

    async def _until_another(self, info: Mapping[str, Any]) -> None:
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(RedisError):
                    if (await self.redis_info())["process_id"] != info["process_id"]:
                        return
                await asyncio.sleep(POLL_SECONDS)

    async def fail_over(self, seconds: float = 1.0) -> None:
        """Have Redis end, and one take over that has not seen its last seconds."""
        behind = self.redis_data.with_name("replica")
        shutil.rmtree(behind, ignore_errors=True)
        behind.mkdir()
        for name in ("appendonlydir",):
            await asyncio.to_thread(shutil.copytree, self.redis_data / name, behind / name)
        await asyncio.sleep(seconds)
        info = await self.redis_info()
        os.kill(int(info["process_id"]), signal.SIGKILL)
        # Its keeper starts another after a second.
        (self.redis_data / "appendonlydir").rename(behind / "lost")
        (behind / "appendonlydir").rename(self.redis_data / "appendonlydir")
        self.failovers += 1
        await self._until_another(info)

    async def redis_info(self) -> dict[str, Any]:
        info: dict[str, Any] = await self.store.redis.info("server")
        return info

    # What came of it

    async def settle(self, seconds: float) -> None:
        """Wait until nothing is left to do: no message, no unfinished review, no open ending,
        no delivery that did not arrive."""
        left: list[str] = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    with contextlib.suppress(RedisError):
                        left = [*self.undelivered(), *await self.work_left()]
                        if not left:
                            return
                    await asyncio.sleep(0.2)
        except TimeoutError:
            outcomes = "\n".join(left[:30])
            raise AssertionError(
                f"After {seconds:.0f} s there is work left ({len(left)}):\n{outcomes}\n"
                f"{self.log_tail()}"
            ) from None

    def undelivered(self) -> list[str]:
        """The GUIDs of deliveries that no attempt has brought to us."""
        attempts = self.sandbox.state.deliveries
        arrived = {attempt.guid for attempt in attempts if attempt.status == "OK"}
        return sorted({attempt.guid for attempt in attempts} - arrived)

    async def unnoticed_failover(self) -> bool:
        """Whether the scheduler has yet to look what the last one has lost."""
        run_id = await self.store.deliveries.redis_run_id()
        return await self.store.deliveries.redis_changed(run_id)

    def redeliveries_under_way(self) -> int:
        """How many GitHub was asked for and has not tried yet."""
        asked = sum(
            exchange.path.endswith("/attempts") and exchange.status == 202
            for exchange in self.sandbox.requests
        )
        return asked - sum(attempt.redelivery for attempt in self.sandbox.state.deliveries)

    async def work_left(self) -> list[str]:
        async with self.store.redis.pipeline(transaction=True) as pipe:
            pipe.zrange(keys.ACTIVE, 0, -1)
            pipe.zrange(keys.ENDING, 0, -1)
            pipe.smembers(keys.QUEUED_DELIVERIES)
            for queue in ALL_QUEUES:
                pipe.hvals(keys.queue_messages(queue))
            return [item.decode() for found in await pipe.execute() for item in found]

    async def dead_letters(self) -> list[str]:
        found: list[str] = []
        for queue in QUEUES:
            bodies: Any = await self.store.redis.hvals(keys.dead_letter_messages(queue))
            found += [body.decode() for body in bodies]
        return found

    def wrong(self) -> list[str]:
        """What is not as it should be: for each pull request one completed check run for its
        last head and one review that speaks of it."""
        found: list[str] = []
        for account in ACCOUNTS:
            repo = self.repo(account)
            for pull in repo.pulls.values():
                runs = [run for run in repo.check_runs.values() if run.head_sha == pull.head_sha]
                # Whatever commit it was posted for, one speaks of the last.
                markers = [review_marker(run.external_id) for run in runs]
                reviews = [
                    review
                    for review in repo.reviews.values()
                    if review.number == pull.number and review.body.startswith(tuple(markers))
                ]
                outcomes = [(run.status, run.conclusion) for run in runs]
                if outcomes != [("completed", "success")] or len(reviews) != 1:
                    found.append(f"{account}#{pull.number}: {outcomes}, {len(reviews)} reviews")
            found += [
                f"{account}: check run {run.id} is {run.status}"
                for run in repo.check_runs.values()
                if run.status != "completed"
            ]
        return found

    async def leftover_keys(self) -> list[str]:
        """Keys of work in progress, and keys that would stay for ever but are not known to."""
        found: list[str] = []
        passing = (
            "queued_deliveries",
            "scan:",
            "batches:",
            "results:",
            "running:",
            "parked:",
            "active",
            "ending",
        )
        staying = (
            *("reviews", "redelivery_checked_until", "redis_run_id", "metrics", "ended_reviews"),
            *("audit", "outcome_pulls", "outcome_counts", "format"),
        )
        async for key in self.store.redis.scan_iter(count=1000):
            name = key.decode()
            kind = name.removeprefix(keys.PREFIX)
            if name.startswith(keys.NAMESPACE):
                if name.endswith(".msgs") or name in {keys.queue(q) for q in ALL_QUEUES}:
                    found.append(name)
            elif kind.startswith(passing) or (
                not kind.startswith(staying) and await self.store.redis.ttl(key) == -1
            ):
                found.append(name)
        return found

    def log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        error_lines = [line for line in lines if "error" in line or "Traceback" in line]
        return "\n".join([*error_lines[-20:], "...", *lines[-60:]])


async def keep_running(chaos: ChaosStage, name: str) -> None:
    """Start a process, again and again."""
    while not chaos.stopping:
        with chaos.log.open("ab") as log:
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                *PROCESSES[name],
                env=chaos.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        chaos.children[name] = child
        await child.wait()
        await asyncio.sleep(RESTART_SECONDS)


async def until_ready(chaos: ChaosStage) -> None:
    url = f"{chaos.environment['PUBLIC_URL']}/readyz"
    async with asyncio.timeout(60), httpx2.AsyncClient(verify=trusted()) as http:
        while True:
            with contextlib.suppress(httpx2.TransportError):
                if (await http.get(url)).status_code == 200:
                    return
            await asyncio.sleep(POLL_SECONDS)


async def until_working(chaos: ChaosStage) -> None:
    """Wait until every worker process takes messages."""
    workers = sum(1 for arguments in PROCESSES.values() if arguments[0] == "work")
    async with asyncio.timeout(60):
        while await chaos.store.redis.zcard(keys.HEARTBEATS) < workers:
            await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def running(directory: Path, **changed: str) -> AsyncIterator[ChaosStage]:
    """Start everything; `changed` are environment variables."""
    port = free_port()
    async with (
        embedded_redis(directory / "redis") as redis_url,
        LLMServer() as llm,
        Sandbox(
            webhook_url=f"http://127.0.0.1:{port}/webhooks/github", hourly_limit=1_000_000
        ) as sandbox,
    ):
        values = {
            "PATH": os.environ["PATH"],
            **environment(sandbox, port, directory),
            "REDIS_URL": redis_url,
            "OPENAI_BASE_URL": llm.url,
            "OPENAI_API_KEY": "sk-x",
            "LLM_MODEL": "small",
            "LLM_CONCURRENCY": "16",
            "WORKER_LOST_SECONDS": "4",
            "SWEEP_SECONDS": "2",
            "REDELIVERY_SECONDS": "2",
            "MIN_BACKOFF_MS": "200",
            "MAX_BACKOFF_SECONDS": "3",
            "GITHUB_TIMEOUT": "3",
            "SHUTDOWN_SECONDS": "6",
            **changed,
        }
        for account in ACCOUNTS:
            if account != "octo":
                sandbox.add_installation(account)
            await sandbox.add_repository(f"{account}/repo")
        redis: Redis = connect(redis_url)
        chaos = ChaosStage(
            sandbox,
            Store(redis, keep_seconds=3600),
            llm,
            values,
            directory / "processes.log",
            directory / "redis",
        )
        keepers = [asyncio.create_task(keep_running(chaos, name)) for name in PROCESSES]
        try:
            await until_ready(chaos)
            await until_working(chaos)
            yield chaos
        finally:
            chaos.stopping = True
            for name in chaos.children:
                chaos.kill(name, signal.SIGKILL)
            await asyncio.gather(*keepers)
            await redis.aclose()
