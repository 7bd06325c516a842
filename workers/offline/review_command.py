"""`glossator review`: a review without a server, its report as people, editors or tools want it.

Progress and remarks go to standard error, the report to standard output.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBar

from bot.config.settings import FailOn, Settings
from bot.domain.model import LLM_SOURCE, Category, Effort, Report
from bot.domain.progress import Progress
from bot.domain.team_checks import CheckStatus
from workers.offline.local_review import OnProgress
from workers.offline.review_target import NothingChanged, TargetNotFound
from workers.offline.subject import Subject, review_subject
from workers.reports.formats import FORMATS, one_line, render_as
from workers.reports.verdict import conclusion
from workers.scan.analyzers.registry import NAMES, unknown_names

_BY_ENDING = {".txt": "text", ".md": "markdown", ".htm": "html"} | {
    f".{name}": name for name in FORMATS
}
_NOT_JUDGED = (
    "Some checks of the mode `fail` could not be judged, so they did not pass; see the report."
)
_INCONCLUSIVE = "Some files were not reviewed, so --fail-on is inconclusive; see the report."


class BadCommand(typer.TyperException):
    """Raised when the command can't be carried out; the message is one sentence."""

    exit_code = 2


async def review_command(
    settings: Settings,
    subject: Subject,
    *,
    form: str,
    output: Path | None,
    fail_on: FailOn,
    focus: Category | None,
    effort: Effort | None = None,
    analyzers_alone: bool = False,
) -> bool:
    """Review and print. `form` "" is chosen by `output`, or by where standard output goes.
    `analyzers_alone`: a file that no analyzer knows is not missing from the review.

    True if a finding that is proven to stand on lines of the change is as severe as `fail_on`
    says, as with the check run, or if a check of the team failed that is a gate. Raises BadCommand,
    also where one of these cannot be judged because not all was read."""
    form = form or _default_form(output)
    if form and form not in FORMATS:
        raise BadCommand(f"Unknown format {form!r}. Choose {', '.join(FORMATS)}.")
    if form == "pdf" and output is None and sys.stdout.isatty():
        raise BadCommand("A PDF is not printed to a terminal. Choose a file with --output.")
    if subject.pr and not subject.token:
        raise BadCommand("--pr needs a token: set GITHUB_TOKEN.")
    tell_unknown(settings)
    try:
        with progress_bar() as show:
            report = await review_subject(
                subject, settings, focus=focus, effort=effort, on_progress=show
            )
    except NothingChanged as exc:
        print(f"glossator: {exc}", file=sys.stderr)
        return False
    except TargetNotFound as exc:
        raise BadCommand(str(exc)) from exc
    await _print(report, form, output)
    return has_failed(report, fail_on, analyzers_alone=analyzers_alone)


def tell_unknown(settings: Settings) -> None:
    """Say on standard error which analyzers that a setting disables do not exist: a server does
    not start with such a name."""
    if names := unknown_names(settings.analyzers_disabled):
        text = f"ANALYZERS_DISABLED has unknown names: {', '.join(names)}."
        print(f"glossator: {text} The analyzers are {', '.join(NAMES)}.", file=sys.stderr)


def has_failed(report: Report, fail_on: FailOn, *, analyzers_alone: bool) -> bool:
    """Whether a finding is as severe as `fail_on` says, or a check of the team failed that is a
    gate. Raises BadCommand where none is, but not all was read or judged; `analyzers_alone` counts
    only analyzers that failed."""
    if conclusion(report.findings, fail_on) == "failure":
        return True
    gates = [check.status for check in report.checks if check.blocks]
    if CheckStatus.FAILED in gates:
        return True
    if gates:
        raise BadCommand(_NOT_JUDGED)
    failed = {*report.failed_sources} - {LLM_SOURCE}
    if fail_on is not FailOn.NEVER and (failed if analyzers_alone else not report.complete):
        raise BadCommand(_INCONCLUSIVE)
    return False


@contextmanager
def progress_bar() -> Iterator[OnProgress]:
    """A bar on standard error while it is a terminal."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%")
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

        yield show


def _default_form(output: Path | None) -> str:
    """ "" for a person at a terminal."""
    if output is not None and output.suffix:
        if (form := _BY_ENDING.get(output.suffix.lower())) is None:
            known = ", ".join(sorted(_BY_ENDING))
            raise BadCommand(
                f"The ending of {output.name} is not known: name the format with --format, or use "
                f"one of {known}."
            )
        return form
    if output is not None:
        return "markdown"
    return "" if sys.stdout.isatty() else "text"


async def _print(report: Report, form: str, output: Path | None) -> None:
    if not form:
        from workers.reports.formats.terminal import print_report  # with a highlighter

        print_report(report, Console(highlight=False))
        return
    rendered = render_as(report, form)
    if output is None:
        sys.stdout.buffer.write(rendered)
    else:
        await write_file(output, rendered)
    if form == "text":
        _print_remarks(report)


def _print_remarks(report: Report) -> None:
    """What the lines of the findings do not say."""
    if not report.findings or not report.complete:
        print(f"glossator: {one_line(report.verdict)}", file=sys.stderr)
    for check in report.checks:
        if check.status is not CheckStatus.DID_NOT_APPLY:
            print(f"glossator: {one_line(check.sentence)}", file=sys.stderr)
    for note in report.notes:
        print(f"glossator: {one_line(note)}", file=sys.stderr)


async def write_file(path: Path, data: bytes) -> None:
    """Write the file, in folders made for it if need be. Raises BadCommand."""
    try:
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread(path.write_bytes, data)
    except OSError as exc:
        raise BadCommand(f"{path} cannot be written: {exc.strerror}.") from exc
