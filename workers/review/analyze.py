"""Analysis: the LLM reads one batch."""

import asyncio
from dataclasses import replace
from functools import partial

from bot.domain.model import Batch, BatchResult, Review, Scan, State
from bot.store import Handoff, ReviewState, message
from workers.analysis.llm.errors import TransientLLMError
from workers.analysis.read_batch import analyze
from workers.queue.actor import Attempt
from workers.repository.code_source import code_source
from workers.review import check_run
from workers.review.result_reuse import reusable_results
from workers.review.stage import StageFailed, stage
from workers.scan.repository.clone import Source
from workers.services import Services, in_background


@stage("analyze", during=(State.ANALYZING,))
async def analyze_batch(
    services: Services, attempt: Attempt, state: ReviewState, number: int
) -> None:
    """Let the LLM read one batch; the last one in sends the review to be published."""
    store, review = services.store, state.review
    batch, scanned = await asyncio.gather(
        store.stage_data.batch(review.id, number), store.stage_data.scan(review.id)
    )
    if batch is None or scanned is None:
        raise StageFailed("The review's data expired in Redis; start it again.")
    if not await store.stage_data.has_result(review.id, number):
        handoff = state.require_handoff()
        result = await _analyze(services, review, batch, scanned, handoff, attempt)
        read = len({*result.reviewed}.intersection(batch.paths))
        unread = len(batch.paths) - read
        services.metrics.count("glossator_llm_files_total", read, outcome="read")
        services.metrics.count("glossator_llm_files_total", unread, outcome="unread")
        await store.pulls.save_file_results(
            review.repository.id, review.number, reusable_results(batch, result)
        )
        await store.stage_data.finish_batch(
            review.id,
            number,
            result,
            files=len(batch.paths),
            publish=message("publish_review", review.id),
        )
    in_background(check_run.show_progress(services, review))


async def _analyze(
    services: Services,
    review: Review,
    batch: Batch,
    scanned: Scan,
    handoff: Handoff,
    attempt: Attempt,
) -> BatchResult:
    """What the LLM finds; with it goes the cost of earlier tries that an outage cut short."""
    if services.llm is None:
        raise StageFailed("LLM_MODEL is not set on this worker.")
    # A batch of this review that was answered already is not paid for twice all the same.
    llm = services.llm.apart(review.id) if review.full else services.llm
    repo = review.repository
    token = await services.github.installation_token(repo.installation_id, repo.id)
    settings = services.settings
    if scanned.context_tokens:
        settings = settings.with_context(scanned.context_tokens)
    origin = Source.of(review, settings, merge_base=scanned.merge_base, token=token)
    try:
        async with code_source(origin, settings, handoff.config, scanned) as source:
            result = await analyze(
                batch,
                scanned.pr_context,
                llm,
                settings,
                handoff.config,
                focus=review.focus,
                effort=review.effort,
                source=source,
                on_activity=partial(check_run.record_activity, services, review),
                review_id=review.id,
                installation_id=repo.installation_id,
                by_outsider=handoff.by_outsider,
                last_try=attempt.last,
                afresh=review.full,
            )
    except TransientLLMError as exc:
        services.metrics.usage(exc.usage)
        await services.store.stage_data.add_attempt_usage(review.id, batch.number, exc.usage)
        raise
    services.metrics.usage(result.usage)
    before = await services.store.stage_data.attempt_usage(review.id, batch.number)
    return replace(result, usage=before + result.usage)
