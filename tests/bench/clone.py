"""The clone of a scan against bare git with the same depth and filter, over growing history."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from bot.config.settings import Settings
from tests.bench.generated_change import after, before
from tests.bench.results import Figure, median
from tests.bench.stage import Stopwatch
from tests.support.repositories import Repository
from workers.scan.repository.clone import Source, clone

FILES = 40
COMMITS = 100_000
LOCAL = ("file",)

Files = Mapping[str | bytes, str | bytes]


async def measure(directory: Path, *, quick: bool) -> list[Figure]:
    times = 3 if quick else 15
    commits = 2_000 if quick else COMMITS
    small = _small(Repository(directory / "small.git"))
    large = _large(Repository(directory / "large.git"), commits)
    settings = Settings(_env_file=None)
    clone_seconds: dict[str, list[float]] = {"small": [], "large": []}
    bare: dict[str, list[float]] = {"small": [], "large": []}
    for number in range(times + 1):
        for name, source in (("small", small), ("large", large)):
            one = _bare(source, directory / f"bare-{name}-{number}")
            other = await _ours(source, settings)
            if number:
                bare[name].append(one)
                clone_seconds[name].append(other)
    figures = []
    for name in ("small", "large"):
        history = "2 commits" if name == "small" else f"{commits:,} commits"
        ratio = median([o / b for o, b in zip(clone_seconds[name], bare[name], strict=True)])
        figures += [
            Figure(
                "clone", f"ours, {history}, median of {times}", median(clone_seconds[name]), "s"
            ),
            Figure("clone", f"bare git, {history}", median(bare[name]), "s"),
            Figure("clone", f"ours to bare git, {history}", ratio, "×"),
        ]
    growth = median(clone_seconds["large"]) / median(clone_seconds["small"])
    return [*figures, Figure("clone", f"{commits:,} commits to 2", growth, "×", at_most=1.25)]


def _small(repository: Repository) -> Source:
    return repository.change(cast(Files, before(range(FILES))), cast(Files, after(range(FILES))))


def _large(repository: Repository, commits: int) -> Source:
    """The same change on top of a long history, each commit of which touches one file."""
    script = bytearray()
    for number in range(commits):
        text = f"{number}\n"
        script += (
            "commit refs/heads/history\n"
            f"committer A <a@example.org> {1_600_000_000 + number} +0000\n"
            f"data 2\nx\nM 100644 inline log/{number % 100}.txt\ndata {len(text)}\n{text}\n"
        ).encode()
    repository.git("fast-import", "--quiet", stdin=bytes(script))
    source = _small(repository)
    base = repository.commit_of(
        repository.git("rev-parse", f"{source.merge_base}^{{tree}}"), "refs/heads/history"
    )
    head = repository.commit_of(repository.git("rev-parse", f"{source.head_sha}^{{tree}}"), base)
    return repository.pull(base, head)


async def _ours(source: Source, settings: Settings) -> float:
    """Both commits and all the blobs of the change."""
    watch = Stopwatch()
    async with clone(source, settings, protocols=LOCAL) as here:
        changed = await here.names()
        await here.fetch(blob for f in changed for blob in (f.old_blob, f.new_blob) if blob)
        return watch.seconds


def _bare(source: Source, target: Path) -> float:
    """The same by hand: no limits, no checks."""
    watch = Stopwatch()
    _git(target, "init", "--quiet", "--bare", str(target))
    _git(target, "remote", "add", "origin", source.url)
    commits_to_fetch = (source.merge_base, source.head_sha)
    fetch = ("fetch", "--quiet", "--no-tags", "--filter=blob:none")
    _git(target, *fetch, "--depth=1", "origin", *commits_to_fetch)
    raw = _git(target, "diff-tree", "-r", "--no-renames", *commits_to_fetch)
    blobs = {word for line in raw.splitlines() for word in line.split(" ")[2:4]}
    _git(target, *fetch, "--stdin", "origin", stdin="\n".join(blobs))
    return watch.seconds


def _git(target: Path, *arguments: str, stdin: str = "") -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(target),
        "GIT_DIR": str(target),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "fetch.negotiationAlgorithm",
        "GIT_CONFIG_VALUE_0": "noop",
    }
    done = subprocess.run(
        ["git", *arguments], env=environment, input=stdin, capture_output=True, check=True,
        text=True,
    )  # fmt: skip
    return done.stdout
