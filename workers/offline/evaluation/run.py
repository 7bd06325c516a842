"""Run the pipeline over all cases and tell how good it was."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from bot.config.settings import Settings
from bot.domain.model import Usage
from bot.domain.progress import Progress
from workers.analysis.llm.client import LLM
from workers.offline.evaluation.answers import NoAnswer, SavedAnswers
from workers.offline.evaluation.cases import BadCase, Case, load_cases
from workers.offline.evaluation.judge import Judge, JudgeFailed
from workers.offline.evaluation.repositories import fetch_missing, target_of
from workers.offline.evaluation.score import (
    Named,
    Outcome,
    Results,
    named_by_place,
    outcome,
)
from workers.offline.local_review import review_here
from workers.offline.review_target import TargetNotFound
from workers.scan.repository.errors import CloneError

#: What ends a run; the message is a sentence for whoever started it.
FAILURES = (BadCase, NoAnswer, TargetNotFound, CloneError, JudgeFailed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is measured: the cases below the folder, or in the file, `source`, in `repository`
    where they name none; answers are saved to and read from `answers`, and with `replay` nobody
    else is asked. `judge_model` judges by meaning."""

    source: Path
    repository: str = ""
    answers: Path | None = None
    replay: bool = False
    judge_model: str = ""


OnCase = Callable[[str, int, int], None]


def _quietly(name: str, done: int, total: int) -> None:
    """Nobody watches the cases."""


async def evaluate(run: Run, settings: Settings, on_case: OnCase = _quietly) -> Results:
    """All cases, in their order, as many at once as there are processors; `on_case` is called with
    the name of each that is done, how many are, and of how many.

    They are judged by place if each expected defect has one and no model is named for it, else by
    meaning. Raises one of FAILURES.
    """
    cases = await asyncio.to_thread(load_cases, run.source, run.repository)
    judge_model = _judge_model(cases, run, settings)
    await fetch_missing(cases, settings)
    async with AsyncExitStack() as stack:
        asked, judged = (
            SavedAnswers(run.answers, replay=run.replay) if run.answers else None for _ in "12"
        )
        llm, judge = None, None
        if settings.has_llm:
            llm = LLM(settings, None, answers=asked)
            stack.push_async_callback(llm.aclose)
        if judge_model:
            alone = {"llm_model": judge_model, "llm_fallback_models": ()}
            judging = LLM(settings.model_copy(update=alone), None, answers=judged)
            stack.push_async_callback(judging.aclose)
            judge = Judge(judging, settings.llm_context_tokens)
        outcomes = await _all(cases, settings, llm, judge, on_case)
    spent = sum((each.usage for each in outcomes), Usage())
    return Results(
        cases=outcomes,
        model=settings.llm_model,
        judge=judge_model,
        usage=_as_paid(spent, asked),
        judging=_as_paid(judge.usage if judge else Usage(), judged),
    )


def _judge_model(cases: Sequence[Case], run: Run, settings: Settings) -> str:
    """The model that judges by meaning; "" to judge by place. Raises BadCase."""
    placeless = [case.name for case in cases if not all(each.path for each in case.expected)]
    if run.judge_model or not placeless:
        return run.judge_model
    if settings.llm_verify_model:
        return settings.llm_verify_model
    raise BadCase(
        f"The case {placeless[0]} expects a defect without a path, which only a model can "
        "recognize: name one with --judge-model or LLM_VERIFY_MODEL."
    )


def _as_paid(usage: Usage, saved: SavedAnswers | None) -> Usage:
    """With what saved answers cost when they were new."""
    return usage if saved is None else replace(usage, cache_hits=0) + saved.usage


async def _all(
    cases: Sequence[Case],
    settings: Settings,
    llm: LLM | None,
    judge: Judge | None,
    on_case: OnCase,
) -> tuple[Outcome, ...]:
    slots, done = asyncio.Semaphore(os.cpu_count() or 1), 0

    async def one(case: Case) -> Outcome:
        nonlocal done
        async with slots:
            result = await _run(case, settings, llm, judge)
        done += 1
        on_case(case.name, done, len(cases))
        return result

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(case)) for case in cases]
        return tuple(task.result() for task in tasks)
    except ExceptionGroup as raised:
        # Not by `except*`: what is raised in it comes as a group before Python 3.11.4.
        failures, others = raised.split(FAILURES)
        if failures is None or others is not None:
            raise
        raise failures.exceptions[0] from None


async def _run(case: Case, settings: Settings, llm: LLM | None, judge: Judge | None) -> Outcome:
    async with target_of(case, settings) as target:
        report = await review_here(target, settings, focus=None, on_progress=_unseen, llm=llm)
    named: Named
    if judge is not None:
        named = await judge.named(case.name, case.expected, report.findings)
    else:
        named = named_by_place(case.expected, report.findings)
    return outcome(case.name, case.expected, report, named, by_meaning=judge is not None)


async def _unseen(progress: Progress) -> None:
    """Nobody watches a single case."""
