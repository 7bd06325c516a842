"""Whole reviews of growing changes against the least they could take, and what they ask of
GitHub and the LLM."""

import json
import math
import subprocess
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.bench.generated_change import after, before, path, touched
from tests.bench.results import Figure, median
from tests.bench.stage import SERVE, Stage, Stopwatch, stage

#: As in `Settings.llm_concurrency`.
CONCURRENCY = 4

#: Each batch is read, and then its findings are checked.
PASSES = 2

FULL = ((1, 3), (10, 3), (40, 3), (200, 2))
QUICK = ((1, 1), (10, 1))


@dataclass(frozen=True, slots=True)
class Run:
    """One review: how long it took and what it asked for."""

    seconds: float
    calls: int
    tokens: int
    requests: int


async def measure(directory: Path, *, quick: bool) -> list[Figure]:
    latency = 0.5 if quick else 2.0
    figures: list[Figure] = []
    async with stage(directory, latency=latency) as here:
        await here.start(SERVE)
        await _reviewed(here, "octo/warm", 2)
        for name in ("web", "worker"):
            now, _ = here.memory(name)
            figures.append(Figure("memory", f"{name}, after one small review", now, "MiB"))
        for files, times in QUICK if quick else FULL:
            figures += await _of_size(here, files, times, latency)
        figures += await _pushed_again(here)
        figures += [
            Figure(
                "memory",
                f"{name}, peak of these reviews",
                here.memory(name)[1],
                "MiB",
                at_most=300 if name == "worker" else None,
            )
            for name in ("web", "worker")
        ]
    return figures


async def _of_size(here: Stage, files: int, times: int, latency: float) -> list[Figure]:
    runs = [await _reviewed(here, f"octo/of-{files}-{n}", files) for n in range(times)]
    calls = runs[0].calls
    clone = _clone_seconds(here, f"octo/of-{files}-0")
    rounds = max(math.ceil(calls / CONCURRENCY), PASSES)
    ideal = clone + rounds * latency + await _publish_seconds(here, f"octo/of-{files}-0")
    took = median([run.seconds for run in runs])
    part = f"review of {files}"
    return [
        Figure(part, f"seconds, median of {times}", took, "s"),
        Figure(part, f"ideal: clone, {rounds} rounds of calls, one review", ideal, "s"),
        Figure(part, "to the ideal", took / ideal, "×", at_most=1.2 if files == 40 else None),
        Figure(part, "LLM calls", calls, ""),
        Figure(part, "LLM tokens", runs[0].tokens, ""),
        Figure(
            part,
            "GitHub requests, most of the runs",
            max(run.requests for run in runs),
            "",
            at_most=16 if files == 40 else None,
        ),
    ]


async def _reviewed(here: Stage, name: str, files: int) -> Run:
    """A first review of a change of so many files."""
    repo = await here.sandbox.add_repository(name)
    numbers = range(repo.id * 1000, repo.id * 1000 + files)
    base = await here.sandbox.commit(name, before(numbers))
    head = await here.sandbox.commit(name, after(numbers), parent=base)
    marks = _marks(here)
    watch = Stopwatch()
    number = await here.sandbox.open_pull(name, base, head)
    await here.until(lambda: here.reviewed(repo, number))
    return _run(here, watch.seconds, marks)


async def _pushed_again(here: Stage) -> list[Figure]:
    """A second push that touches one file of the largest change of at most 40."""
    name = max(
        (n for n in here.sandbox.state.repositories if n.startswith("octo/of-")),
        key=lambda n: (int(n.split("-")[1]) <= 40, int(n.split("-")[1]), n),
    )
    repo = here.sandbox.repository(name)
    parent = repo.pulls[1].head_sha
    number = repo.id * 1000
    head = await here.sandbox.commit(name, {path(number): touched(number)}, parent=parent)
    marks = _marks(here)
    watch = Stopwatch()
    await here.sandbox.push(name, 1, head)
    await here.until(lambda: here.reviewed(repo, 1))
    run = _run(here, watch.seconds, marks)
    llm_requests = [r for r in here.llm.requests[marks[0] :] if not r.asks_for_verdicts]
    part = "second push of 1"
    return [
        Figure(part, "seconds", run.seconds, "s"),
        Figure(part, "LLM calls of the first pass", len(llm_requests), "", at_most=1),
        Figure(part, "LLM calls, verification included", run.calls, ""),
        Figure(part, "LLM tokens", run.tokens, ""),
        Figure(part, "GitHub requests", run.requests, "", at_most=12),
    ]


def _marks(here: Stage) -> tuple[int, int]:
    return len(here.llm.requests), len(here.sandbox.requests)


def _run(here: Stage, seconds: float, marks: tuple[int, int]) -> Run:
    llm_requests = here.llm.requests[marks[0] :]
    api = [r for r in here.sandbox.requests[marks[1] :] if r.path.startswith("/api/")]
    # Four characters a token: the stand-in has no tokenizer of its own.
    tokens = sum(len(json.dumps(request.messages)) for request in llm_requests) // 4
    return Run(seconds, len(llm_requests), tokens, len(api))


def _clone_seconds(here: Stage, name: str) -> float:
    """What bare git needs for the same: two commits, then their blobs, of a local repository."""
    repo = here.sandbox.repository(name)
    pull, source = repo.pulls[1], repo.git_dir
    target = source.parent / f"bare-{source.name}"
    watch = Stopwatch()
    for arguments in (
        ("init", "--quiet", "--bare", str(target)),
        (
            *("-C", str(target), "fetch", "--quiet", "--depth=1", f"file://{source}"),
            *(pull.base_sha, pull.head_sha),
        ),
    ):
        subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *arguments],
            check=True,
            env={**here.environment, "GIT_CONFIG_NOSYSTEM": "1"},
        )
    return watch.seconds


async def _publish_seconds(here: Stage, name: str) -> float:
    """What the sandbox needs to take one review: the one that stands there, posted again."""
    llm_requests = next(
        r
        for r in here.sandbox.requests
        if r.method == "POST" and r.path == f"/api/v3/repos/{name}/pulls/1/reviews"
    )
    headers = {
        key: llm_requests.headers[key] for key in ("authorization", "content-type", "user-agent")
    }
    async with httpx2.AsyncClient() as http:
        watch = Stopwatch()
        answer = await http.post(
            f"{here.sandbox.url}{llm_requests.path}", content=llm_requests.body, headers=headers
        )
        assert answer.status_code == 200, answer.text
        return watch.seconds
