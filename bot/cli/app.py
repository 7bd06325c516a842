"""The `glossator` command.

Each command imports what it runs when it is called, so that the others start fast.
"""

import asyncio
import contextlib
import os
import secrets
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot import __version__
from bot.cli.cli_errors import CommandError, error_message
from bot.cli.review import action, mcp, review
from bot.config.env_file import (
    Role,
    as_env,
    env_path,
    existing_secrets,
    load_for_role,
    load_for_server,
    write_secrets,
)
from bot.config.settings import Settings, SettingsError, load, misspelled
from bot.domain.report_format import AuditFormat, OutcomeFormat
from bot.runtime.memory import hide_memory
from bot.runtime.signals import until_signal
from bot.telemetry import log, sentry, tracing

app = typer.Typer(
    name="glossator",
    help="Reviews pull requests: a self-hosted GitHub App.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


#: Of servers and of what looks after them. Commands that are run in a clone read no file.
EnvFile = Annotated[
    Path | None,
    typer.Option(
        envvar="ENV_FILE",
        show_default="glossator.env in DATA_DIR",
        help="Settings file; environment variables take precedence.",
    ),
]


def _print_version(requested: bool) -> None:
    if requested:
        print(f"glossator {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Reviews pull requests: a self-hosted GitHub App."""


def main() -> None:
    """Run the command; a known problem is one sentence on standard error and exit code 2."""
    for name, near in misspelled(os.environ):
        print(f"glossator: {name} is not a setting. Did you mean {near}?", file=sys.stderr)
    try:
        sys.exit(app(standalone_mode=False))
    except typer.Abort:
        sys.exit("glossator: Aborted.")
    except typer.TyperException as exc:
        if text := error_message(exc):  # else it was the help, which is printed
            print(f"glossator: {text}", file=sys.stderr)
        sys.exit(exc.exit_code)
    except (SettingsError, CommandError) as exc:
        print(f"glossator: {exc}", file=sys.stderr)
        sys.exit(2)


def _initialize(settings: Settings, process: str = "") -> Settings:
    """Logs, and of a `process` that serves also traces and errors, go where the settings say."""
    log.configure(settings)
    if process:
        tracing.configure(settings, process)
        sentry.configure(settings, process)
    return settings


def _check_app(settings: Settings) -> None:
    """Raises SettingsError unless we can sign as the App: whoever accepted deliveries, or worked
    on them, without that would lose them."""
    from bot.github.auth import AppKey
    from bot.github.rate_limits import Clock

    with _naming_unread_file():
        settings.check_app()
    try:
        AppKey(settings.github_app_id, settings.private_key, Clock())
    except ValueError as exc:
        raise SettingsError(f"GITHUB_PRIVATE_KEY: {exc}") from None


@contextlib.contextmanager
def _naming_unread_file() -> Iterator[None]:
    """Says what to do to whoever kept the secrets where earlier versions looked for them."""
    try:
        yield
    except SettingsError as exc:
        unread = " The .env file in this directory is not read; add --env-file .env to use it."
        raise SettingsError(f"{exc}{unread if Path('.env').exists() else ''}") from None


@app.command()
def serve(env_file: EnvFile = None) -> None:
    """Run everything on this machine: web, workers, and Redis unless REDIS_URL is set."""
    settings = _initialize(load_for_server(env_file))
    hide_memory()
    _check_app(settings)
    settings.check_webhooks()
    asyncio.run(_serve(settings, env_file))


async def _serve(settings: Settings, env_file: Path | None) -> None:
    from bot.cli.processes import address_of, process_group

    named = {"ENV_FILE": str(env_path(env_file))} if env_file else {}
    async with process_group(settings, named):
        print(f"Glossator {__version__} listens at {address_of(settings)}", flush=True)
        await until_signal()


@app.command()
def web(env_file: EnvFile = None) -> None:
    """Run the web process: webhooks, pages, API."""
    from bot.web.server import run_web

    settings = _initialize(load_for_role(Role.WEB, env_file), "web")
    settings.check_redis()
    with _naming_unread_file():
        settings.check_webhooks()
    run_web(settings)


@app.command()
def work(
    queues: Annotated[
        str, typer.Option(help="Queues to work on, comma-separated.", show_default="all")
    ] = "",
    env_file: EnvFile = None,
) -> None:
    """Run one worker process."""
    from bot.store import QUEUES
    from workers.main import run_worker

    names = [name.strip() for name in queues.split(",") if name.strip()] or list(QUEUES)
    if unknown := [name for name in names if name not in QUEUES]:
        raise typer.BadParameter(
            f"Unknown queue {unknown[0]!r}. Choose {', '.join(QUEUES)}.", param_hint="'--queues'"
        )
    settings = _initialize(load_for_role(Role.WORKER, env_file), "work")
    settings.check_redis()
    _check_app(settings)
    run_worker(settings, names)


@app.command()
def schedule(env_file: EnvFile = None) -> None:
    """Run scheduled jobs: recover stalled reviews, redeliver failed webhooks, clean up."""
    from workers.schedule.maintenance import run_maintenance

    settings = _initialize(load_for_role(Role.SCHEDULER, env_file), "schedule")
    settings.check_redis()
    _check_app(settings)
    asyncio.run(run_maintenance(settings, until_signal()))


@app.command()
def demo(
    repo: Annotated[
        Path | None,
        typer.Option(
            envvar="REPO", help="A git repository of your own.", show_default="a small shop"
        ),
    ] = None,
    commits: Annotated[
        str, typer.Option("--range", envvar="RANGE", help="base..head of the pull request.")
    ] = "",
    once: Annotated[
        bool, typer.Option(envvar="ONCE", help="Exit when the review is posted.")
    ] = False,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the pull request in the browser.")
    ] = False,
) -> None:
    """Review a pull request on a simulated GitHub on this machine; no setup needed.

    Without a model, answers recorded for its built-in pull request are replayed. With LLM_MODEL
    set, that model reads it."""
    from bot.cli.demo.commit_range import DemoFailed
    from bot.cli.demo.run import run_demo

    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(run_demo(repo, commits, once=once, open_browser=open_browser))
    except DemoFailed as exc:
        print(f"glossator: {exc}", file=sys.stderr)
        sys.exit(1)


app.command()(review)
app.command()(action)
app.command()(mcp)


@app.command("eval")
def evaluate(
    cases: Annotated[
        list[Path],
        typer.Argument(
            help="A folder of cases, or a file that lists them. Or `compare` and two files that "
            "--output wrote."
        ),
    ],
    repository: Annotated[
        str, typer.Option(help="Path or URL of the repository, for cases that name none.")
    ] = "",
    judge_model: Annotated[
        str,
        typer.Option(
            help="Judge by meaning, with this model. LLM_VERIFY_MODEL is used if a defect has no "
            "place.",
        ),
    ] = "",
    answers: Annotated[
        Path | None, typer.Option(help="Folder of recorded LLM answers, read and written.")
    ] = None,
    replay: Annotated[bool, typer.Option(help="Offline: use recorded answers only.")] = False,
    without_llm: Annotated[
        bool, typer.Option("--without-llm", help="Measure the analyzers alone.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="Write the results to this file, as JSON.")
    ] = None,
) -> None:
    """Measure precision and recall on changes whose defects are known."""
    from workers.offline.command import compare_command, eval_command
    from workers.offline.evaluation.run import Run

    match cases:
        case [word, first, second] if str(word) == "compare":
            compare_command(first, second)
            return
        case [source]:
            pass
        case _:
            raise typer.BadParameter("Name one folder or file, or `compare` and two files.")

    settings = load(**({"llm_model": ""} if without_llm else {}))
    log.configure(settings.model_copy(update={"log_level": "ERROR"}))
    run = Run(
        source=source,
        repository=_resolved(repository),
        answers=answers,
        replay=replay,
        judge_model=judge_model,
    )
    asyncio.run(eval_command(settings, run, output))


def _resolved(repository: str) -> str:
    """A path of this directory as an absolute one; an address as it is."""
    return repository if "://" in repository or not repository else str(Path(repository).resolve())


@app.command()
def prompt(
    repo: Annotated[Path, typer.Option(help="A git repository on this machine.")] = Path(),
    base: Annotated[
        str, typer.Option(help="Base to compare with.", show_default="origin/HEAD or main")
    ] = "",
    head: Annotated[str, typer.Option(help="The commit or branch to review.")] = "HEAD",
) -> None:
    """Print the exact prompts for a range, without calling an LLM."""
    from workers.offline.command import prompt_command

    settings = load()
    log.configure(settings.model_copy(update={"log_level": "ERROR"}))
    asyncio.run(prompt_command(settings, repo.expanduser().resolve(), base, head))


@app.command()
def config() -> None:
    """Print the configuration reference, as Markdown."""
    from bot.config.reference import reference

    print(reference(), end="")


@app.command()
def audit(
    since: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="First day, UTC.")
    ] = datetime(1970, 1, 1),
    form: Annotated[AuditFormat, typer.Option("--format")] = AuditFormat.JSONL,
    env_file: EnvFile = None,
) -> None:
    """Print the audit log: who requested, cancelled, dismissed or changed what, and how."""
    from bot.cli.audit import export

    settings = load_for_server(env_file)
    log.configure(settings.model_copy(update={"log_level": "ERROR"}))
    asyncio.run(export(settings, since.replace(tzinfo=UTC), form, sys.stdout))


