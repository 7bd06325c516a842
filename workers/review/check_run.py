"""The review's check run: the sign of life on the pull request.

It is found again by its `external_id`, the review's id, so that an attempt that died after
GitHub had made it makes no second one. Progress is sent rarely, the longer a review runs the more
so, over all workers, and never on the path of the analysis: each costs five of the 900
points that an installation has a minute. The newest is always told in the end. A lock keeps
a late progress from reopening a check run that was completed meanwhile. A Redis that takes over
from another may have lost the lock, or that the review has ended: then it is looked on GitHub
before a progress, and in Redis after each, and what was reopened is completed again.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from bot.domain.model import Repository, Review, State
from bot.domain.progress import Activity, Progress
from bot.github import checks
from bot.github.checks import Action, CheckOutput
from bot.github.client import GitHub
from bot.github.errors import GitHubError, Transient
from bot.security.links import review_links
from bot.store import ReviewState, message
from bot.telemetry import log
from templates.languages import _
from workers.reports import render
from workers.services import Services, in_background

NAME = "Glossator"

#: Between two progresses of one review lie as many seconds as it has run, within these bounds.
MIN_GAP = 3.0
MAX_GAP = 30.0

#: A holder of a check run's lock that died loses it after so many seconds.
LOCK_SECONDS = 20

#: Whoever has to write waits so long for another, and then comes again.
WAIT_SECONDS = 5

#: The buttons, as deliveries name them.
CANCEL, RERUN = "cancel", "rerun"


#: What a token may do, by the step that it is for; git's own may read contents alone.
READ = {"contents": "read", "pull_requests": "read", "issues": "read", "checks": "read"}
CHECKS = {"checks": "write"}
PUBLISH = {"checks": "write", "pull_requests": "write", "issues": "write"}
PERMISSIONS = {**PUBLISH, "contents": "read"}
#: What GitHub wants for resolving a thread; not every App is given it.
RESOLVE = {"contents": "write", "pull_requests": "write"}

_ENDED_WITHOUT_REPORT = (State.CANCELLED, State.SUPERSEDED, State.FAILED)

_log = log.get(__name__)

#: Reviews whose next progress this process waits to tell.
_pending_updates: set[str] = set()


def cancel_action() -> Action:
    """GitHub takes labels of 20 characters and descriptions of 40."""
    return Action(_("Cancel"), CANCEL, _("Stop this review"))


def rerun_action() -> Action:
    return Action(_("Review again"), RERUN, _("Review this commit again"))


async def client(
    services: Services, review: Review, permissions: Mapping[str, str] = PERMISSIONS
) -> GitHub:
    """A GitHub client for the review's repository and these permissions only; one token for
    each a process and hour."""
    repository = review.repository
    return await services.github.installation(
        repository.installation_id, repository.id, permissions
    )


async def ensure(services: Services, gh: GitHub, review: Review) -> None:
    """See to it that an unfinished review has its check run.

    Raises Transient while another worker writes to it for long.
    """
    async with exclusive_writer(services, review):
        state = await services.store.reviews.get(review.id)
        # Another attempt may have opened it for a newer head, after a Redis had forgotten it.
        if state and not state.state.finished and state.review.head_sha == review.head_sha:
            await ensure_exclusive(services, gh, review)
            # Who ended it meanwhile waits for us, unless a Redis has forgotten our lock.
            if await services.store.reviews.state(review.id) in (None, *_ENDED_WITHOUT_REPORT):
                await close_forgotten(services, review.repository, review.head_sha, review.id)


async def ensure_exclusive(services: Services, gh: GitHub, review: Review) -> int:
    """The id of the review's check run, which is made now if there is none yet; for the holder
    of `exclusive_writer`, so that two workers never make two."""
    state = await services.store.reviews.get(review.id)
    if state is not None and state.check_run_id is not None:
        return state.check_run_id
    repo = review.repository.full_name
    # GitHub may have made it without our learning its id, also where nothing here says that it was
    # asked to: a Redis that took over from another may have lost the last second.
    run = await checks.find_check_run(gh, repo, review.head_sha, review.id)
    if run is None:
        await services.store.reviews.update(review.id, check_run_requested=True)
        waiting = state.progress if state is not None else Progress(state=State.QUEUED)
        progress = Progress(state=State.QUEUED, activity=waiting.activity, amount=waiting.amount)
        run = await checks.create_check_run(
            gh,
            repo,
            name=NAME,
            head_sha=review.head_sha,
            external_id=review.id,
            details_url=review_links(services.settings, review.id).page,
            output=_progress_output(services, review, progress),
            actions=[cancel_action()],
        )
    seen_by = await services.store.deliveries.redis_run_id()
    await services.store.reviews.update(review.id, check_run_id=run.id, check_run_seen_by=seen_by)
    await services.store.locks.once_per(f"check:{review.id}", int(MIN_GAP * 1000))
    return run.id


async def close_forgotten(
    services: Services, repository: Repository, head_sha: str, review_id: str
) -> None:
    """Complete the check run of a review that a newer one has replaced, and of which a Redis that
    took over from another knows nothing; if there is one."""
    gh = await services.github.installation(repository.installation_id, repository.id, CHECKS)
    run = await checks.find_check_run(gh, repository.full_name, head_sha, review_id)
    if run is None or run.status == "completed":
        return
    await checks.update_check_run(
        gh,
        repository.full_name,
        run.id,
        conclusion="cancelled",
        output=render.failure_output(render.Ending.SUPERSEDED, ""),
        actions=[rerun_action()],
    )


async def record_progress(services: Services, review: Review, progress: Progress) -> None:
    """Note how far the scan is, and show it."""
    amount, percent = progress.amount, progress.percent
    await record_activity(services, review, progress.activity, amount, percent=percent)


async def record_activity(
    services: Services, review: Review, activity: Activity, amount: int, *, percent: int = 0
) -> None:
    """Note what is being done for a review, and show it."""
    await services.store.reviews.update_progress(
        review.id, percent, activity=activity, amount=amount
    )
    in_background(show_progress(services, review))


async def show_progress(services: Services, review: Review) -> None:
    """Tell the check run how far the review is, as soon as that was not told a moment ago."""
    store = services.store
    if review.id in _pending_updates:
        return  # what is told then is the newest
    _pending_updates.add(review.id)
    try:
        while True:
            state = await store.reviews.get(review.id)
            if state is None or state.state.finished:
                return
            now = await store.time()
            gap = _gap(now - (state.started_at or now))
            if await store.locks.once_per(f"check:{review.id}", int(gap * 1000)):
                break
            await asyncio.sleep(gap / 4)
    finally:
        _pending_updates.discard(review.id)
    await _update(services, review)


def _gap(elapsed: float) -> float:
    return min(max(MIN_GAP, elapsed), MAX_GAP)


async def _update(services: Services, review: Review) -> None:
    store = services.store
    async with _write_lock(services, review, wait=0) as acquired:
        state = await store.reviews.get(review.id)
        if not acquired or state is None or state.state.finished or state.check_run_id is None:
            return
        try:
            gh = await client(services, review, CHECKS)
            if gh.is_scarce or not await _is_open(services, gh, state):
                return
            await checks.update_check_run(
                gh,
                review.repository.full_name,
                state.check_run_id,
                status="in_progress",
                output=_progress_output(services, review, state.progress),
                actions=[cancel_action()],
            )
        except GitHubError as exc:  # the next progress, or the end, will be told
            _log.warning("progress_not_shown", review=review.id, why=str(exc))
        await _complete_again(services, review)


async def _is_open(services: Services, gh: GitHub, state: ReviewState) -> bool:
    """Whether the check run may still be written to: asked of GitHub where another Redis than that
    which knew it last answers, for this one may have lost that it was completed."""
    store, review = services.store, state.review
    run_id = await store.deliveries.redis_run_id()
    if run_id and run_id == state.check_run_seen_by:
        return True
    assert state.check_run_id is not None
    run = await checks.get_check_run(gh, review.repository.full_name, state.check_run_id)
    if run.status == "completed":
        _log.warning("check_run_completed_unknown_to_redis", review=review.id)
        return False
    await store.reviews.update(review.id, check_run_seen_by=run_id)
    return True


async def _complete_again(services: Services, review: Review) -> None:
    """Where the review ended while its progress was on the way to GitHub, which can only be if the
    lock was lost: have its check run completed once more, after that."""
    store = services.store
    state = await store.reviews.get(review.id)
    if state is None:
        current = (await store.pulls.get(review.repository.id, review.number)).current
        if current not in ("", review.id):
            await close_forgotten(services, review.repository, review.head_sha, review.id)
    elif state.concluded or state.state is State.COMPLETED:
        _log.warning("check_run_reopened", review=review.id)
        await store.reviews.reopen_end(review.id)
        await store.queues.put(message("conclude_review", review.id))


@asynccontextmanager
async def exclusive_writer(services: Services, review: Review) -> AsyncIterator[None]:
    """Keep others from writing to the check run meanwhile: progress, above all, that comes
    late would reopen it after its completion. Raises Transient while another writes, whose
    request GitHub may take long to answer, or one that died has not lost the lock yet."""
    async with _write_lock(services, review, wait=WAIT_SECONDS) as acquired:
        if not acquired:
            raise Transient("Another worker is writing to the check run.", 5)
        yield


def _write_lock(
    services: Services, review: Review, *, wait: float
) -> AbstractAsyncContextManager[bool]:
    return services.store.locks.hold(f"check:{review.id}", seconds=LOCK_SECONDS, wait=wait)


def _progress_output(services: Services, review: Review, progress: Progress) -> CheckOutput:
    return render.progress_output(progress, review_links(services.settings, review.id))
