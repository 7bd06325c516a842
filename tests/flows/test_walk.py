"""The walk of a delivery: which files it runs through, and that it comes to each stage once.

A file is entered when one of its functions starts or goes on after a wait. What an import runs is
not counted.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

from redis.asyncio import Redis

from tests.flows.environment import World, running
from tests.support.llm_server import LLMServer

ROOT = Path(__file__).parents[2]

BEFORE = {"shop.py": "def total(prices):\n    return sum(prices)\n"}
AFTER = {"shop.py": "def total(prices):\n    return sum(price for price in prices)\n"}

STAGES = tuple(f"workers/review/{stage}.py" for stage in ("scan", "analyze", "publish", "conclude"))

#: The files between the stages that say what is done, in the order in which they come.
LANDMARKS = (
    "bot/webhooks/receiver.py",
    "bot/webhooks/translate.py",
    "bot/store/deliveries.py",
    "workers/queue/actor.py",
    "workers/events/dispatch.py",
    "workers/events/start_review.py",
    "workers/review/scan.py",
    "workers/scan/scan.py",
    "workers/review/analyze.py",
    "workers/analysis/read_batch.py",
    "workers/review/publish.py",
    "workers/reports/merge.py",
    "workers/reports/github_review.py",
)


@dataclass
class Walk:
    """`entries` are files in the order in which they are entered, each name once in a row."""

    entries: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def record(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event != "call" or code.co_name == "<module>":
            return
        name = self.names.get(code.co_filename)
        if name is None:
            name = self.names[code.co_filename] = _name(code.co_filename)
        if name and self.entries[-1:] != [name]:
            self.entries.append(name)

    @property
    def first_entries(self) -> list[str]:
        return list(dict.fromkeys(self.entries))

    @property
    def stages(self) -> list[str]:
        """The stages' files as they are come to: once each, unless one is come back to."""
        return [name for name, _ in groupby(entry for entry in self.entries if entry in STAGES)]


def _name(filename: str) -> str:
    """The file's path from the root, "" for what is not ours."""
    path = Path(filename)
    if not path.is_relative_to(ROOT):
        return ""
    name = str(path.relative_to(ROOT))
    return name if name.startswith(("bot/", "workers/")) else ""


@contextmanager
def recorded() -> Iterator[Walk]:
    """Record the walk of this thread and of those that start meanwhile."""
    walk, before = Walk(), sys.getprofile()
    threading.setprofile(walk.record)
    sys.setprofile(walk.record)
    try:
        yield walk
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


async def _follow(walk: Walk, world: World) -> None:
    """Have `walk` hold what the delivery of an opened pull request sets off, and nothing else."""
    walk.entries.clear()
    await world.open_pull(BEFORE, AFTER)
    await world.settle()


async def test_a_delivery_comes_to_each_stage_once(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> None:
    with recorded() as walk:
        async with running(redis_url, redis, tmp_path, **llm.settings) as world:
            await _follow(walk, world)
            [check_run] = world.check_runs
    assert check_run.status == "completed"
    scan, analyze, publish, _ = STAGES
    assert walk.stages == [scan, analyze, publish]
    assert [name for name in walk.first_entries if name in LANDMARKS] == list(LANDMARKS)


async def test_a_review_that_runs_out_of_time_is_concluded_once(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> None:
    llm.answering.clear()
    settings: dict[str, Any] = {**llm.settings, "step_seconds": 5}
    with recorded() as walk:
        async with running(redis_url, redis, tmp_path, **settings) as world:
            await _follow(walk, world)
            [check_run] = world.check_runs
    assert check_run.status == "completed"
    assert len(walk.stages) == len({*walk.stages})
    assert (walk.stages[0], walk.stages[-1]) == (STAGES[0], STAGES[-1])
