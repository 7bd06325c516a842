"""Many small reviews on more and more worker processes, with an LLM that takes its time."""

from pathlib import Path

from tests.bench.generated_change import after, before
from tests.bench.results import Figure
from tests.bench.stage import Stage, Stopwatch, cores_busy, stage

#: Analysers cost processor time for each file alone; here it is the pipeline that is measured.
CONFIG = "analyzers:\n  disabled: [ruff, bandit, secrets, data, shellcheck, hadolint, oxlint]\n"


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
    return figures


async def _with(directory: Path, workers: int, reviews: int) -> tuple[float, float, float]:
    """Reviews a second, the share of the cores that was busy, and the largest worker's peak."""
    async with stage(
        directory, latency=2, LLM_CONCURRENCY="1000", INSTALLATION_REVIEWS="100000"
    ) as here:
        name = "octo/many"
        repo = await here.sandbox.add_repository(name)
        await here.start({"web": ("web",)})
        files = {".github/glossator.yml": CONFIG}
        base = await here.sandbox.commit(name, files | before(range(1)))
        for number in range(reviews):
            # A module of its own each, or the answers kept would do.
            change = after(range(number + 1, number + 2))
            head = await here.sandbox.commit(name, change, parent=base)
            await here.sandbox.open_pull(name, base, head)
        await here.start({f"worker-{n}": ("work",) for n in range(workers)})
        busy, total = cores_busy()
        watch = Stopwatch()
        await here.until(lambda: _done(here) >= reviews)
        seconds = watch.seconds
        busy_now, total_now = cores_busy()
        memory = max(here.memory(f"worker-{n}")[1] for n in range(workers))
        assert len(repo.reviews) == reviews
    return reviews / seconds, (busy_now - busy) / (total_now - total), memory


def _done(here: Stage) -> int:
    runs = here.sandbox.repository("octo/many").check_runs.values()
    return sum(run.status == "completed" for run in runs)