@app.command()
def outcomes(
    since: Annotated[
        str, typer.Option(help="Days, weeks or first day, such as 90d, 12w or 2026-01-31.")
    ] = ("90d"),
    repo: Annotated[
        str, typer.Option(help="Only this repository, as owner/name.", show_default="all")
    ] = "",
    form: Annotated[OutcomeFormat, typer.Option("--format")] = OutcomeFormat.MARKDOWN,
    env_file: EnvFile = None,
) -> None:
    """Report what became of posted findings: fixed, dismissed, ignored, and how fast."""
    from bot.cli.outcomes import report
    from bot.domain.outcomes import begin_of

    try:
        begin = begin_of(since, time.time())
    except ValueError as exc:
        raise typer.BadParameter(str(exc), param_hint="'--since'") from exc
    settings = load_for_server(env_file)
    log.configure(settings.model_copy(update={"log_level": "ERROR"}))
    asyncio.run(report(settings, begin, repo, form, sys.stdout))


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
    deliver: Annotated[
        bool, typer.Option(help="Also send a signed test delivery to PUBLIC_URL.")
    ] = False,
    bundle: Annotated[
        Path | None,
        typer.Option(
            help="Also write versions, settings, queues and metrics to this zip file for support, "
            "without secrets or code."
        ),
    ] = None,
    env_file: EnvFile = None,
) -> None:
    """Check settings, GitHub, Redis, LLM and this machine; exit with 1 if something fails."""
    from workers.offline import doctor as examination
    from workers.offline.deliver import check_delivery
    from workers.offline.support_bundle import support_bundle, write_bundle

    settings = load_for_server(env_file)
    log.configure(settings.model_copy(update={"log_level": "CRITICAL"}))
    checks = list(asyncio.run(examination.run_checks(settings)))
    if deliver:
        checks += asyncio.run(check_delivery(settings))
    print(examination.as_json(checks) if as_json else examination.as_lines(checks))
    if bundle is not None:
        try:
            write_bundle(bundle, asyncio.run(support_bundle(settings, checks)))
        except OSError as exc:
            raise CommandError(f"{bundle} cannot be written: {exc.strerror}.") from exc
    sys.exit(any(check.level is examination.Level.FAILURE for check in checks))


