"""Many small reviews of 20 installations on more and more worker processes, with an LLM that takes
its time; and what one installation's storm costs the others."""

import functools
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.bench.generated_change import after, before
from tests.bench.results import Figure
from tests.bench.stage import Stage, Stopwatch, cores_busy, stage

#: Analysers cost processor time for each file alone; here it is the pipeline that is measured.
CONFIG = "analyzers:\n  disabled: [ruff, secrets, data, shellcheck, hadolint, oxlint]\n"

INSTALLATIONS = 20


async def measure(directory: Path, *, quick: bool) -> list[Figure]:
    reviews, counts = (12, (1, 2)) if quick else (200, (1, 2, 4))
    figures: list[Figure] = []
    first = 0.0
    for workers in counts:
        rate, share, memory = await _with(directory, workers, reviews)
        first = first or rate
        part = f"throughput, {workers} workers"
        figures += [
            Figure(part, f"reviews of {reviews}", rate, "/s"),
            Figure(part, "to one worker", rate / first, "×"),
            Figure(part, "cores busy, all that runs here included", share * 100, "%"),
            Figure("memory", f"worker, peak of {reviews} reviews on {workers}", memory, "MiB",
                   at_most=300),
        ]  # fmt: skip
    storm = 20 if quick else 200
    figures.append(
        Figure("throughput, 2 workers", f"{INSTALLATIONS - 1} reviews during a storm of {storm} "
               "of another installation, to the same alone", await _fairness(directory, storm), "×")
    )  # fmt: skip
    return figures


async def _with(directory: Path, workers: int, reviews: int) -> tuple[float, float, float]:
    """Reviews a second, the share of the cores that was busy, and the largest worker's peak."""
    async with _stage(directory, INSTALLATION_REVIEWS="100000") as here:
        await here.start({"web": ("web",)})
        owners = [f"org-{number}" for number in range(INSTALLATIONS)]
        await _open(here, [owners[number % INSTALLATIONS] for number in range(reviews)])
        await here.start({f"worker-{n}": ("work",) for n in range(workers)})
        busy, total = cores_busy()
        watch = Stopwatch()
        await here.until(lambda: _done(here, owners) >= reviews)
        seconds = watch.seconds
        busy_now, total_now = cores_busy()
        memory = max(here.memory(f"worker-{n}")[1] for n in range(workers))
        assert (
            sum(len(repo.reviews) for repo in here.sandbox.state.repositories.values()) == reviews
        )
    return reviews / seconds, (busy_now - busy) / (total_now - total), memory


async def _fairness(directory: Path, storm: int) -> float:
    """How much longer a review each of the other installations take while one has a storm of
    them, with the default limits."""
    seconds = []
    others = [f"org-{number}" for number in range(1, INSTALLATIONS)]
    for stormy in (False, True):
        async with _stage(directory) as here:
            await here.start({"web": ("web",)})
            await _open(here, ["org-0"] * storm * stormy)
            await _open(here, others)
            await here.start({f"worker-{n}": ("work",) for n in range(2)})
            watch = Stopwatch()
            await here.until(functools.partial(_all_done, here, others))
            seconds.append(watch.seconds)
    return seconds[1] / seconds[0]


def _stage(directory: Path, **changed: str) -> AbstractAsyncContextManager[Stage]:
    return stage(directory, latency=2, LLM_CONCURRENCY="1000", **changed)


async def _open(here: Stage, owners: Sequence[str]) -> None:
    """A pull request of each owner, in this order."""
    files = {".github/glossator.yml": CONFIG}
    for owner in owners:
        name = f"{owner}/many"
        if name not in here.sandbox.state.repositories:
            here.sandbox.add_installation(owner)
            await here.sandbox.add_repository(name)
        repo = here.sandbox.repository(name)
        # A module of its own each, or the answers kept would do.
        number = repo.id * 1000 + len(repo.pulls)
        base = await here.sandbox.commit(name, files | before([number]))
        head = await here.sandbox.commit(name, after([number]), parent=base)
        await here.sandbox.open_pull(name, base, head)


def _all_done(here: Stage, owners: Sequence[str]) -> bool:
    return _done(here, owners) >= len(owners)


def _done(here: Stage, owners: Sequence[str]) -> int:
    known = here.sandbox.state.repositories
    repositories = [known[name] for name in {f"{owner}/many" for owner in owners} & known.keys()]
    runs = [run for repo in repositories for run in repo.check_runs.values()]
    return sum(run.status == "completed" for run in runs)
