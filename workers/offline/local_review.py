"""A review without a server: the same pipeline over a range of a repository, in one process.

`glossator review` is made of it; nothing is posted, the report is the result.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from ulid import ULID

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.model import (
    Batch,
    BatchResult,
    Category,
    Effort,
    PullRequest,
    PullRequestContext,
    Report,
    Repository,
    Review,
    Scan,
    State,
    Trigger,
)
from bot.domain.progress import ANALYZED_PERCENT, SCANNED_PERCENT, Activity, Progress
from bot.domain.suppressions import Dismissals
from bot.policy.precedence import speak
from workers.analysis.llm.client import LLM
from workers.analysis.read_batch import analyze
from workers.reports.merge import build_report
from workers.repository.code_source import code_source
from workers.scan.repository.clone import Source
from workers.scan.scan import Scanned, scan

NOT_DISMISSED = Dismissals()

OnProgress = Callable[[Progress], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewTarget:
    """What is reviewed, from wherever it was read; `alone` without the repository that it is
    part of."""

    source: Source
    pull: PullRequest
    pr_context: PullRequestContext
    repository: Repository
    config: RepoConfig
    notes: tuple[str, ...] = ()  # a sentence for each mistake in the repository's configuration
    protocols: tuple[str, ...] | None = None  # beside https, what git may clone by
    alone: bool = False


async def scan_here(
    target: ReviewTarget, settings: Settings, *, focus: Category | None, on_progress: OnProgress
) -> Scanned:
    """Evidence and batches; with them stand the notes on the configuration. Raises CloneError."""
    scanned = await scan(
        target.source,
        target.pull,
        target.pr_context,
        settings,
        target.config,
        focus=focus,
        on_progress=on_progress,
        protocols=target.protocols,
    )
    notes = (*target.notes, *scanned.scan.notes)
    return replace(scanned, scan=replace(scanned.scan, notes=notes))


async def review_here(
    target: ReviewTarget,
    settings: Settings,
    *,
    focus: Category | None,
    effort: Effort | None = None,
    on_progress: OnProgress,
    llm: LLM | None = None,
    review: Review | None = None,
    posted_before: frozenset[str] = frozenset(),
    dismissed: Dismissals = NOT_DISMISSED,
) -> Report:
    """Scan, analyse and merge. `llm` None makes one from the settings, if they name a model.
    `review` and `posted_before` are for one that is posted: its identity, and the fingerprints of
    what is on lines of the pull request already.

    Raises CloneError.
    """
    speak(settings, target.config)
    review = review or Review(
        id=str(ULID()),
        repository=target.repository,
        number=target.pull.number,
        head_sha=target.source.head_sha,
        trigger=Trigger.COMMAND,
        created_at=time.time(),
        focus=focus,
        effort=effort,
    )
    asked = llm or (LLM(settings, None) if settings.has_llm else None)
    results: Sequence[BatchResult] = ()
    try:
        fitted = await asked.fitted() if asked is not None else settings
        scanned = await scan_here(target, fitted, focus=focus, on_progress=on_progress)
        batches = scanned.with_checks(scanned.batches)
        if asked is not None and batches:
            results = await _analyze(
                review, batches, scanned.scan, target, asked, fitted, on_progress
            )
    finally:
        if asked is not None and llm is None:
            await asked.aclose()
    await on_progress(Progress(state=State.REPORTING, percent=95))
    report = build_report(
        review,
        target.pull,
        scanned.scan,
        results,
        settings,
        target.config,
        now=time.time(),
        posted_before=posted_before,
        dismissed=dismissed,
    )
    await on_progress(Progress(state=State.COMPLETED, percent=100))
    return report


async def _analyze(
    review: Review,
    batches: Sequence[Batch],
    scan: Scan,
    target: ReviewTarget,
    llm: LLM,
    settings: Settings,
    on_progress: OnProgress,
) -> Sequence[BatchResult]:
    """All batches, as many at once as LLM_CONCURRENCY allows; results in their order."""
    done, total = 0, sum(len(batch.paths) for batch in batches)

    async def progress(activity: Activity = Activity.READING, amount: int = 0) -> None:
        await on_progress(
            Progress(
                state=State.ANALYZING,
                percent=SCANNED_PERCENT
                + (ANALYZED_PERCENT - SCANNED_PERCENT) * done // (total or 1),
                activity=activity,
                amount=amount,
                files_done=done,
                files_total=total,
            )
        )

    async def one(batch: Batch) -> BatchResult:
        nonlocal done
        result = await analyze(
            batch,
            target.pr_context,
            llm,
            settings,
            target.config,
            focus=review.focus,
            effort=review.effort,
            source=source,
            on_activity=progress,
            review_id=review.id,
            last_try=True,
        )
        done += len(batch.paths)
        await progress()
        return result

    async with code_source(
        target.source, settings, target.config, scan, protocols=target.protocols
    ) as source:
        return await asyncio.gather(*(one(batch) for batch in batches))
