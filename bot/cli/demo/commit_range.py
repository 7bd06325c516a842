"""Which commits of somebody's repository become the demo's pull request."""

import subprocess
from pathlib import Path

from bot.runtime.subprocesses import GIT

#: Fewer changed files make no demo worth looking at.
MIN_FILES = 20


class DemoFailed(Exception):
    """Raised when the demo ends without a review; the message says why."""


def choose_range(source: Path, commits: str) -> tuple[str, str]:
    """The base and head commits: of `base..head`, else the newest that change a fair number of
    files. Raises DemoFailed for what git cannot resolve."""
    if not commits:
        return _recent(source)
    base, dots, head = commits.partition("..")
    if not dots:
        raise DemoFailed(f"RANGE is {commits!r}: write it as base..head.")
    chosen = _commit(source, base), _commit(source, head.lstrip(".") or "HEAD")
    if not _git(source, "diff", "--no-ext-diff", "--name-only", "...".join(chosen)):
        raise DemoFailed(f"RANGE {commits} changes nothing: choose another one.")
    return chosen


def subject(source: Path, head: str) -> str:
    """The first line of the commit's message."""
    return _git(source, "log", "-1", "--format=%s", head).strip() or "Change things"


def _recent(source: Path) -> tuple[str, str]:
    head = _commit(source, "HEAD")
    history = _git(source, "rev-list", "--first-parent", "--max-count=50", head).split()
    for base in history[1:]:
        compared = ("--no-ext-diff", "--name-only", f"{base}...{head}")
        files = _git(source, "diff", *compared).splitlines()
        if len(files) >= MIN_FILES:
            return base, head
    if len(history) < 2:
        raise DemoFailed(
            f"{source} has fewer than two commits. Choose another repository with REPO=path."
        )
    return history[-1], head


def _commit(source: Path, name: str) -> str:
    try:
        named = f"{name}^{{commit}}"
        return _git(source, "rev-parse", "--verify", "--quiet", "--end-of-options", named).strip()
    except DemoFailed as exc:
        raise DemoFailed(f"{name!r} is not a branch or commit of {source}.") from exc


def _git(source: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            [*GIT, "-C", str(source), *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # a path may be any bytes
            check=True,
        )
    except FileNotFoundError as exc:
        raise DemoFailed("git is not installed.") from exc
    except subprocess.CalledProcessError as exc:
        raise DemoFailed(f"git {arguments[0]} in {source}: {exc.stderr.strip()}") from exc
    return done.stdout
