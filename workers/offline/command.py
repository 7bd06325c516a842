"""`glossator eval` and `prompt`: the pipeline measured, and shown as the model sees it."""

import sys
from pathlib import Path

from bot.config.settings import Settings
from bot.domain.progress import Progress
from bot.policy.finding_filter import finding_filter
from workers.analysis.prompt import batch_prompt
from workers.analysis.redacted_view import show
from workers.offline.evaluation.compare import as_comparison
from workers.offline.evaluation.figures import BadResults, as_json, as_table, read_results
from workers.offline.evaluation.run import FAILURES, Run, evaluate
from workers.offline.local_review import scan_here
from workers.offline.review_command import BadCommand, write_file
from workers.offline.review_target import NothingChanged, TargetNotFound, local_range
from workers.reports.formats.text import one_line
from workers.scan.repository.errors import CloneError


async def eval_command(settings: Settings, run: Run, output: Path | None) -> None:
    """Run all cases and print the figures. Raises BadCommand."""
    if run.replay and run.answers is None:
        raise BadCommand("--replay needs --answers, the folder of recorded answers.")
    if run.replay and not settings.has_llm:
        raise BadCommand("--replay needs LLM_MODEL, the model whose answers were recorded.")
    try:
        results = await evaluate(run, settings, _report_case)
    except FAILURES as exc:
        raise BadCommand(str(exc)) from exc
    print(as_table(results), end="")
    if output is not None:
        await write_file(output, as_json(results))


def _report_case(name: str, done: int, total: int) -> None:
    print(f"glossator: {done} of {total}: {one_line(name)}", file=sys.stderr)


def compare_command(first: Path, second: Path) -> None:
    """Print two files of results side by side. Raises BadCommand."""
    try:
        one, other = (read_results(path.read_bytes(), str(path)) for path in (first, second))
    except OSError as exc:
        raise BadCommand(f"{exc.filename} can't be read: {exc.strerror}.") from exc
    except BadResults as exc:
        raise BadCommand(str(exc)) from exc
    print(as_comparison(one, other), end="")


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
