"""Reviews without a server: for people (`review`), workflows (`action`) and agents (`mcp`)."""

import asyncio
import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.cli_errors import CommandError
from bot.config.settings import FailOn, load
from bot.domain.model import Category, Effort
from bot.telemetry import log

#: Bytes of a diff that are read from standard input; the pipeline reviews no more lines than fit.
MAX_DIFF_BYTES = 50_000_000

#: Characters of the token for agents over HTTP.
MIN_TOKEN = 16


def review(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Review changes of these files and folders only.")
    ] = None,
    repo: Annotated[Path, typer.Option(help="A git repository on this machine.")] = Path(),
    base: Annotated[
        str, typer.Option(help="Review the commits since this one.", show_default="origin/HEAD")
    ] = "",
    head: Annotated[
        str, typer.Option(help="Review commits up to this one.", show_default="HEAD")
    ] = "",
    staged: Annotated[bool, typer.Option("--staged", help="Review what is staged.")] = False,
    diff: Annotated[
        str, typer.Option(help="Review this unified diff: a file, or - for standard input.")
    ] = "",
    pr: Annotated[str, typer.Option(help="Review this pull request: owner/name#12.")] = "",
    token: Annotated[
        str, typer.Option(envvar="GITHUB_TOKEN", help="Token to read it.", show_default=False)
    ] = "",
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="text, rdjson, markdown, json, sarif, html or pdf.",
            show_default="by the ending of --output; text in a pipe",
        ),
    ] = "",
    output: Annotated[Path | None, typer.Option(help="Write the report to this file.")] = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit with 1 if there is a finding of this severity or higher.")
    ] = FailOn.NEVER,
    focus: Annotated[Category | None, typer.Option(help="Review for one category only.")] = None,
    effort: Annotated[
        Effort | None,
        typer.Option(help="How thorough: quick, standard or deep.", show_default="REVIEW_EFFORT"),
    ] = None,
    no_llm: Annotated[bool, typer.Option("--no-llm", help="Run static analyzers only.")] = False,
) -> None:
    """Review your changes, a diff, or a pull request (needs GITHUB_TOKEN), and print the report.

    Uncommitted and untracked work is reviewed if there is any, otherwise the commits of your
    branch. Nothing is posted. Exit codes: 0 reviewed, or nothing to review; 1 a finding of
    --fail-on or higher; 2 an error, or --fail-on is inconclusive."""
    from workers.offline.review_command import review_command
    from workers.offline.subject import Subject

    _check_one_of(staged=staged, diff=bool(diff), pr=bool(pr), head=bool(head))
    _check_one_of(staged=staged, pr=bool(pr), base=bool(base))
    settings = load(**({"llm_model": ""} if no_llm else {}))
    log.configure(settings.model_copy(update={"log_level": "ERROR"}))
    subject = Subject(
        repo=repo.expanduser().resolve(),
        base=base,
        head=head,
        pr=pr,
        token=token,
        staged=staged,
        diff=_read_diff(diff) if diff else None,
        paths=tuple(paths or ()),
    )
    failed = asyncio.run(
        review_command(
            settings,
            subject,
            form=form,
            output=output,
            fail_on=fail_on,
            focus=focus,
            effort=effort,
            analyzers_alone=no_llm,
        )
    )
    sys.exit(1 if failed else 0)


def action(
    token: Annotated[
        str, typer.Option(envvar="GITHUB_TOKEN", help="The job's token.", show_default=False)
    ] = "",
    post: Annotated[bool, typer.Option(help="Post the review on the pull request.")] = True,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit with 1 if there is a finding of this severity or higher.")
    ] = FailOn.NEVER,
    output: Annotated[Path, typer.Option(help="Folder for the reports.")] = Path("glossator"),
) -> None:
    """Review the pull request of a GitHub Actions job, without a server; see action.yml."""
    from workers.offline.action import Job, action_command

    server = os.environ.get("GITHUB_SERVER_URL")
    settings = load(**({"github_url": server} if server else {}))
    log.configure(settings.model_copy(update={"log_level": "ERROR"}))
    job = Job.of(os.environ, token)
    failed = asyncio.run(action_command(settings, job, post=post, fail_on=fail_on, output=output))
    sys.exit(1 if failed else 0)


def mcp(
    repo: Annotated[Path, typer.Option(help="The git repository that agents work in.")] = Path(),
    http: Annotated[
        bool, typer.Option("--http", help="Answer on HTTP instead of standard input.")
    ] = False,
    host: Annotated[str, typer.Option(help="Address for --http.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port for --http; 0: any free port.")] = 8765,
    mcp_token: Annotated[
        str,
        typer.Option(
            "--token", envvar="GLOSSATOR_MCP_TOKEN", help="Token for --http.", show_default=False
        ),
    ] = "",
    github_token: Annotated[
        str, typer.Option(envvar="GITHUB_TOKEN", help="Reads pull requests.", show_default=False)
    ] = "",
) -> None:
    """Review for coding agents, over the Model Context Protocol; see docs/agents.md."""
    from bot.cli.outcomes import read as read_outcomes

    try:
        from workers.offline.agents.reviews import AgentReviews
        from workers.offline.agents.server import serve_http, serve_stdio
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] != "mcp":
            raise
        raise CommandError(
            "This command needs the extra `mcp`: in Glossator's clone, run pip install '.[mcp]'."
        ) from exc

    if http and len(mcp_token) < MIN_TOKEN:
        raise CommandError(
            f"--http needs a token of at least {MIN_TOKEN} characters: set GLOSSATOR_MCP_TOKEN, "
            "for example to the output of `openssl rand -hex 32`."
        )
    settings = load()
    log.configure(settings.model_copy(update={"log_level": "ERROR"}))
    read = partial(read_outcomes, settings)
    reviews = AgentReviews(settings, repo.expanduser().resolve(), github_token, read)
    try:
        asyncio.run(serve_http(reviews, host, port, mcp_token) if http else serve_stdio(reviews))
    except OSError as exc:
        raise CommandError(f"{host}:{port} cannot be used: {exc.strerror}.") from exc


def _check_one_of(**given: bool) -> None:
    """Raises CommandError for options that exclude each other."""
    names = [f"--{name}" for name, is_given in given.items() if is_given]
    if len(names) > 1:
        raise CommandError(f"{names[0]} and {names[1]} cannot be combined.")


def _read_diff(name: str) -> bytes:
    """The diff. Raises CommandError."""
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MAX_DIFF_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(MAX_DIFF_BYTES + 1)
    except OSError as exc:
        raise CommandError(f"{name} cannot be read: {exc.strerror}.") from exc
    if len(data) > MAX_DIFF_BYTES:
        raise CommandError(f"The diff is larger than {MAX_DIFF_BYTES // 1_000_000} MB.")
    return data
