"""Report: posted once, and the check run completed with it."""

import json
from dataclasses import replace

from bot.domain.model import Report, Review, State
from bot.github.client import GitHub
from bot.github.comments import Subject, react
from bot.github.errors import GitHubError, Transient
from bot.runtime.tasks import to_the_end
from bot.security.links import review_links
from bot.store import pull_requests
from bot.store.locks import hold
from bot.telemetry import log
from workers.reports.publish import complete_check_run
from workers.review import check_run, threads
from workers.review.dismiss_requests import lift
from workers.review.handoff import handed_on
from workers.review.posted_review import fold_earlier, post
from workers.review.report import report_of
from workers.review.review_log import tell_end
from workers.services import Services

#: A publisher that died can be followed by another after so many seconds.
LEASE_SECONDS = 30

#: Who finds another at it waits so long, and then comes again: whoever is killed in the midst of a
#: step is suspected to have taken its worker down, and most of a long wait is no work.
WAIT_SECONDS, AGAIN_SECONDS = 0.5, 2.0

_log = log.get(__name__)


async def publish_review(services: Services, review: Review, fields: dict[str, str]) -> None:
    """Build the report once, post it once, complete the check run. Raises what a retry may
    heal."""
    store, settings = services.store, services.settings
    pull, config = handed_on(fields)
    links = review_links(settings, review.id)
    # A worker that is only thought dead may still be publishing, or one whose review was
    # superseded while it posted: one at a time, or what is said last would be of an older commit.
    name = f"publish:{review.repository.id}:{review.number}"
    async with hold(store, name, seconds=LEASE_SECONDS, wait=WAIT_SECONDS) as alone:
        if not alone:
            busy = "Another worker is publishing a review of this pull request."
            raise Transient(busy, AGAIN_SECONDS)
        if await store.state(review.id) is not State.REPORTING:
            return
        gh = await check_run.client(services, review, check_run.PUBLISH)
        standing = await threads.ours(services, gh, review.repository, review.number)
        report = await report_of(services, gh, review, pull, config, standing or ())
        ask = config.request_changes
        request_changes = settings.request_changes if ask is None else ask
        fields = await store.fields(review.id)
        if "review_url" not in fields:
            posting = post(
                services,
                gh,
                report,
                replace(links, comments=threads.addresses(standing or ())),
                asked_before="review_asked" in fields,
                request_changes=request_changes,
            )
            # Were it cut short, a later review would say again what it said.
            posted = await to_the_end(posting)
            if posted is None:
                return
            await _forget_old_readings(services, review)
            fields["review_url"] = posted.url
        await fold_earlier(services, gh, report)
        await threads.settle(services, gh, report, standing or ())
        if request_changes or standing:  # else no earlier review can have asked for any
            await lift(services, gh, report, standing)
        await _cheer(services, gh, review)
        async with check_run.only_writer(services, review):
            run = await check_run.ensure_alone(services, gh, review)
            held = None if "completing" in await store.fields(review.id) else 0
            await store.remember(review.id, completing=1)
            await complete_check_run(gh, run, report, links, (check_run.RERUN,), held=held)
            completed = await store.move(
                review.id,
                State.COMPLETED,
                of=[State.REPORTING],
                percent=100,
                step="Done",
                findings=len(report.findings),
                result=_result(report, fields["review_url"]),
            )
        if completed:  # from now on the step may be stopped: its review is finished
            for finding in report.findings:
                services.metrics.count("glossator_findings_total", severity=finding.severity)
            await tell_end(store, review)


async def _cheer(services: Services, gh: GitHub, review: Review) -> None:
    """Tell the person who asked, on the comment in which they asked."""
    if review.comment_id is None:
        return
    try:
        repo = review.repository.full_name
        subject = Subject.REVIEW_COMMENT if review.in_thread else Subject.ISSUE_COMMENT
        await react(gh, repo, subject, review.comment_id, "rocket")
    except GitHubError as exc:  # the comment may be gone; the review stands
        _log.info("not_cheered", review=review.id, why=str(exc))


async def _forget_old_readings(services: Services, review: Review) -> None:
    scanned = await services.store.scan(review.id)
    if scanned is not None and review.focus is None:
        await pull_requests.forget_readings(
            services.store, review.repository.id, review.number, but=scanned.readings
        )


def _result(report: Report, review_url: str) -> str:
    """What those who watch are told at the end."""
    return json.dumps(
        {
            "verdict": report.verdict,
            "conclusion": report.conclusion,
            "score": None if report.unread else report.score,
            "findings": len(report.findings),
            "review_url": review_url,
        }
    )
