"""The report of a review: built once, stored, rendered on demand."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from bot.domain.model import Report, Review
from bot.domain.report_format import ReportFormat
from bot.github.client import GitHub
from bot.security.links import review_links
from bot.store import Handoff
from workers.queue.actor import Attempt
from workers.reports.formats import render as render_format
from workers.reports.merge import build_report
from workers.review import threads
from workers.review.stage import StageFailed
from workers.services import Services


async def report_of(
    services: Services,
    gh: GitHub,
    review: Review,
    handoff: Handoff,
    bot_threads: Sequence[threads.BotThread],
) -> Report:
    """The review's report; the one that an earlier attempt built, if there was one."""
    store = services.store
    if (report := await store.review_data.report(review.id)) is not None:
        return report
    await threads.record_thumbs_down(services, gh, review.repository, review.number, bot_threads)
    scanned, results, posted, posted_summary, dismissed = await asyncio.gather(
        store.review_data.scan(review.id),
        store.review_data.results(review.id),
        store.pulls.posted(review.repository.id, review.number),
        store.pulls.posted_summary(review.repository.id, review.number),
        store.suppressions.dismissals(
            review.repository.id, review.number, services.settings.suppression_days
        ),
    )
    if scanned is None:
        raise StageFailed("What was found is gone from Redis; start the review again.")
    scanned = replace(scanned, notes=(*handoff.notes, *scanned.notes))
    report = build_report(
        review,
        handoff.pull,
        scanned,
        results,
        services.settings,
        handoff.config,
        now=store.now(),
        posted_before=posted,
        # Whoever asks for a review gets on the lines what had no place there before.
        reported_before=posted_summary.fingerprints
        if posted_summary and review.trigger.automatic
        else frozenset(),
        dismissed=dismissed,
        earlier_reviews=posted_summary.reviews_before(review.id) if posted_summary else 0,
    )
    await store.review_data.save_report(report)
    findings = chain(scanned.evidence, scanned.reused_findings, *(r.findings for r in results))
    found = {finding.fingerprint for finding in findings}
    used = [one for name, one in dismissed.in_repository.items() if name in found]
    await store.suppressions.mark_used(review.repository.id, used)
    return report


async def render_report(services: Services, attempt: Attempt, review_id: str, form: str) -> None:
    """Render a stored report in one format, for the page and the API to hand out. Raises
    ValueError for a format that there is not."""
    format = ReportFormat(form)
    report = await services.store.review_data.report(review_id)
    if report is not None:
        links = review_links(services.settings, review_id)
        data = await asyncio.to_thread(render_format, report, format, links)
        await services.store.review_data.save_rendering(review_id, format, data)
