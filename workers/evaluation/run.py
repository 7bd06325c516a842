"""Run the pipeline over all cases and tell how good it was."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bot.settings import Settings
from workers.analysis.llm import LLM
from workers.evaluation.answers import SavedAnswers
from workers.evaluation.cases import Case, load_cases, repository_of
from workers.evaluation.score import Outcome, Summary, outcome, summarize
from workers.local import review_here
from workers.subjects import local_range

#: The beginning of the reason under which a suggestion was dropped.
DROPPED = "suggestion"


async def evaluate(
    folder: Path, settings: Settings, *, answers: Path | None, replay: bool
) -> tuple[tuple[Outcome, ...], Summary]:
    """All cases of `folder`, one after another; answers are saved to and read from `answers`.

    Raises BadCase, NoAnswer or CloneError.
    """
    saved = SavedAnswers(answers, replay=replay) if answers is not None else None
    llm = LLM(settings, None, answers=saved) if settings.has_llm else None
    try:
        outcomes = tuple([await _run(case, settings, llm) for case in load_cases(folder)])
    finally:
        if llm is not None:
            await llm.aclose()
    return outcomes, summarize(outcomes)


async def _run(case: Case, settings: Settings, llm: LLM | None) -> Outcome:
    async with repository_of(case) as (repo, base, head):
        subject = await local_range(repo, base, head)
        report = await review_here(subject, settings, focus=None, on_progress=_quietly, llm=llm)
    return outcome(
        case.name,
        case.expected,
        report.findings,
        report.usage,
        refused_suggestions=sum(item.reason.startswith(DROPPED) for item in report.rejected),
    )


async def _quietly(percent: int, text: str) -> None:
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
        ("silent where there is no defect", f"{summary.silent_cases} of {summary.clean_cases}"),
        ("comments a review", f"{summary.comments_per_review:.2f}"),
        ("anchored", _percent(summary.anchored_share)),
        ("suggestions that apply", _percent(summary.suggestion_applies_share)),
        ("LLM calls", str(summary.usage.calls + summary.usage.cached_answers)),
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
