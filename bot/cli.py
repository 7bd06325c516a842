"""The `glossator` command."""

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot import __version__, log
from bot.processes import NotReady, process_group
from bot.queue import QUEUES
from bot.redis_server import RedisServerError
from bot.settings import Settings, SettingsError, load
from bot.signals import until_signal

app = typer.Typer(
    name="glossator",
    help="Reviews pull requests: a self-hosted GitHub App.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command; a known trouble is one sentence on standard error and exit code 2."""
    try:
        app()
    except (SettingsError, RedisServerError, NotReady) as exc:
        print(f"glossator: {exc}", file=sys.stderr)
        sys.exit(2)


def _ready(settings: Settings) -> Settings:
    log.configure(settings)
    return settings


@app.command()
def serve() -> None:
    """Run everything on this machine: web, workers, and Redis where REDIS_URL is not set."""
    settings = _ready(load())
    settings.check_app()
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    async with process_group(settings, {}):
        print(f"Glossator {__version__} listens at http://{settings.host}:{settings.port}")
        await until_signal()


@app.command()
def web() -> None:
    """Run the web process: webhooks, pages, API."""
    import uvicorn

    from bot.app import create_app

    settings = _ready(load())
    settings.check_redis()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


@app.command()
def work(
    queues: Annotated[
        str, typer.Option(help="Which queues to work on, comma-separated.")
    ] = ",".join(QUEUES),
) -> None:
    """Run one worker process."""
    from workers.main import run_worker

    names = [name.strip() for name in queues.split(",") if name.strip()]
    if unknown := [name for name in names if name not in QUEUES]:
        raise typer.BadParameter(f"{unknown[0]!r} is no queue; there are {', '.join(QUEUES)}.")
    settings = _ready(load())
    settings.check_redis()
    settings.check_app()
    run_worker(settings, names)


@app.command()
def demo(
    repo: Annotated[
        Path | None, typer.Option(envvar="REPO", help="A git repository; this one by default.")
    ] = None,
    commits: Annotated[
        str, typer.Option("--range", envvar="RANGE", help="base..head of the pull request.")
    ] = "",
    once: Annotated[
        bool, typer.Option(envvar="ONCE", help="Exit when the review is posted.")
    ] = False,
) -> None:
    """Review a pull request made of real commits on a sandbox GitHub; nothing to set up."""
    from bot.demo import DemoFailed, run_demo

    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(run_demo(repo, commits, once=once))
    except DemoFailed as exc:
        print(f"glossator: {exc}", file=sys.stderr)
        sys.exit(1)
