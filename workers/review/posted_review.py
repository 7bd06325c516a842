"""The one review that speaks of a pull request: posted when there is news, else edited."""

from dataclasses import replace

from bot.domain.model import Report, State
from bot.github.client import GitHub
from bot.github.errors import Forbidden, GitHubError, Invalid, NotFound, Transient
from bot.github.reviews import PostedReview
from bot.github.threads import minimize_comment
from bot.security.links import Links
from bot.store import pull_requests
from bot.store.pull_requests import Spoken
from bot.telemetry import log
from workers.reports.publish import edit_review, find_posted, post_review, taken
from workers.services import Services

#: Stands for what is no analyser's name: that not all was read that was to be read.
_READER = "reader"

_log = log.get(__name__)


async def post(
    services: Services,
    gh: GitHub,
    report: Report,
    links: Links,
    *,
    asked_before: bool,
    request_changes: bool,
) -> PostedReview | None:
    """Say what the report says, unless an earlier attempt did, and note what people know now;
    None if somebody cancelled it just now: nothing is posted after that."""
    store, review, posted = services.store, report.review, None
    repository, number = review.repository.id, review.number
    before = await pull_requests.spoken(store, repository, number)
    if asked_before:  # GitHub may have it without our knowing
        posted = await find_posted(gh, report, links, await services.github.login())
    if posted is None:
        if await store.state(review.id) is not State.REPORTING:
            return None
        await store.remember(review.id, review_asked=1)
        if before is not None and not news(report, before):
            posted = await _edited(gh, report, links, before)
        if posted is None:
            posted = await post_review(gh, report, links, request_changes=request_changes)
    await pull_requests.add_posted(store, repository, number, taken(report, posted))
    if review.focus is None:  # else it speaks of one category alone
        spoken = _spoken(report, posted, before)
        await pull_requests.remember_spoken(store, repository, number, spoken)
    await store.remember(review.id, review_url=posted.url)
    return posted


def news(report: Report, before: Spoken) -> bool:
    """Whether people are told something new, or asked for an answer: then there is one, which
    GitHub notifies them of. What is mended shows by its thread, and what was left out for what it
    is, as a binary file, in the edited text."""
    found = {finding.fingerprint for finding in report.findings}
    return (
        not report.review.trigger.automatic
        or bool(report.inline)
        or not found <= before.told
        or not _failed(report) <= before.failed
    )


def _failed(report: Report) -> frozenset[str]:
    """Who did not answer: analysers, and whoever had to read the files."""
    return frozenset(report.unheard if report.complete else (*report.unheard, _READER))


async def _edited(gh: GitHub, report: Report, links: Links, before: Spoken) -> PostedReview | None:
    try:
        return await edit_review(gh, report, links, before.id)
    except (NotFound, Invalid, Forbidden) as exc:  # it is gone, or another App's
        _log.info("review_not_edited", review=report.review.id, why=str(exc))
        return None


def _spoken(report: Report, posted: PostedReview, before: Spoken | None) -> Spoken:
    earlier = (before.node_id, *before.earlier) if before is not None else ()
    return Spoken(
        id=posted.id,
        node_id=posted.node_id,
        told=frozenset(finding.fingerprint for finding in report.findings),
        failed=_failed(report),
        earlier=tuple(dict.fromkeys(node for node in earlier if node not in ("", posted.node_id))),
    )


async def fold_earlier(services: Services, gh: GitHub, report: Report) -> None:
    """Fold away the reviews in whose place the newest one has come. Safe to repeat; what GitHub
    refuses (GitHub Enterprise Server of earlier years can't fold reviews) is logged once, and what
    a later try may do is left to the next review."""
    store, review = services.store, report.review
    spoken = await pull_requests.spoken(store, review.repository.id, review.number)
    if review.focus is not None or spoken is None or not spoken.earlier:
        return
    left = list(spoken.earlier)
    while left:
        try:
            await minimize_comment(gh, left[0], "OUTDATED")
        except GitHubError as exc:
            _log.info("review_not_folded", review=review.id, why=str(exc))
            if isinstance(exc, Transient):
                break
        del left[0]
    rest = replace(spoken, earlier=tuple(left))
    await pull_requests.remember_spoken(store, review.repository.id, review.number, rest)
