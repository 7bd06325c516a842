"""What a review reads of a repository, against the repository's size: the scan with its search for
callers and leftovers, and one round of look-ups; without anything kept, and with the cache."""

from dataclasses import replace
from pathlib import Path

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.look_ups import LookUp, Operation
from tests.bench.generated_change import after, before, path
from tests.bench.results import Figure, median
from tests.bench.stage import Stopwatch
from tests.support.repositories import Repository
from tests.support.run_scan import scanned
from workers.repository.code_source import code_source
from workers.scan.repository.clone import Source

SMALL, LARGE = 1_000, 20_000
CHANGED = 10
LOCAL = ("file",)


async def measure(directory: Path, *, quick: bool) -> list[Figure]:
    sizes = (SMALL // 10, LARGE // 10) if quick else (SMALL, LARGE)
    times = 1 if quick else 5
    sources = {
        size: _repository(Repository(directory / f"{size}.git"), size, number)
        for number, size in enumerate(sizes, start=1)
    }
    nothing_kept = _settings(directory, 0)
    kept = _settings(directory, 2048)
    cold: dict[int, list[float]] = {size: [] for size in sizes}
    warm: dict[int, list[float]] = {size: [] for size in sizes}
    for number in range(times + 1):
        for size, source in sources.items():
            first = await _read(source, nothing_kept)
            second = await _read(source, kept)
            if number:  # the first round fills the cache
                cold[size].append(first)
                warm[size].append(second)
    small, large = sizes
    figures = [
        Figure("repository", f"scan and look-ups, {size:,} commits and files, {what}", seconds, "s")
        for size in sizes
        for what, seconds in (
            ("nothing kept", median(cold[size])),
            ("with the cache", median(warm[size])),
        )
    ]
    return [
        *figures,
        _growth(f"{large:,} to {small:,}, nothing kept", cold[large], cold[small]),
        _growth(f"{large:,} to {small:,}, with the cache", warm[large], warm[small]),
    ]


def _growth(what: str, large: list[float], small: list[float]) -> Figure:
    ratios = [one / other for one, other in zip(large, small, strict=True)]
    return Figure("repository", what, median(ratios), "×")


def _settings(directory: Path, megabytes: int) -> Settings:
    return Settings(
        _env_file=None,
        llm_model="m",
        data_dir=directory / "data",
        repository_cache_mb=megabytes,
        analyzers_disabled=("ruff", "secrets", "oxlint"),
    )


def _repository(repository: Repository, size: int, number: int) -> Source:
    """So many commits, each of which adds a module in a folder; then the change."""
    script = bytearray()
    for each in range(size):
        text = f"import math\n\n\ndef use_{each}(value):\n    return math.floor(value) + {each}\n"
        script += (
            "commit refs/heads/history\n"
            f"committer A <a@example.org> {1_600_000_000 + each} +0000\n"
            f"data 2\nx\nM 100644 inline lib/{each % 50}/module_{each}.py\n"
            f"data {len(text)}\n{text}\n"
        ).encode()
    repository.git("fast-import", "--quiet", stdin=bytes(script))
    base, head = (
        _on_history(repository, files) for files in (before(range(CHANGED)), after(range(CHANGED)))
    )
    return replace(repository.pull(base, head), installation_id=1, repository_id=number)


def _on_history(repository: Repository, files: dict[str, str]) -> str:
    script = bytearray(
        b"commit refs/heads/change\ncommitter A <a@example.org> 1700000000 +0000\n"
        b"data 2\nx\nfrom refs/heads/history\n"
    )
    for name, text in files.items():
        data = text.encode()
        script += f"M 100644 inline {name}\ndata {len(data)}\n".encode() + data + b"\n"
    repository.git("fast-import", "--quiet", "--force", stdin=bytes(script))
    return repository.git("rev-parse", "refs/heads/change")


async def _read(source: Source, settings: Settings) -> float:
    watch = Stopwatch()
    scan = (await scanned(source, settings)).scan
    look_ups = [
        LookUp(operation=Operation.USES, symbol="step_000001_2", path=path(1)),
        LookUp(operation=Operation.DEFINITION, symbol="step_000002_3", path=path(2)),
        LookUp(operation=Operation.SEARCH, pattern="math.floor"),
        LookUp(operation=Operation.READ, path="lib/7/module_7.py"),
        LookUp(operation=Operation.LIST, path="lib/3"),
    ]
    async with code_source(source, settings, RepoConfig(), scan, protocols=LOCAL) as code:
        await code.answer(look_ups)
    return watch.seconds
