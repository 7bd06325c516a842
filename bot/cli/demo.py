"""`glossator demo`: the whole App on this machine, against a sandbox GitHub.

Real commits of a real repository become a pull request; its delivery is signed and sent
to the real web process, and the review that stands on it at the end is printed.
"""

import asyncio
import os
import subprocess
import tempfile
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bot.cli.processes import process_group
from bot.config.settings import load
from bot.domain.model import State
from bot.runtime.signals import until_signal
from bot.runtime.subprocesses import GIT
from bot.runtime.tcp_ports import free_port
from bot.sandbox.server import Sandbox
from bot.sandbox.state import CheckRun, Repository
from bot.store import ReviewSummary, Store, connect
from bot.telemetry import log

#: The pull request's repository as the sandbox knows it.
NAME = "octo/demo"

#: A review that takes longer than this is told as failed.
TIMEOUT_SECONDS = 900

#: Commits of this repository's own history that hold defects on purpose: its evaluation cases.
SHOWCASE = (
    "adc8648ae90a7d3d86a2993bced55a0580ee2834",
    "b8449fe8824afaa56790954466050afc66970d63",
)

#: This repository's root, where the demo runs without `--repo`.
HOME = Path(__file__).parents[2]


class DemoFailed(Exception):
    """Raised when the demo ends without a review; the message says why."""


async def run_demo(repo: Path | None, commits: str, *, once: bool) -> None:
    """Show one review from the opened pull request to the end. Raises DemoFailed."""
    console = Console()
    source = (repo or HOME).expanduser().resolve()
    base, head = choose_range(source, commits)
    with tempfile.TemporaryDirectory(prefix="glossator-demo-") as data:
        port = free_port()
        async with Sandbox(webhook_url=f"http://127.0.0.1:{port}/webhooks/github") as sandbox:
            extra = environment(sandbox, port, Path(data))
            settings = load(**{name.lower(): value for name, value in extra.items()})
            log.configure(settings)
            console.print(f"Sandbox GitHub at {sandbox.url}; starting web and workers …")
            async with process_group(settings, extra) as redis_url:
                repository = await sandbox.add_repository(NAME, source)
                number = await sandbox.open_pull(
                    NAME, base, head, title=_title(source, head), body="Opened by the demo."
                )
                console.print(f"Pull request #{number} opened: {base[:10]}..{head[:10]}")
                redis = connect(redis_url)
                store = Store(redis, keep_seconds=86_400)
                try:
                    await _show_progress(console, store, repository, number)
                    check_run = _show_result(console, repository, number)
                finally:
                    await redis.aclose()
                if not once:
                    console.print(f"\nLive page: {check_run.details_url}\nCtrl-C ends the demo.")
                    await until_signal()


def environment(sandbox: Sandbox, port: int, data: Path) -> dict[str, str]:
    """What the App needs to be told to work with the sandbox; the LLM's settings, if any, are
    taken over from our own environment."""
    # The sandbox is on this machine, where a network's proxy cannot reach it.
    direct = ",".join(filter(None, (os.environ.get("NO_PROXY"), "127.0.0.1")))
    return {
        "NO_PROXY": direct,
        "no_proxy": direct,
        "GITHUB_API_URL": sandbox.api_url,
        "GITHUB_URL": sandbox.url,
        "GITHUB_APP_ID": str(sandbox.app_id),
        "GITHUB_PRIVATE_KEY": sandbox.private_key_pem,
        "GITHUB_WEBHOOK_SECRETS": sandbox.webhook_secret,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATA_DIR": str(data),
        "ENV_FILE": "",  # the App's own settings are no part of a demo
        "LOG_LEVEL": "WARNING",
    }


def choose_range(source: Path, commits: str) -> tuple[str, str]:
    """The base and head commits: of `base..head`, else the showcase where the repository has
    it, else the newest commits that change a fair number of files. Raises DemoFailed for what
    git cannot resolve."""
    if not commits:
        return SHOWCASE if all(_has_commit(source, sha) for sha in SHOWCASE) else _recent(source)
    base, dots, head = commits.partition("..")
    if not dots:
        raise DemoFailed(f"RANGE is {commits!r}: write it as base..head.")
    return _commit(source, base), _commit(source, head.lstrip(".") or "HEAD")


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


#: What makes a demo worth looking at.
MIN_FILES = 20


def _has_commit(source: Path, sha: str) -> bool:
    try:
        return bool(_commit(source, sha))
    except DemoFailed:  # another repository, or a shallow clone of this one
        return False


def _commit(source: Path, name: str) -> str:
    return _git(source, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}").strip()


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


def _title(source: Path, head: str) -> str:
    return _git(source, "log", "-1", "--format=%s", head).strip() or "Change things"


async def _show_progress(
    console: Console, store: Store, repository: Repository, number: int
) -> None:
    """Show the progress bar until the review is finished. Raises DemoFailed."""
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%")
    with Progress(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("Waiting for the delivery", total=100)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                while True:
                    now = await _summary(store, repository, number)
                    if now is not None:
                        bar.update(
                            task, completed=now.percent, description=now.progress.status_text
                        )
                        if now.state.finished:
                            break
                    await asyncio.sleep(0.1)
        except TimeoutError as exc:
            raise DemoFailed(f"The review did not finish within {TIMEOUT_SECONDS} s.") from exc
    if now.state is not State.COMPLETED:
        raise DemoFailed(f"The review ended as {now.state}. {now.error}")


async def _summary(store: Store, repository: Repository, number: int) -> ReviewSummary | None:
    current = (await store.pulls.get(repository.id, number)).current
    return await store.reviews.summary(current) if current else None


def _show_result(console: Console, repository: Repository, number: int) -> CheckRun:
    """Print what stands on the pull request now. Raises DemoFailed if there is no review."""
    reviews = [review for review in repository.reviews.values() if review.number == number]
    if not reviews:
        raise DemoFailed("No review was posted on the pull request.")
    [check_run] = repository.check_runs.values()
    console.rule("The review")
    console.print(Markdown(reviews[-1].body))
    for comment in repository.review_comments.values():
        console.rule(f"{comment.path}:{comment.line}", align="left", characters="┄")
        console.print(Markdown(comment.body))
    console.rule("The check run")
    console.print(f"{check_run.status}: {check_run.conclusion}")
    return check_run