@app.command()
def setup(
    name: Annotated[str, typer.Option(help="The App's name; must be unused on GitHub.")] = (
        "Glossator"
    ),
    organization: Annotated[
        str, typer.Option(help="Organization that owns the App (default: your account).")
    ] = "",
    url: Annotated[str, typer.Option(help="Public URL of this server (default: PUBLIC_URL).")] = "",
    port: Annotated[int, typer.Option(help="Local port of the setup page; 0: any free port.")] = 0,
    replace: Annotated[bool, typer.Option(help="Overwrite secrets in the file.")] = False,
    show: Annotated[
        bool, typer.Option("--print", help="Print the secrets instead of saving them.")
    ] = False,
    env_file: Annotated[
        Path | None,
        typer.Option(
            envvar="ENV_FILE",
            show_default="glossator.env in DATA_DIR",
            help="File to save the secrets in.",
        ),
    ] = None,
) -> None:
    """Create the GitHub App in your browser and save its secrets."""
    from bot.cli.setup import SetupFailed, run_setup

    path = env_path(env_file)
    named = path if path.exists() else None  # a file that is named is made here
    settings = load_for_server(named, **({"public_url": url} if url else {}))
    # Asked before the App is made: its key is given out once.
    if not (show or replace) and (existing := existing_secrets(path)):
        question = f"{path} already has {', '.join(existing)}. Overwrite with a new App's?"
        typer.confirm(question, abort=True, err=True)
    try:
        created = asyncio.run(run_setup(settings, name=name, organization=organization, port=port))
    except SetupFailed as exc:
        print(f"glossator: {exc}", file=sys.stderr)
        sys.exit(1)
    values = {**created.secrets, **({"PUBLIC_URL": settings.public_url} if url else {})}
    if not settings.api_tokens:
        values["API_TOKENS"] = secrets.token_urlsafe(24)
    try:
        if not show:
            write_secrets(path, values)
    except OSError as exc:
        print(
            f"glossator: {path} cannot be written ({exc.strerror}); save this yourself:",
            file=sys.stderr,
        )
        show = True
    # With --print, the secrets alone go to standard output.
    stream = sys.stderr if show else sys.stdout
    if show:
        print(as_env(values), end="")
    else:
        print(f"The App's id, key and secrets are saved in {path}, readable only by you.")
        print("API_TOKENS there is your admin token for the dashboard.")
    print(f"Now install {created.name} on your repositories: {created.install_url}", file=stream)
    option = f" --env-file {env_file}" if env_file and not show else ""
    print(f"Then: glossator serve{option}", file=stream)
    print(f"Once it runs, check it: glossator doctor --deliver{option}", file=stream)
