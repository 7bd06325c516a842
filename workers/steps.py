"""The three steps of a review, each over the folder that does the work.

What they share stands in `workers.step`; what they hand on lies in Redis under the
review's id.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace

from bot import log
from bot.github import checks, pulls
from bot.github.client import GitHub
from bot.github.comments import Subject, react
from bot.github.errors import Forbidden, GitHubError, Invalid, NotFound, Unauthorized
from bot.github.reviews import PostedReview
from bot.links import review_links
from bot.model import Brief, PullRequest, Report, Review, State, decode
from bot.queue import message
from bot.repo_config import RepoConfig
from bot.store.teaching import dismissed
from bot.tasks import to_the_end
from workers import checkrun, threads
from workers.analysis.analyze import analyze
from workers.background import in_background
from workers.readings import readings_of, with_readings
from workers.reports import render
from workers.reports.formats import render as render_format
from workers.reports.merge import build_report
from workers.reports.publish import complete_check_run, find_posted, post_review, taken
from workers.scan.clone import Source
from workers.scan.scan import scan
from workers.services import Services
from workers.step import StepFailed

#: https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
_ISSUE = re.compile(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#([0-9]{1,9})\b", re.IGNORECASE
)

#: A publisher that died can be followed by another after so many seconds.
LEASE_SECONDS = 30

_ENDINGS = {
    State.FAILED: render.Ending.FAILED,
    State.CANCELLED: render.Ending.CANCELLED,
    State.SUPERSEDED: render.Ending.SUPERSEDED,
}

_log = log.get(__name__)


async def scan_review(services: Services, review: Review, fields: dict[str, str]) -> None:
    """Clone, diff, choose, analyse; then one message for each batch, or straight to the report."""
    store, settings = services.store, services.settings
    await store.move(
        review.id,
        State.SCANNING,
        of=[State.QUEUED],
        started_at=store.now(),
        percent=5,
        step="Fetching the change",
    )
    pull, config = _handed_on(fields)
    gh = await checkrun.client(services, review, checkrun.READ)
    repo = review.repository
    in_background(checkrun.show_progress(services, review))
    comparison, brief, token = await asyncio.gather(
        pulls.compare(gh, repo.full_name, pull.base_sha, review.head_sha),
        _brief(gh, repo.full_name, pull),
        services.github.installation_token(repo.installation_id, repo.id),
    )

    async def on_progress(percent: int, text: str) -> None:
        await store.tell(review.id, percent, step=text)
        in_background(checkrun.show_progress(services, review))

    scanned = await scan(
        Source(
            url=f"{settings.github_url}/{repo.full_name}.git",
            token=token,
            merge_base=comparison.merge_base,
            head_sha=review.head_sha,
            number=review.number,
        ),
        pull,
        brief,
        settings,
        config,
        focus=review.focus,
        on_progress=on_progress,
        known=frozenset() if review.full else await store.reading_keys(repo.id, review.number),
    )
    batches = scanned.batches if services.llm is not None else ()
    kept = await store.readings(repo.id, review.number, scanned.kept)
    await store.save_scan(review.id, with_readings(scanned.scan, kept))
    files = sum(len(batch.files) for batch in batches)
    await store.move(
        review.id,
        State.ANALYZING if batches else State.REPORTING,
        of=[State.SCANNING],
        batches=batches,
        messages=[message("analyze_batch", review.id, batch.number) for batch in batches]
        or [message("publish_review", review.id)],
        percent=20 if batches else 90,
        step=f"Read 0 of {files} files" if batches else "Writing the report",
        files_total=files,
        findings=len(scanned.scan.evidence),
    )


async def analyze_review_batch(
    services: Services, review: Review, fields: dict[str, str], number: int, *, last_try: bool
) -> None:
    """Let the LLM read one batch; the last one in sends the review to be published."""
    store = services.store
    batch, scanned = await asyncio.gather(store.batch(review.id, number), store.scan(review.id))
    if batch is None or scanned is None:
        raise StepFailed("What was to be read is gone from Redis; start the review again.")
    if services.llm is None:
        raise StepFailed("This worker has no LLM_MODEL set, while the one that scanned had.")
    _, config = _handed_on(fields)
    if not await store.has_result(review.id, number):
        result = await analyze(
            batch,
            scanned.brief,
            services.llm,
            services.settings,
            config,
            focus=review.focus,
            review_id=review.id,
            installation_id=review.repository.installation_id,
            last_try=last_try,
        )
        services.metrics.usage(result.usage)
        unread = len(batch.files) - len(result.reviewed)
        services.metrics.count("glossator_llm_files_total", len(result.reviewed), outcome="read")
        services.metrics.count("glossator_llm_files_total", unread, outcome="unread")
        await store.remember_readings(
            review.repository.id, review.number, readings_of(batch, result)
        )
        await store.finish_batch(
            review.id,
            number,
            result,
            files=len(batch.files),
            publish=message("publish_review", review.id),
        )
    in_background(checkrun.show_progress(services, review))


async def publish_review(services: Services, review: Review, fields: dict[str, str]) -> None:
    """Build the report once, post it once, complete the check run."""
    store, settings = services.store, services.settings
    pull, config = _handed_on(fields)
    links = review_links(settings, review.id)
    # A worker that is only thought dead may still be publishing: one at a time.
    name = f"publish:{review.id}"
    async with store.hold(name, seconds=LEASE_SECONDS, wait=2 * LEASE_SECONDS) as alone:
        if not alone or await store.state(review.id) is not State.REPORTING:
            return
        gh = await checkrun.client(services, review, checkrun.PUBLISH)
        standing = await threads.ours(services, gh, review)
        report = await _report(services, gh, review, pull, config, standing)
        fields = await store.fields(review.id)
        if "review_url" not in fields:
            wanted = config.request_changes
            posting = _post(
                services,
                gh,
                report,
                asked_before="review_asked" in fields,
                request_changes=settings.request_changes if wanted is None else wanted,
            )
            # Were it cut short, a later review would say again what it said.
            posted = await to_the_end(posting)
            if posted is None:
                return
            await _forget_old_readings(services, review)
            fields["review_url"] = posted.url
        if report.usage.cost is not None:
            await store.remember(review.id, cost=report.usage.cost)
        await threads.settle(services, gh, report, standing)
        await _cheer(services, gh, review)
        async with checkrun.only_writer(services, review, wait=checkrun.LOCK_SECONDS):
            check_run = await checkrun.ensure_alone(services, gh, review)
            held = None if "completing" in await store.fields(review.id) else 0
            await store.remember(review.id, completing=1)
            await complete_check_run(gh, check_run, report, links, (checkrun.RERUN,), held=held)
            completed = await store.move(
                review.id,
                State.COMPLETED,
                of=[State.REPORTING],
                percent=100,
                step="Done",
                findings=len(report.findings),
                score=report.score,
                tokens=report.usage.prompt_tokens + report.usage.completion_tokens,
                result=_result(report, fields["review_url"]),
            )
        for finding in report.findings if completed else ():
            services.metrics.count("glossator_findings_total", severity=finding.severity)


async def _post(
    services: Services,
    gh: GitHub,
    report: Report,
    *,
    asked_before: bool,
    request_changes: bool,
) -> PostedReview | None:
    """Post the review, unless an earlier attempt did, and note what stands on lines now; None if
    somebody cancelled it just now: nothing is posted after that."""
    store, review, posted = services.store, report.review, None
    if asked_before:  # GitHub may have it without our knowing
        posted = await find_posted(gh, report, await services.github.login())
    if posted is None:
        if await store.state(review.id) is not State.REPORTING:
            return None
        await store.remember(review.id, review_asked=1)
        links = review_links(services.settings, review.id)
        posted = await post_review(gh, report, links, request_changes=request_changes)
    await store.add_posted(review.repository.id, review.number, taken(report, posted))
    await store.remember(review.id, review_url=posted.url)
    return posted


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


async def _report(
    services: Services,
    gh: GitHub,
    review: Review,
    pull: PullRequest,
    config: RepoConfig,
    standing: Sequence[threads.Ours],
) -> Report:
    """The review's report; the one that an earlier attempt built, if there was one."""
    store = services.store
    if (report := await store.report(review.id)) is not None:
        return report
    await threads.learn(services, gh, review, standing)
    scanned, results, posted = await asyncio.gather(
        store.scan(review.id),
        store.results(review.id),
        store.posted(review.repository.id, review.number),
    )
    if scanned is None:
        raise StepFailed("What was found is gone from Redis; start the review again.")
    notes = (await store.fields(review.id)).get("notes", "").splitlines()
    scanned = replace(scanned, notes=(*notes, *scanned.notes))
    report = build_report(
        review,
        pull,
        scanned,
        results,
        services.settings,
        config,
        now=store.now(),
        posted_before=posted,
        dismissed=await dismissed(store, review.repository.id, review.number),
    )
    await store.save_report(report)
    return report


