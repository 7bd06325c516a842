"""Publish: the report goes to GitHub as ONE review and one completed check run.

Both are recognised again, the review by the marker in its body and the check run by its
id, so that an attempt which died half-way is taken up where it stopped.
"""

from dataclasses import replace

from bot.domain.model import Finding, Report, Severity
from bot.github import checks, pulls, reviews
from bot.github.client import GitHub
from bot.github.reviews import PostedReview, ReviewComment
from bot.github.urls import CodeLinks
from bot.security.links import Links
from bot.telemetry import log
from workers.reports import render
from workers.reports.description import overview_block, with_overview
from workers.reports.markers import read_finding_marker, review_marker
from workers.reports.templates import code_links

_log = log.get(__name__)


async def find_posted(gh: GitHub, report: Report, links: Links, author: str) -> PostedReview | None:
    """The review as an earlier attempt posted it, which may have died before it listed what GitHub
    refused; None if it did not get so far."""
    repo, number = report.review.repository.full_name, report.review.number
    marker = review_marker(report.review.id)
    posted = await reviews.find_review(gh, repo, number, marker, author)
    if posted is None or not report.inline:
        return posted
    bodies = await reviews.comments_of(gh, repo, number, posted.id)
    found = {read.fingerprint for body in bodies if (read := read_finding_marker(body))}
    refused = tuple(
        comment for finding, comment in _comments(report) if finding.fingerprint not in found
    )
    return await _with_refused_listed(gh, report, links, replace(posted, rejected=refused))


async def publish_new(
    gh: GitHub, report: Report, links: Links, *, request_changes: bool
) -> PostedReview:
    """Publish a new review. Comments that GitHub refuses are shown in its body instead."""
    repo, number = report.review.repository.full_name, report.review.number
    posted = await reviews.create_review(
        gh,
        repo,
        number,
        commit_id=report.review.head_sha,
        body=render.review_body(report, links),
        comments=tuple(comment for _, comment in _comments(report)),
        event="REQUEST_CHANGES" if request_changes and blocks(report) else "COMMENT",
    )
    return await _with_refused_listed(gh, report, links, posted)


async def _with_refused_listed(
    gh: GitHub, report: Report, links: Links, posted: PostedReview
) -> PostedReview:
    """The review, with what GitHub refused as comments added to its body. Safe to repeat."""
    if posted.rejected:
        repo, number = report.review.repository.full_name, report.review.number
        taken = _taken(report, posted)
        body = render.review_body(
            replace(report, inline=taken), links, in_full={*report.inline} - {*taken}
        )
        await reviews.update_review(gh, repo, number, posted.id, body)
    return posted


async def edit_review(gh: GitHub, report: Report, links: Links, review_id: int) -> PostedReview:
    """Let a review of earlier speak of the present commit. Raises NotFound or Invalid where
    GitHub has no such review, Forbidden where it is not ours."""
    repo, number = report.review.repository.full_name, report.review.number
    return await reviews.update_review(
        gh, repo, number, review_id, render.review_body(report, links)
    )


def posted_fingerprints(report: Report, posted: PostedReview) -> tuple[str, ...]:
    """The fingerprints of the findings whose comments GitHub took, and of the places that the
    comments name."""
    names = _taken(report, posted)
    taken = [finding for finding in report.findings if finding.fingerprint in names]
    return tuple(dict.fromkeys(name for finding in taken for name in sorted(finding.fingerprints)))


async def describe(gh: GitHub, report: Report) -> None:
    """Bring our part of the pull request's description up to date; safe to repeat. It is read just
    before it is written, so that what people write meanwhile is kept. A review of one category, or
    one in which the model said nothing of the change, leaves it as it is."""
    if not report.overview or report.review.focus is not None:
        return
    repo, number = report.review.repository.full_name, report.review.number
    block = overview_block(report)
    body = await pulls.get_description(gh, repo, number)
    changed = with_overview(body, block)
    if changed is None:
        _log.info("description_left_alone", review=report.review.id)
    elif changed != body:
        await pulls.update_description(gh, repo, number, changed)


async def complete_check_run(
    gh: GitHub,
    check_run: int,
    report: Report,
    links: Links,
    actions: tuple[checks.Action, ...],
    *,
    already_sent: int | None = None,
) -> None:
    """Show the result on the check run, with an annotation for each finding on the head.

    `already_sent` is how many it holds already; None asks GitHub.
    """
    await checks.update_check_run(
        gh,
        report.review.repository.full_name,
        check_run,
        conclusion=report.conclusion,
        details_url=links.page,
        output=render.check_output(report, links),
        actions=actions,
        already_sent=already_sent,
    )


def inline(report: Report) -> tuple[Finding, ...]:
    """The findings that are posted on their lines."""
    return tuple(finding for finding in report.findings if finding.fingerprint in report.inline)


def blocks(report: Report) -> bool:
    """Whether the review requests changes, where that is configured."""
    return any(is_severe(finding.severity) for finding in report.findings)


def is_severe(severity: Severity) -> bool:
    """Whether a finding of this severity has to be fixed before merging."""
    return severity.rank <= Severity.HIGH.rank


def _taken(report: Report, posted: PostedReview) -> tuple[str, ...]:
    return tuple(
        finding.fingerprint
        for finding, comment in _comments(report)
        if comment not in posted.rejected
    )


def _comments(report: Report) -> list[tuple[Finding, ReviewComment]]:
    """The comments of the review, each with its finding."""
    code = code_links(report)
    return [(finding, _comment(finding, code, report)) for finding in inline(report)]


def _comment(finding: Finding, code: CodeLinks, report: Report) -> ReviewComment:
    assert finding.end_line is not None
    return ReviewComment(
        path=finding.path,
        line=finding.end_line,
        start_line=finding.start_line,
        side=finding.side,
        body=render.comment_body(
            finding, code, answers_questions=bool(report.models), report=report
        ),
    )
