"""The one review that speaks of a pull request: posted when there is news, else edited."""

from dataclasses import replace

from bot.domain.model import Report, State
from bot.github.client import GitHub
from bot.github.errors import Forbidden, GitHubError, Invalid, NotFound, Transient
from bot.github.reviews import PostedReview
from bot.github.threads import minimize_comment
from bot.security.links import Links
from bot.store import PostedSummary, ReviewResult
from bot.telemetry import log
from workers.reports.github_review import edit_review, find_posted, posted_fingerprints, publish_new
from workers.services import Services

#: Stands for what is no analyser's name: that not all was read that was to be read.
_READER = "reader"

_log = log.get(__name__)


async def publish_or_edit(
    services: Services,
    gh: GitHub,
    report: Report,
    links: Links,
    *,
    request_changes: bool,
) -> PostedReview | None:
    """Say what the report says, unless an earlier attempt did, and note what people know now;
    None if somebody cancelled it just now: nothing is posted after that."""
    store, review = services.store, report.review
    repository, number = review.repository.id, review.number
    previous = await store.pulls.posted_summary(repository, number)
    # GitHub may have it without our knowing, also where nothing here says that it was tried: a
    # Redis that took over from another may have lost the last second.
    posted = await find_posted(gh, report, links, await services.github.login())
    if posted is None:
        if await store.reviews.state(review.id) is not State.REPORTING:
            return None
        await store.reviews.update(review.id, posting_started=True)
        if previous is not None and not has_news(report, previous):
            posted = await _edited(gh, report, links, previous)
        if posted is None:
            posted = await publish_new(gh, report, links, request_changes=request_changes)
    await store.pulls.add_posted(repository, number, posted_fingerprints(report, posted))
    if review.focus is None:  # else it speaks of one category alone
        posted_summary = _posted_state(report, posted, previous)
        await store.pulls.save_posted_summary(repository, number, posted_summary)
    # From here on the review ends as completed, whatever becomes of its check run.
    await store.reviews.update(
        review.id,
        review_url=posted.url,
        findings=report.total,
        result=result_of(report, posted.url),
    )
    return posted


def result_of(report: Report, review_url: str) -> ReviewResult:
    """What those who watch are told at the end."""
    return ReviewResult(
        verdict=report.verdict,
        conclusion=report.conclusion,
        findings=report.total,
        review_url=review_url,
    )


def has_news(report: Report, previous: PostedSummary) -> bool:
    """Whether people are told something new, or asked for an answer: then there is one, which
    GitHub notifies them of. What is mended shows by its thread, and what was left out for what it
    is, as a binary file, in the edited text."""
    return (
        not report.review.trigger.automatic
        or bool(report.inline)
        or not report.fingerprints <= previous.fingerprints
        or not _failed_sources(report) <= previous.failed_sources
        or not _open_checks(report) <= previous.open_checks
    )


def _open_checks(report: Report) -> frozenset[str]:
    return frozenset(check.name for check in report.checks if check.is_open)


def _failed_sources(report: Report) -> frozenset[str]:
    """Who did not answer: analysers, and whoever had to read the files."""
    unread = report.unread or report.nothing_reviewed
    return frozenset((*report.failed_sources, _READER) if unread else report.failed_sources)


async def _edited(
    gh: GitHub, report: Report, links: Links, previous: PostedSummary
) -> PostedReview | None:
    try:
        return await edit_review(gh, report, links, previous.id)
    except (NotFound, Invalid, Forbidden) as exc:  # it is gone, or another App's
        _log.info("review_not_edited", review=report.review.id, why=str(exc))
        return None


def _posted_state(
    report: Report, posted: PostedReview, previous: PostedSummary | None
) -> PostedSummary:
    earlier = (previous.node_id, *previous.outdated_ids) if previous is not None else ()
    return PostedSummary(
        id=posted.id,
        node_id=posted.node_id,
        fingerprints=report.fingerprints,
        failed_sources=_failed_sources(report),
        open_checks=_open_checks(report),
        outdated_ids=tuple(
            dict.fromkeys(node for node in earlier if node not in ("", posted.node_id))
        ),
        reviews=1 + (previous.reviews_before(report.review.id) if previous is not None else 0),
        last_review=report.review.id,
    )


async def fold_earlier(services: Services, gh: GitHub, report: Report) -> None:
    """Fold away the reviews in whose place the newest one has come. Safe to repeat; what GitHub
    refuses (GitHub Enterprise Server of earlier years can't fold reviews) is logged once, and what
    a later try may do is left to the next review."""
    store, review = services.store, report.review
    posted_summary = await store.pulls.posted_summary(review.repository.id, review.number)
    if review.focus is not None or posted_summary is None or not posted_summary.outdated_ids:
        return
    remaining = list(posted_summary.outdated_ids)
    while remaining:
        try:
            await minimize_comment(gh, remaining[0], "OUTDATED")
        except GitHubError as exc:
            _log.info("review_not_folded", review=review.id, why=str(exc))
            if isinstance(exc, Transient):
                break
        del remaining[0]
    rest = replace(posted_summary, outdated_ids=tuple(remaining))
    await store.pulls.save_posted_summary(review.repository.id, review.number, rest)