async def _forget_old_readings(services: Services, review: Review) -> None:
    scanned = await services.store.scan(review.id)
    if scanned is not None and review.focus is None:
        await services.store.forget_readings(
            review.repository.id, review.number, but=scanned.readings
        )


def _result(report: Report, review_url: str) -> str:
    """What those who watch are told at the end."""
    return json.dumps(
        {
            "verdict": report.verdict,
            "conclusion": report.conclusion,
            "score": report.score,
            "findings": len(report.findings),
            "review_url": review_url,
        }
    )


async def render_report(services: Services, review_id: str, form: str) -> None:
    """Render a stored report in one format, for the page and the API to hand out."""
    report = await services.store.report(review_id)
    if report is not None:
        links = review_links(services.settings, review_id)
        data = await asyncio.to_thread(render_format, report, form, links)
        await services.store.save_rendering(review_id, form, data)


async def conclude(services: Services, review_id: str) -> None:
    """Complete the check run of a review that ended without a report, and say why.

    Safe to repeat; nothing is done for a review without a check run, or one that completed.
    """
    store = services.store
    review, fields = await store.review(review_id), await store.fields(review_id)
    if review is not None and not State(fields["state"]).finished:
        return
    if review is None or fields.get("concluded") or fields["state"] not in _ENDINGS:
        await store.concluded(review_id)
        return
    try:
        await _complete(services, review)
    except (NotFound, Forbidden, Unauthorized, Invalid) as exc:  # no later try may do it either
        _log.warning("check_run_left_open", review=review_id, why=str(exc))
    await store.concluded(review_id)


