"""Figures for Prometheus, of all processes together: counted in memory, kept by the store.

Each process adds up what it counts and saves it every second (`bot.store.metrics`), so that
counting costs nothing on the way of the work, and any web process can show the sum:
`name{label="value",...}` -> number. A process that is killed loses its last second.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import asyncio
import os
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from bot.domain.model import Usage
from bot.runtime.tasks import stop

FLUSH_SECONDS = 1.0

#: Upper bounds of the histogram of steps, in seconds.
BUCKETS = (0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800)

#: name -> (type, what it says). Those without a place in Redis are read when asked for.
CATALOG = {
    "glossator_deliveries_total": ("counter", "Deliveries by event and outcome."),
    "glossator_reviews_total": ("counter", "Reviews by the state in which they ended."),
    "glossator_late_check_runs_total": (
        "counter",
        "Posted reviews whose check run could not be completed in time.",
    ),
    "glossator_findings_total": ("counter", "Reported findings, by severity."),
    "glossator_finding_outcomes_total": (
        "counter",
        "Findings posted, and what became of them: fixed, committed, dismissed, thumbs_up, "
        "thumbs_down, answered, outdated. One may count under several.",
    ),
    "glossator_finding_fix_seconds": (
        "summary",
        "Time from posting a finding to its fix, in seconds.",
    ),
    "glossator_stage_seconds": ("histogram", "Duration of a stage, in seconds."),
    "glossator_llm_calls_total": ("counter", "LLM calls that got an answer."),
    "glossator_llm_cache_hits_total": ("counter", "LLM answers served from the cache."),
    "glossator_llm_files_total": ("counter", "Files given to the LLM: read, or unread."),
    "glossator_llm_tokens_total": ("counter", "Tokens by kind: prompt, cached, completion."),
    "glossator_llm_cost_total": ("counter", "Cost in US dollars, by LLM_PRICES."),
    "glossator_github_requests_total": ("counter", "Requests to GitHub by method, route, status."),
    "glossator_github_rate_limit_remaining": (
        "gauge",
        "Requests left in an installation's current rate limit window.",
    ),
    "glossator_queue_messages": ("gauge", "Messages in a queue: waiting, unacked, delayed, dead."),
    "glossator_queue_oldest_seconds": ("gauge", "Age of the oldest waiting message."),
    "glossator_workers_alive": ("gauge", "Live worker processes."),
    "glossator_worker_slots": ("gauge", "Worker slots: total and busy."),
    "glossator_process_memory_bytes": (
        "gauge",
        "Memory of the largest process of each kind, in bytes.",
    ),
    "glossator_feeds_open": ("gauge", "Open WebSocket feeds."),
    "glossator_event_loop_stalls_total": (
        "counter",
        "Times an event loop was blocked for 5 seconds.",
    ),
}


@dataclass(frozen=True, slots=True)
class Unsaved:
    """`sums` are to be added, by series; `limits` are what installations have left of their rate
    limits and until when (Unix seconds), as far as that is new; `gauges` are this process's
    present numbers, by series."""

    sums: Mapping[str, float]
    limits: Mapping[int, tuple[int, float]]
    gauges: Mapping[str, float]


class Sink(Protocol):
    """Where figures are kept. Both methods say whether it was done."""

    async def save(self, process: str, unsaved: Unsaved) -> bool: ...

    async def forget(self, process: str) -> bool: ...


class Metrics:
    """Counts in memory until `flush`. For one event loop, but `count` is safe in any thread
    that holds the GIL.

    `limits` tells what each installation has left, and until when; see `GitHubApp.remaining`.
    `current_gauges` tells what there is to say of this process now, by series.
    """

    def __init__(self, sink: Sink) -> None:
        self.limits: Callable[[], Mapping[int, tuple[int, float]]] = dict
        self.current_gauges: Callable[[], Mapping[str, float]] = dict
        self._process = uuid4().hex
        self._sink = sink
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._published_limits: Mapping[int, tuple[int, float]] = {}

    def stalled(self) -> None:
        """The event loop of this process stood still."""
        self.count("glossator_event_loop_stalls_total")

    def count(self, name: str, by: float = 1, **labels: Hashable) -> None:
        """Add to a counter."""
        self._sums[series(name, **labels)] += by

    def observe(self, name: str, seconds: float, **labels: Hashable) -> None:
        """Add to a histogram."""
        for bound in (*(bound for bound in BUCKETS if seconds <= bound), "+Inf"):
            self._sums[series(f"{name}_bucket", **labels, le=bound)] += 1
        self._sums[series(f"{name}_sum", **labels)] += seconds
        self._sums[series(f"{name}_count", **labels)] += 1

    def usage(self, usage: Usage) -> None:
        """Add what an LLM has cost."""
        for name, number in (
            ("glossator_llm_calls_total", usage.calls),
            ("glossator_llm_cache_hits_total", usage.cache_hits),
            ("glossator_llm_cost_total", usage.cost or 0),
        ):
            self.count(name, number)
        for kind, tokens in (
            ("prompt", usage.prompt_tokens),
            ("cached", usage.cached_tokens),
            ("completion", usage.completion_tokens),
        ):
            self.count("glossator_llm_tokens_total", tokens, kind=kind)

    def github(
        self, method: str, route: str, status: int, _seconds: float, _remaining: int | None
    ) -> None:
        """Note one exchange with GitHub; the hook of `bot.github.wire`."""
        self.count(
            "glossator_github_requests_total", method=method, route=route, status=status or "none"
        )

    async def flush(self) -> None:
        """Save what was counted since the last time; kept for later if that fails."""
        sums, self._sums = self._sums, defaultdict(float)
        limits = dict(self.limits())
        changed = {
            key: limit for key, limit in limits.items() if self._published_limits.get(key) != limit
        }
        unsaved = Unsaved(sums, changed, self.current_gauges())
        if not sums and not changed and not unsaved.gauges:
            return
        if await self._sink.save(self._process, unsaved):
            self._published_limits = limits
        else:
            for name, value in sums.items():
                self._sums[name] += value

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Metrics"]:
        """Flush every second until left, and then once more."""
        task = asyncio.create_task(self._flush_often())
        try:
            yield self
        finally:
            await stop(task)
            self.current_gauges = dict
            await self.flush()
            await self._sink.forget(self._process)

    async def _flush_often(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()


@lru_cache(maxsize=1024)
def series(name: str, **labels: Hashable) -> str:
    """A name with its labels, as Prometheus writes it."""
    pairs = ",".join(f'{key}="{_escape(str(value))}"' for key, value in labels.items())
    return f"{name}{{{pairs}}}" if pairs else name


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def exposition(values: dict[str, float]) -> str:
    """The text that Prometheus reads, grouped under the catalogue's names."""
    lines: list[str] = []
    for name, (kind, text) in CATALOG.items():
        matching = sorted((key for key in values if _family(key) == name), key=_order)
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
        lines += [f"{key} {values[key]:.10g}" for key in matching]
    return "\n".join(lines) + "\n"


def _order(key: str) -> tuple[str, str, float]:
    """Series of the same labels together, and the buckets of a histogram by their bounds."""
    name, _, labels = key.partition("{")
    bound = re.search(r',?le="([^"]+)"', labels)
    if bound is None:
        return labels, name, 0.0
    return labels.replace(bound[0], ""), name, float(bound[1])


def _family(key: str) -> str:
    name = key.partition("{")[0]
    for suffix in ("_bucket", "_sum", "_count"):
        if name.removesuffix(suffix) in CATALOG:
            return name.removesuffix(suffix)
    return name


#: https://man7.org/linux/man-pages/man5/proc_pid_statm.5.html
_STATM = Path("/proc/self/statm")


def resident_memory() -> int:
    """Bytes of memory that this process holds; 0 where the system does not tell."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
