"""`glossator review`, `eval` and `prompt`: the pipeline on the command line.

Progress goes to standard error, what was asked for to standard output.
"""

import asyncio
import json
import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBar

from bot.config.settings import FailOn, Settings
from bot.domain.model import Category, Effort
from bot.domain.progress import Progress
from bot.domain.report_format import ReportFormat
from bot.github.errors import GitHubError
from bot.policy.finding_filter import finding_filter
from bot.security.links import Links
from workers.analysis.prompt import batch_prompt
from workers.analysis.redacted_view import show
from workers.offline.evaluation.answers import NoAnswer
from workers.offline.evaluation.cases import BadCase
from workers.offline.evaluation.run import as_data, as_table, evaluate
from workers.offline.local_review import review_here, scan_here
from workers.offline.review_target import (
    NothingChanged,
    TargetNotFound,
    github_pull,
    local_range,
)
from workers.reports.formats import render
from workers.reports.verdict import conclusion
from workers.scan.repository.errors import CloneError

#: What people type for a format.
FORMATS = {format.label.lower(): format for format in ReportFormat}


class BadCommand(typer.TyperException):
    """Raised when the command can't be carried out; the message is one sentence."""

    exit_code = 2


async def review_command(
    settings: Settings,
    *,
    repo: Path,
    base: str,
    head: str,
    pr: str,
    token: str,
    form: str,
    output: Path | None,
    fail_on: FailOn,
    focus: Category | None,
    effort: Effort | None = None,
) -> bool:
    """Review and print. True if a finding that is proven to stand on lines of the change is
    as severe as `fail_on` says, as with the check run. Raises BadCommand, also where `fail_on`
    cannot be judged because not all was read."""
    if form not in FORMATS:
        raise BadCommand(f"Unknown format {form!r}. Choose {', '.join(FORMATS)}.")
    if form == "pdf" and output is None and sys.stdout.isatty():
        raise BadCommand("A PDF is not printed to a terminal. Choose a file with --output.")
    if pr and not token:
        raise BadCommand("--pr needs a token: set GITHUB_TOKEN.")
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%")
    try:
        with ProgressBar(
            *columns,
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        ) as bar:
            task = bar.add_task("Starting", total=100)

            async def show(progress: Progress) -> None:
                bar.update(task, completed=progress.percent, description=progress.status_text)

            target = await (
                github_pull(pr, token, settings) if pr else local_range(repo, base, head)
            )
            report = await review_here(
                target, settings, focus=focus, effort=effort, on_progress=show
            )
    except NothingChanged as exc:
        print(f"glossator: {exc}", file=sys.stderr)
        return False
    except (TargetNotFound, CloneError, GitHubError) as exc:
        raise BadCommand(str(exc)) from exc
    rendered = render(report, FORMATS[form], Links())
    if output is None:
        sys.stdout.buffer.write(rendered)
    else:
        await _write(output, rendered)
    if conclusion(report.findings, fail_on) == "failure":
        return True
    if fail_on is not FailOn.NEVER and not report.complete:
        raise BadCommand(
            "Some files were not reviewed, so --fail-on is inconclusive; see the report."
        )
    return False


async def _write(path: Path, data: bytes) -> None:
    """Write the file, in folders made for it if need be. Raises BadCommand."""
    try:
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread(path.write_bytes, data)
    except OSError as exc:
        raise BadCommand(f"{path} cannot be written: {exc.strerror}.") from exc


async def eval_command(
    settings: Settings, cases: Path, *, answers: Path | None, replay: bool, output: Path | None
) -> None:
    """Run all cases and print the figures. Raises BadCommand."""
    if replay and answers is None:
        raise BadCommand("--replay needs --answers, the folder of recorded answers.")
    if replay and not settings.has_llm:
        raise BadCommand("--replay needs LLM_MODEL, the model whose answers were recorded.")
    try:
        outcomes, summary = await evaluate(cases, settings, answers=answers, replay=replay)
    except (BadCase, NoAnswer, TargetNotFound, CloneError) as exc:
        raise BadCommand(str(exc)) from exc
    print(as_table(outcomes, summary), end="")
    if output is not None:
        await _write(output, (json.dumps(as_data(outcomes, summary), indent=1) + "\n").encode())


async def prompt_command(settings: Settings, repo: Path, base: str, head: str) -> None:
    """Print what a model would be asked about a range. Raises BadCommand."""
    if not settings.has_llm:  # without a name, no batches would be cut
        settings = settings.model_copy(update={"llm_model": "none"})
    try:
        target = await local_range(repo, base, head)
        scanned = await scan_here(target, settings, focus=None, on_progress=_quietly)
    except (TargetNotFound, NothingChanged, CloneError) as exc:
        raise BadCommand(str(exc)) from exc
    for note in scanned.scan.notes:
        print(f"glossator: {note}", file=sys.stderr)
    for batch in scanned.batches:
        batch_messages = batch_prompt(
            [show(part) for part in batch.files if part.file.hunks],
            target.pr_context,
            target.config.instructions,
            finding_filter(settings, target.config, None).categories,
            settings.llm_context_tokens,
            overview=batch.overview,
            conventions=batch.conventions,
        )
        print(
            f"######## batch {batch.number}, {batch_messages.tokens} tokens: system\n"
            f"{batch_messages.system}"
        )
        print(f"######## batch {batch.number}: user\n{batch_messages.user}")


async def _quietly(progress: Progress) -> None:
    """Prompts are the output; nobody watches how they come about."""
