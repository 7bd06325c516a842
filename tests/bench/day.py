"""What 20 busy installations deliver, at the rate of 50,000 deliveries in an hour and in bursts:
how much of it reaches GitHub, and what stays in Redis."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.sandbox.state import Repository
from bot.sandbox.webhooks import repository_event
from tests.bench.generated_change import after, before, path, touched
from tests.bench.resources import redis_bytes
from tests.bench.results import Figure, percentile
from tests.bench.stage import Stage, Stopwatch, stage

INSTALLATIONS = 20
PULLS = 3
#: 50,000 deliveries in an hour; bursts bring a fifth of them, 40 at once.
RATE = 50_000 / 3600
BURST, BURST_SHARE = 40, 0.2

#: Of a hundred deliveries. Checks of other Apps are most of what GitHub sends to one that may
#: read checks: each job of each workflow is created and completed.
MIX = {
    "check_run": 44,
    "check_suite": 18,
    "issue_comment": 12,
    "labeled": 8,
    "review": 6,
    "push": 5,
    "edited": 3,
    "closed and opened again": 2,
    "/review": 1,
    "opened": 1,
}


@dataclass
class Day:
    """What is delivered to, and by whom."""

    here: Stage
    chance: random.Random
    repositories: list[Repository] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    seconds: list[float] = field(default_factory=list)

    async def begin(self, installations: int) -> None:
        for number in range(installations):
            self.here.sandbox.add_installation(f"org-{number}")
            repo = await self.here.sandbox.add_repository(f"org-{number}/app")
            self.repositories.append(repo)
            for _ in range(PULLS):
                await self.open(repo)

    async def open(self, repo: Repository) -> None:
        number = next(self.numbers)
        sandbox = self.here.sandbox
        base = await sandbox.commit(repo.full_name, before([number]))
        head = await sandbox.commit(repo.full_name, after([number]), parent=base)
        await sandbox.open_pull(repo.full_name, base, head)

    async def happens(self, what: str) -> None:
        """One event of a repository, delivered and answered."""
        repo = self.chance.choice(self.repositories)
        name, sandbox = repo.full_name, self.here.sandbox
        number = self.chance.choice([n for n, pull in repo.pulls.items() if pull.state == "open"])
        watch = Stopwatch()
        match what:
            case "check_run" | "check_suite":
                await sandbox.deliver(what, _of_another_app(self.here, repo, what))
            case "issue_comment":
                await sandbox.comment(name, number, "Looks right to me, but see the other thread.")
            case "/review":
                await sandbox.comment(name, number, "/review full")
            case "labeled":
                await sandbox.label(name, number, f"area-{self.chance.randrange(5)}")
            case "review":
                await sandbox.submit_review(name, number, "Some thoughts.")
            case "edited":
                await sandbox.edit_title(name, number, "Another title")
            case "push":
                touches = next(self.numbers)
                head = await sandbox.commit(
                    name, {path(touches): touched(touches)}, parent=repo.pulls[number].head_sha
                )
                watch = Stopwatch()
                await sandbox.push(name, number, head)
            case "closed and opened again":
                await sandbox.close(name, number)
                await sandbox.reopen(name, number)
            case "opened":
                await self.open(repo)
            case _:
                raise AssertionError(what)
        self.seconds.append(watch.seconds)


def _of_another_app(here: Stage, repo: Repository, event: str) -> dict[str, Any]:
    body = repository_event(here.sandbox.state, repo, "completed", "github-actions[bot]")
    about = {
        "id": here.sandbox.state.next_id(),
        "head_sha": next(iter(repo.pulls.values())).head_sha,
        "name": "build",
        "status": "completed",
        "conclusion": "success",
        "app": {"id": 15368, "slug": "github-actions"},
        "pull_requests": [],
    }
    return body | {event: about}


async def measure(directory: Path, *, quick: bool) -> list[Figure]:
    installations, deliveries, each = (3, 120, 4) if quick else (INSTALLATIONS, 5_000, 50)
    async with stage(directory, latency=2, LLM_CONCURRENCY="100") as here:
        await here.start(
            {
                "web": ("web",),
                "events": ("work", "--queues", "events,reports"),
                "worker": ("work", "--queues", "scan,analysis"),
            }
        )
        day = Day(here, random.Random(1))
        await day.begin(installations)
        await _idle(here)
        figures = [
            Figure("requests", f"{what}, GitHub requests of one", asked, "")
            for what in MIX
            if what not in ("opened", "push", "/review")  # they are reviews: see there
            for asked in [await _requests(day, what, each)]
        ]
        return figures + await _replayed(day, deliveries)


async def _requests(day: Day, what: str, times: int) -> float:
    before = len(day.here.sandbox.requests)
    for _ in range(times):
        await day.happens(what)
    await _idle(day.here)
    api = [each for each in day.here.sandbox.requests[before:] if each.path.startswith("/api/")]
    return len(api) / times


async def _replayed(day: Day, deliveries: int) -> list[Figure]:
    here, chance = day.here, day.chance
    plan = chance.choices(list(MIX), weights=list(MIX.values()), k=deliveries)
    kept, cpu, watch = await redis_bytes(here), here.processor("web"), Stopwatch()
    day.seconds.clear()
    async with asyncio.TaskGroup() as group:
        for batch in _bursts(plan, chance):
            for what in batch:
                group.create_task(day.happens(what))
            await asyncio.sleep(len(batch) / RATE)  # the pace is what is told
    delivered = watch.seconds
    await _idle(here)
    reviews = sum(len(repo.reviews) for repo in day.repositories)
    counts = Counter(plan)
    asked = counts["opened"] + counts["push"] + counts["/review"]
    part = f"day, {deliveries:,} deliveries"
    return [
        Figure(part, "deliveries a second", deliveries / delivered, "/s"),
        Figure(part, "reviews asked for", asked, ""),
        Figure(part, "reviews posted, with those before", reviews, ""),
        Figure(part, "seconds from the last delivery to rest", watch.seconds - delivered, "s"),
        Figure(part, "p50 of an answer", percentile(day.seconds, 0.5) * 1000, "ms"),
        Figure(part, "p99 of an answer", percentile(day.seconds, 0.99) * 1000, "ms"),
        Figure(part, "processor time of the web process, a delivery",
               (here.processor("web") - cpu) / deliveries * 1e6, "µs"),
        Figure(part, "kept in Redis, a delivery",
               (await redis_bytes(here) - kept) / deliveries / 1024, "KiB"),
    ]  # fmt: skip


def _bursts(plan: Sequence[str], chance: random.Random) -> list[list[str]]:
    """The plan cut into single deliveries, and bursts that bring BURST_SHARE of them."""
    batches, rest = list[list[str]](), list(plan)
    single = BURST * (1 - BURST_SHARE) / BURST_SHARE
    while rest:
        size = BURST if chance.random() < 1 / (single + 1) else 1
        batches.append(rest[:size])
        del rest[:size]
    return batches


async def _idle(here: Stage) -> None:
    """Wait until no message waits and no review runs."""

    async def rests() -> bool:
        queues = await here.store.queues.all()
        if any(queue.waiting or queue.delayed or queue.unacked for queue in queues):
            return False
        repositories = here.sandbox.state.repositories.values()
        runs = [run for repo in repositories for run in repo.check_runs.values()]
        return all(run.status == "completed" for run in runs)

    await here.until(rests)