async def _complete(services: Services, review: Review) -> None:
    """Complete the check run, if there is one, with the words for how the review ended."""
    store, review_id = services.store, review.id
    links = review_links(services.settings, review_id)
    gh = await checkrun.client(services, review, checkrun.CHECKS)
    async with checkrun.only_writer(services, review, wait=checkrun.LOCK_SECONDS):
        fields = await store.fields(review_id)  # it may just have been made
        ending = _ENDINGS[State(fields["state"])]
        if fields.get("timed_out") == "1":
            ending = render.Ending.TIMED_OUT
        if "check_run" in fields or "check_run_asked" in fields:
            await checks.update_check_run(
                gh,
                review.repository.full_name,
                await checkrun.ensure_alone(services, gh, review),
                conclusion="neutral" if fields["state"] == State.FAILED else "cancelled",
                output=render.failure_output(ending, fields.get("error", ""), links),
                actions=[checkrun.RERUN],
            )


def _handed_on(fields: dict[str, str]) -> tuple[PullRequest, RepoConfig]:
    """The pull request and the configuration as they were when the review was opened."""
    return decode(PullRequest, fields["pull"]), decode(RepoConfig, fields["config"])


async def _brief(gh: GitHub, repo: str, pull: PullRequest) -> Brief:
    """What the author says of the change, with the issue that it closes, if it names one."""
    commits = await pulls.list_commits(gh, repo, pull.number)
    issue = ""
    if linked := _ISSUE.search(pull.body):
        with contextlib.suppress(NotFound):
            found = await pulls.get_issue(gh, repo, int(linked[1]))
            issue = f"{found.title}\n\n{found.body}"
    return Brief(
        title=pull.title,
        body=pull.body,
        commits=tuple(commit.message for commit in commits),
        issue=issue,
    )
