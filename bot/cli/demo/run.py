"""`glossator demo`: the whole App on this machine, against a sandbox GitHub.

A pull request is opened: the showcase's, or one made of commits of somebody's repository. Its
delivery is signed and sent to the real web process. Where no model is set, the showcase is read
by recorded answers, and other repositories by analyzers alone.
"""

import asyncio
import os
import secrets
import tempfile
import webbrowser
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from bot.cli.demo import output, recorded_reader, showcase
from bot.cli.demo.commit_range import DemoFailed, choose_range, subject
from bot.cli.processes import process_group
from bot.config.settings import Settings, load
from bot.domain.model import State
from bot.runtime.signals import until_signal
from bot.runtime.tcp_ports import free_port
from bot.sandbox.server import Sandbox
from bot.sandbox.state import Repository
from bot.store import ReviewSummary, Store, connect
from bot.telemetry import log

#: A repository of somebody's own as the sandbox knows it.
NAME = "octo/demo"

#: A review that takes longer than this is told as failed.
TIMEOUT_SECONDS = 900

#: A recorded answer comes as late as one of a fast model, so that there is something to watch.
ANSWER_SECONDS = 2

#: How long the check run may take to appear.
CHECK_RUN_SECONDS = 60


@dataclass(frozen=True, slots=True)
class _Demo:
    """What is there once everything runs; `name` and `number` are the pull request's."""

    console: Console
    settings: Settings
    repository: Repository
    number: int
    store: Store


async def run_demo(
    repo: Path | None, commits: str, *, once: bool, open_browser: bool = False
) -> None:
    """Show one review from the opened pull request to the end. Raises DemoFailed."""
    console = Console()
    own = None if repo is None and not commits else (repo or Path()).expanduser().resolve()
    chosen = choose_range(own, commits) if own else None
    async with AsyncExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="glossator-demo-")))
        port = free_port()
        sandbox = await stack.enter_async_context(
            Sandbox(webhook_url=f"http://127.0.0.1:{port}/webhooks/github")
        )
        extra = environment(sandbox, port, data)
        replays = own is None and not load().has_llm
        if replays:
            pause = 0 if once else ANSWER_SECONDS
            reader = recorded_reader.recorded_reader(showcase.answers(), seconds=pause)
            extra |= await stack.enter_async_context(reader)
            sandbox.state.notice = recorded_reader.LABEL
        settings = load(**{name.lower(): value for name, value in extra.items()})
        log.configure(settings)
        console.print(
            "Starting Glossator on this machine, with a simulated GitHub …", highlight=False
        )
        redis_url = await stack.enter_async_context(process_group(settings, extra))
        if own and chosen:
            repository = await sandbox.add_repository(NAME, own)
            number = await sandbox.open_pull(
                NAME, *chosen, title=subject(own, chosen[1]), body="Opened by the demo."
            )
        else:
            repository, number = await _open_showcase(sandbox, data / "bookshop.git")
        redis = connect(redis_url)
        stack.push_async_callback(redis.aclose)
        demo = _Demo(console, settings, repository, number, Store(redis, keep_seconds=86_400))
        await _show(demo, extra["API_TOKENS"], replays=replays, open_browser=open_browser)
        if not once:
            console.print("\nThe pages stay up. Ctrl-C ends the demo.")
            await until_signal()


async def _open_showcase(sandbox: Sandbox, folder: Path) -> tuple[Repository, int]:
    made = await showcase.build(folder)
    repository = await sandbox.add_repository(showcase.NAME, made.repository)
    number = await sandbox.open_pull(
        showcase.NAME, made.base, made.head, title=made.title, body=made.body, head_ref="coupons"
    )
    return repository, number


async def _show(demo: _Demo, token: str, *, replays: bool, open_browser: bool) -> None:
    """Addresses, progress, result. Raises DemoFailed."""
    console, started = demo.console, monotonic()
    address = f"{demo.settings.github_url}/{demo.repository.full_name}/pull/{demo.number}"
    live = await _live_page(demo)
    output.print_addresses(
        console,
        [
            ("Pull request", address),
            ("Live page", live),
            ("Dashboard", f"{demo.settings.public_url}/  (admin token: {token})"),
        ],
    )
    if replays:
        console.print(
            f"{recorded_reader.LABEL} Set OPENAI_BASE_URL, OPENAI_API_KEY and LLM_MODEL to have a "
            "model read it."
        )
    elif not demo.settings.has_llm:
        console.print("LLM_MODEL is not set: static analyzers only.")
    if open_browser:
        await asyncio.to_thread(webbrowser.open, address)
    summary = await _finished(demo)
    report = await demo.store.stage_data.report(summary.review.id)
    if report is None or not demo.repository.reviews:
        raise DemoFailed("No review was posted on the pull request.")
    comments = list(demo.repository.review_comments.values())
    output.print_report(console, report, comments, monotonic() - started)


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
        "API_TOKENS": secrets.token_hex(6),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATA_DIR": str(data),
        "ENV_FILE": "",  # the App's own settings are no part of a demo
        "LOG_LEVEL": "WARNING",
    }


async def _live_page(demo: _Demo) -> str:
    """The page that the check run links, which is there before anything is read. Raises
    DemoFailed."""
    try:
        async with asyncio.timeout(CHECK_RUN_SECONDS):
            while True:
                for check_run in demo.repository.check_runs.values():
                    if check_run.details_url:
                        return check_run.details_url
                await asyncio.sleep(0.02)
    except TimeoutError as exc:
        raise DemoFailed(
            f"No check run within {CHECK_RUN_SECONDS} s; the log above says why."
        ) from exc


async def _finished(demo: _Demo) -> ReviewSummary:
    """The finished review; until then a progress bar. Raises DemoFailed."""
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%")
    with Progress(*columns, console=demo.console, transient=True) as bar:
        task = bar.add_task("Waiting for the delivery", total=100)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                while True:
                    now = await _summary(demo)
                    if now is not None:
                        status = now.progress.status_text
                        bar.update(task, completed=now.percent, description=status)
                        if now.state.finished:
                            break
                    await asyncio.sleep(0.1)
        except TimeoutError as exc:
            raise DemoFailed(f"The review did not finish within {TIMEOUT_SECONDS} s.") from exc
    if now.state is not State.COMPLETED:
        raise DemoFailed(f"The review ended as {now.state}. {now.error}")
    return now


async def _summary(demo: _Demo) -> ReviewSummary | None:
    current = (await demo.store.pulls.get(demo.repository.id, demo.number)).current
    return await demo.store.reviews.summary(current) if current else None
