"""What it costs to start a process, and what it holds while it does nothing."""

import asyncio
import resource
import subprocess
import sys
from pathlib import Path

from tests.bench.results import Figure, median
from tests.bench.stage import Stopwatch, stage

#: Seconds for a process to come to rest after it took its first message or request.
REST_SECONDS = 2

MODULES = {"web": ("bot.web.app", 0.6), "worker": ("workers.main", 1.2)}


async def measure(directory: Path, *, quick: bool) -> list[Figure]:
    times = 3 if quick else 9
    figures: list[Figure] = []
    for name, (module, most) in MODULES.items():
        walls, cpus = zip(*(_imported(module) for _ in range(times + 1)), strict=True)
        figures += [
            Figure("import", f"{name}, median of {times}", median(walls[1:]), "s", at_most=most),
            Figure("import", f"{name}, processor time", median(cpus[1:]), "s", at_most=most),
        ]
    async with stage(directory) as here:
        await here.start({"web": ("web",), "worker": ("work",)})
        await asyncio.sleep(REST_SECONDS)
        figures += [
            Figure("memory", "web, idle", here.memory("web")[0], "MiB"),
            Figure("memory", "worker, idle", here.memory("worker")[0], "MiB", at_most=120),
        ]
    return figures


def _imported(module: str) -> tuple[float, float]:
    """Seconds and processor seconds of a fresh interpreter that imports the module."""
    before, watch = resource.getrusage(resource.RUSAGE_CHILDREN), Stopwatch()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return watch.seconds, now.ru_utime + now.ru_stime - before.ru_utime - before.ru_stime
