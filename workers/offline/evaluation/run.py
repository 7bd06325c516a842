"""Run the pipeline over all cases and tell how good it was."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from bot.config.settings import Settings
from bot.domain.progress import Progress
from workers.analysis.llm.client import LLM
from workers.offline.evaluation.answers import NoAnswer, SavedAnswers
from workers.offline.evaluation.cases import BadCase, Case, load_cases, repository_of
from workers.offline.evaluation.score import Outcome, Summary, outcome, summarize
from workers.offline.local_review import review_here
from workers.offline.review_target import TargetNotFound, local_range
from workers.scan.repository.errors import CloneError


async def evaluate(
    folder: Path, settings: Settings, *, answers: Path | None, replay: bool
) -> tuple[tuple[Outcome, ...], Summary]:
    """All cases of `folder`, by name, as many at once as there are processors.

    Answers are saved to and read from `answers`; with `replay` nobody else is asked.

    Raises BadCase, NoAnswer or CloneError.
    """
    cases = await asyncio.to_thread(load_cases, folder)
    saved = SavedAnswers(answers, replay=replay) if answers is not None else None
    llm = LLM(settings, None, answers=saved) if settings.has_llm else None
    slots = asyncio.Semaphore(os.cpu_count() or 1)

    async def one(case: Case) -> Outcome:
        async with slots:
            return await _run(case, settings, llm)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(case)) for case in cases]
        outcomes = tuple(task.result() for task in tasks)
    except* (BadCase, NoAnswer, TargetNotFound, CloneError) as failures:
        raise failures.exceptions[0] from None
    finally:
        if llm is not None:
            await llm.aclose()
    summary = summarize(outcomes)
    if saved is not None:  # told as what they were: calls, and what these have cost
        fresh = replace(summary.usage, cache_hits=0)
        summary = replace(summary, usage=fresh + saved.usage)
    return outcomes, summary


async def _run(case: Case, settings: Settings, llm: LLM | None) -> Outcome:
    async with repository_of(case) as (repo, base, head):
        target = await local_range(repo, base, head)
        pr_context = replace(target.pr_context, title=case.title, body=case.body)
        pull = replace(target.pull, title=case.title, body=case.body)
        target = replace(target, pr_context=pr_context, pull=pull)
        report = await review_here(target, settings, focus=None, on_progress=_quietly, llm=llm)
    return outcome(
        case.name,
        case.expected,
        report.findings,
        report.usage,
        refused_suggestions=sum(item.is_suggestion_only for item in report.rejected),
    )


async def _quietly(progress: Progress) -> None:
    """Nobody watches a single case."""


def as_data(outcomes: Sequence[Outcome], summary: Summary) -> dict[str, object]:
    """The figures for a JSON file."""
    return {"summary": asdict(summary), "cases": [asdict(item) for item in outcomes]}


def as_table(outcomes: Sequence[Outcome], summary: Summary) -> str:
    """The figures as a Markdown table."""
    rows = [
        ("cases", str(summary.cases)),
        ("precision", _percent(summary.precision)),
        ("recall", _percent(summary.recall)),
        ("F1", _percent(summary.f1)),
        ("quiet if there are no defects", f"{summary.silent_cases} of {summary.clean_cases}"),
        ("comments per review", f"{summary.comments_per_review:.2f}"),
        ("anchored", _percent(summary.anchored_share)),
        ("suggestions that apply", _percent(summary.suggestion_applies_share)),
        ("LLM calls", str(summary.usage.calls)),
        ("prompt tokens", f"{summary.usage.prompt_tokens:,}"),
        ("completion tokens", f"{summary.usage.completion_tokens:,}"),
        ("cost", "unknown" if summary.usage.cost is None else f"{summary.usage.cost:.4f}"),
    ]
    lines = ["| figure | value |", "| --- | ---: |", *(f"| {a} | {b} |" for a, b in rows), ""]
    lines += [
        "| case | defects | found | comments | right |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {o.name} | {o.expected} | {o.hits} | {o.findings} | {o.right} |" for o in outcomes
    ]
    return "\n".join(lines) + "\n"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
