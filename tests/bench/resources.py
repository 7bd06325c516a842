"""What one review costs each kind of process in processor time, and Redis in memory: the
figures of the sizing table in docs/scaling.md. Other load on the machine does not change them.
"""

import os
import shutil
from pathlib import Path

from bot.sandbox.state import Repository
from tests.bench.generated_change import after, before
from tests.bench.results import Figure
from tests.bench.stage import Stage, stage

#: The processes of several machines.
APART = {
    "web": ("web",),
    "events": ("work", "--queues", "events,reports"),
    "scan": ("work", "--queues", "scan"),
    "analysis": ("work", "--queues", "analysis"),
}

#: Changed files, and how many reviews of them.
FULL = ((1, 20), (10, 10), (40, 5))
QUICK = ((1, 3), (10, 2))

TICKS = os.sysconf("SC_CLK_TCK")


async def measure(directory: Path, *, quick: bool) -> list[Figure]:
    figures: list[Figure] = []
    async with stage(directory, PATH=_only_git(directory)) as here:
        await here.start(APART)
        await _review(here, "octo/warm", 10, 1)
        for files, reviews in QUICK if quick else FULL:
            part = f"size, review of {files}"
            cpu, memory = {name: _processor(here, name) for name in APART}, await redis_bytes(here)
            await _review(here, f"octo/of-{files}", files, reviews)
            for name in APART:
                seconds = (_processor(here, name) - cpu[name]) / reviews
                figures.append(Figure(part, f"processor, {name}", seconds, "s"))
            grown = (await redis_bytes(here) - memory) / reviews / 1024
            figures.append(Figure(part, "kept in Redis", grown, "KiB"))
        for name in APART:
            figures.append(Figure("size", f"memory, {name}, peak", here.memory(name)[1], "MiB"))
        figures.append(await _waiting(here, 50 if quick else 500))
    return figures


def _only_git(directory: Path) -> str:
    """A PATH without bubblewrap, which does not wait for what it runs: the time of that would
    be nobody's."""
    git = shutil.which("git")
    assert git is not None
    (directory / "bin").mkdir()
    (directory / "bin/git").symlink_to(git)
    return str(directory / "bin")


async def _review(here: Stage, name: str, files: int, reviews: int) -> None:
    repo = await _opened(here, name, files, reviews)
    await here.until(lambda: all(here.reviewed(repo, number) for number in repo.pulls))


async def _opened(here: Stage, name: str, files: int, pulls: int) -> Repository:
    """Pull requests of so many files each, none like another."""
    repo = await here.sandbox.add_repository(name)
    for pull in range(pulls):
        first = repo.id * 100_000 + pull * files
        numbers = range(first, first + files)
        base = await here.sandbox.commit(name, before(numbers))
        head = await here.sandbox.commit(name, after(numbers), parent=base)
        await here.sandbox.open_pull(name, base, head)
    return repo


async def _waiting(here: Stage, pulls: int) -> Figure:
    """What a pull request needs in Redis that was announced and waits for its workers."""
    await here.stop("events", "scan", "analysis")
    memory = await redis_bytes(here)
    await _opened(here, "octo/waiting", 1, pulls)
    return Figure(
        "size", "a delivery that waits", (await redis_bytes(here) - memory) / pulls / 1024, "KiB"
    )


async def redis_bytes(here: Stage) -> int:
    """Bytes of all that is kept in Redis, without what its clients and its allocator need."""
    redis = here.store.redis
    keys = [key async for key in redis.scan_iter(count=1000)]
    sizes = [await redis.memory_usage(key, samples=0) for key in keys]
    return sum(size or 0 for size in sizes)


def _processor(here: Stage, name: str) -> float:
    """Seconds of processor time of a process so far, with the programs that it ran and that
    have ended (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html)."""
    stat = Path(f"/proc/{here.children[name].pid}/stat").read_text()
    return sum(map(int, stat.rpartition(")")[2].split()[11:15])) / TICKS
