"""Start a review, or say why not: permissions, configuration, policy, check run, first message."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ulid import ULID

from bot.config.repository_config import RepoConfig, TeamPreference
from bot.domain.model import Category, Effort, PullRequest, Repository, Review, State, Trigger
from bot.domain.progress import Activity
from bot.github import checks, pulls
from bot.github.client import GitHub, repo_url
from bot.github.errors import Transient
from bot.policy import start
from bot.policy.permissions import may_write
from bot.policy.precedence import effective
from bot.security.links import review_links
from bot.store import (
    Action,
    AuditEntry,
    Handoff,
    Message,
    PendingRequest,
    PullState,
    ReviewState,
    Store,
    Way,
    message,
)
from bot.telemetry import log
from workers.reports import render
from workers.repository.configuration import read_config
from workers.review import check_run
from workers.scan.redaction import redact_pull
from workers.services import Services

#: Of larger pull requests it is not asked whether all their paths are left out.
MAX_PATHS = 300

_QUOTAS = (start.SkipReason.QUOTA, start.SkipReason.AUTHOR_QUOTA)

_log = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRequest:
    """Somebody, or something that happened, asks for a review; `review_id` is what it will
    have, whatever often this request is worked on."""

    review_id: str
    repository: Repository
    number: int
    trigger: Trigger
    requested_by: str = ""
    full: bool = False
    focus: Category | None = None
    effort: Effort | None = None
    comment_id: int | None = None  # of the comment that asks, if one does
    in_thread: bool = False  # whether that is a review comment
    label: str | None = None  # that was taken off: a review follows only if it had forbidden one
    retargeted: bool = False  # the pull request goes to another base branch now
    follow_up: Message | None = None  # asks again, after a review that runs and is to be left alone


@dataclass(frozen=True, slots=True)
class Queued:
    """A review that begins once another has ended."""

    after: str  # that one's id


def derived_id(review_id: str, position: int) -> str:
    """An id for one of several reviews that one delivery asks for: the same each time it is
    handled, and as old as the delivery. Position 0 has the delivery's own id."""
    if position == 0:
        return review_id
    made_of = hashlib.sha256(f"{review_id}:{position}".encode()).digest()
    return str(ULID.from_bytes(ULID.from_str(review_id).bytes[:6] + made_of[:10]))


async def start_review(services: Services, request: ReviewRequest) -> start.Skip | Queued | None:
    """Open the review of the pull request's present head and queue its scan. If there is to be
    none, the reason is returned, and shown on the head commit unless a comment asked; if it has to
    wait, that is returned.

    Safe to repeat: everything it does is found again by the review's id. Raises what a retry
    may heal.
    """
    store, repo = services.store, request.repository
    gh = await services.github.installation(repo.installation_id, repo.id, check_run.PERMISSIONS)
    async with services.lock_pull(repo, request.number):
        review = await _open(services, gh, request)
    if not isinstance(review, ReviewState):
        return review
    settle_seconds = review.require_handoff().settle_seconds
    if not review.check_run_requested:
        activity, amount = await _waits_for(services, repo, settle_seconds)
        await store.reviews.update(request.review_id, activity=activity, amount=amount)
    await check_run.ensure(services, gh, review.review)
    admitted = await store.reviews.admit(
        request.review_id,
        repo.installation_id,
        max_concurrent=services.settings.installation_reviews,
        messages=[message("scan_review", request.review_id, delay=settle_seconds)],
    )
    if not admitted and await store.reviews.state(request.review_id) is None:
        # Another Redis has taken over, which has this message and not what came of it.
        raise Transient("Redis lost the review while it was being opened.", 1)
    return None


async def _waits_for(
    services: Services, repo: Repository, settle_seconds: float
) -> tuple[Activity, int]:
    """What the review waits for before it begins, and how many or long."""
    running = await services.store.reviews.running(repo.installation_id)
    if running >= services.settings.installation_reviews:
        return Activity.WAITING_FOR_SLOT, running
    if settle_seconds:
        return Activity.WAITING_FOR_COMMITS, round(settle_seconds)
    return Activity.QUEUED, 0


async def _open(
    services: Services, gh: GitHub, request: ReviewRequest
) -> ReviewState | start.Skip | Queued | None:
    """The review as it was opened, now or by an earlier attempt; None if there is to be none;
    the reason for that if a comment is to be answered with it; what it waits for."""
    store, repo = services.store, request.repository
    pull, seen, posted = await asyncio.gather(
        pulls.get_pull(gh, repo.full_name, request.number),
        store.pulls.get(repo.id, request.number),
        store.pulls.posted_summary(repo.id, request.number),
    )
    parsed = await read_config(services, gh, repo, pull.base_ref)
    config, warnings = parsed.config, parsed.warnings
    services.speak(config)
    if request.label is not None and not start.has_skip_label(config, request.label):
        return None
    holds = effective(services.settings, config)
    decision = await asyncio.to_thread(  # it matches the repository's own path patterns
        start.decide,
        pull,
        config,
        request.trigger,
        repository=repo.full_name,
        max_files=holds.max_files,
        forks=holds.forks,
        paused=bool(seen.paused),
        changed_paths=await _changed_paths(gh, request, pull, config),
        repeats=await _repeats(store, request, seen, pull),
        settle_seconds=holds.settle_seconds,
        retargeted=request.retargeted,
        reviews=seen.reviews_since(posted.reviews_before(request.review_id) if posted else 0),
    )
    outsider = isinstance(decision, start.Start) and await _by_outsider(gh, request, pull)
    if isinstance(decision, start.Start):
        over = await _over_quota(services, request, pull, outsider)
        if over and request.trigger.automatic and await _is_current(store, seen, pull):
            return None
        decision = over or decision
    if isinstance(decision, start.Skip):
        await _end_superseded(services, request, seen, pull, decision)
        return await _skip(services, gh, request, pull, decision, warnings)
    review = _review_of(request, pull, await store.time())
    opened = await store.reviews.open(review, base=pull.base_ref, follow_up=request.follow_up)
    if opened.outcome == "repeated":
        _log.info("head_already_reviewed", review=opened.other, head=pull.head_sha)
        await store.reviews.refund_quota(repo.installation_id, review.id)
        await check_run.close_forgotten(services, repo, pull.head_sha, review.id)
        return None
    if opened.outcome == "waits":
        _log.info("review_queued", review=review.id, after=opened.other)
        return Queued(opened.other)
    if opened.other:
        await store.queues.put(message("conclude_review", opened.other))
    if request.trigger not in (Trigger.COMMAND, Trigger.API):  # which are recorded as they come
        entry = AuditEntry.of(
            review,
            Action.REVIEW_REQUESTED,
            Way.WEBHOOK,
            review.requested_by,
            review.trigger,
        )
        await store.audit.record(entry, once=review.id)
    state = await store.reviews.get(review.id)
    if state is None or state.handoff is not None:
        return state
    handoff = Handoff(
        pull=redact_pull(pull),
        config=await _with_preferences(services, repo, config),
        notes=tuple(filter(None, (decision.note, *warnings))),
        settle_seconds=decision.settle_seconds,
        by_outsider=outsider,
        dependencies_only=decision.dependencies_only,
    )
    await store.reviews.update(review.id, handoff=handoff, title=handoff.pull.title)
    return replace(state, handoff=handoff, title=handoff.pull.title)


async def _with_preferences(services: Services, repo: Repository, config: RepoConfig) -> RepoConfig:
    """The configuration with what people of the repository had us remember, the newest first."""
    days = services.settings.suppression_days
    kept = await services.store.preferences.all(repo.installation_id, repo.id, days)
    remembered = tuple(TeamPreference(each.paths, each.text) for each in reversed(kept))
    return replace(config, preferences=(*config.preferences, *remembered))


async def _repeats(
    store: Store, request: ReviewRequest, seen: PullState, pull: PullRequest
) -> bool:
    """Whether a plain `/review` asks for what the newest review has said already, in full."""
    asks_for_news = not (request.full or request.focus or request.effort)
    if request.trigger is not Trigger.COMMAND or not asks_for_news:
        return False
    newest = seen.unfocused
    if newest == request.review_id or (seen.head, seen.base) != (pull.head_sha, pull.base_ref):
        return False
    report = await store.stage_data.report(newest) if newest else None
    return (
        report is not None
        and report.complete
        # The author may have written what a check of the team asks for.
        and not any(check.is_open for check in report.checks)
        and await store.reviews.state(newest) is State.COMPLETED
    )


def _review_of(request: ReviewRequest, pull: PullRequest, now: float) -> Review:
    return Review(
        id=request.review_id,
        repository=request.repository,
        number=request.number,
        head_sha=pull.head_sha,
        trigger=request.trigger,
        created_at=now,
        requested_by=request.requested_by,
        focus=request.focus,
        effort=request.effort,
        full=request.full,
        comment_id=request.comment_id,
        in_thread=request.in_thread,
    )


async def _by_outsider(gh: GitHub, request: ReviewRequest, pull: PullRequest) -> bool:
    """Whether somebody who may not write starts this review: then it has a share of its own."""
    repo = request.repository.full_name
    if not request.trigger.automatic or not start.is_from_fork(pull, repo):
        return False
    return not may_write(await pulls.permission(gh, repo, pull.author))


async def _over_quota(
    services: Services, request: ReviewRequest, pull: PullRequest, outsider: bool
) -> start.Skip | None:
    """Why there may be no further review now."""
    settings = services.settings
    if outsider and not await _within_author_quota(services, request, pull):
        return start.author_quota_exceeded(settings.outsider_hourly_reviews)
    if not await _within_quota(services, request):
        return start.quota_exceeded(settings.installation_daily_reviews)
    return None


async def _within_author_quota(
    services: Services, request: ReviewRequest, pull: PullRequest
) -> bool:
    """Whether the author may have this review within this hour; one that is opened, it is."""
    store, hourly_limit = services.store, services.settings.outsider_hourly_reviews
    if not hourly_limit or await store.reviews.state(request.review_id) is not None:
        return True
    installation_id = request.repository.installation_id
    return await store.reviews.consume_author_quota(
        installation_id, pull.author, request.review_id, hourly_limit
    )


async def _within_quota(services: Services, request: ReviewRequest) -> bool:
    """Whether the installation may have this review today; one that is opened, it has."""
    store, daily_limit = services.store, services.settings.installation_daily_reviews
    if not daily_limit or await store.reviews.state(request.review_id) is not None:
        return True
    installation_id = request.repository.installation_id
    return await store.reviews.consume_quota(installation_id, request.review_id, daily_limit)


async def _is_current(store: Store, seen: PullState, pull: PullRequest) -> bool:
    """Whether the head has a review, running or done, so that there is nothing to refuse."""
    if (seen.head, seen.base) != (pull.head_sha, pull.base_ref):
        return False
    return await store.reviews.state(seen.unfocused) not in (None, State.FAILED, State.CANCELLED)


async def _changed_paths(
    gh: GitHub, request: ReviewRequest, pull: PullRequest, config: RepoConfig
) -> tuple[str, ...] | None:
    """The changed paths, where the configuration has rules for them or there may be none; None
    for not needed, or more than are worth asking for."""
    if pull.changed_files and not config.paths_include and not config.paths_exclude:
        return None
    url = repo_url(request.repository.full_name, "pulls", request.number, "files", per_page=100)
    paths: list[str] = []
    async for data in gh.getiter(url):
        paths.append(data["filename"])
        if len(paths) > MAX_PATHS:
            return None
    return tuple(paths)


async def _end_superseded(
    services: Services,
    request: ReviewRequest,
    seen: PullState,
    pull: PullRequest,
    skip: start.Skip,
) -> None:
    """End the review of what a push, or another base branch, has replaced, though that is left
    alone. One that somebody asked for goes on: nothing else would come of the wish; and so does
    one after which the day's quota is spent."""
    if request.trigger is not Trigger.PUSHED or skip.reason in _QUOTAS:
        return
    current = await services.store.reviews.review(seen.current)
    if current is None or not current.trigger.automatic:
        return
    if (current.head_sha, seen.base) != (pull.head_sha, pull.base_ref):
        await services.store.reviews.cancel(current.id, start.superseded_by(skip))


async def _skip(
    services: Services,
    gh: GitHub,
    request: ReviewRequest,
    pull: PullRequest,
    skip: start.Skip,
    warnings: Sequence[str],
) -> start.Skip | None:
    """Say on the head commit why there is no review; on a closed pull request, nothing. Who
    asked is told in an answer, for which the reason is returned."""
    _log.info("review_skipped", number=pull.number, reason=skip.reason)
    store = services.store
    if skip.reason is start.SkipReason.NO_LABEL:
        await store.pulls.mark_label_needed(request.repository.id, pull.number)
    if await store.reviews.review(request.review_id) is not None:
        # An earlier attempt had opened it.
        await services.store.reviews.cancel(request.review_id, skip.full_message)
        return None
    # One that waited for another's end has its place.
    await store.reviews.refund_quota(request.repository.installation_id, request.review_id)
    if request.comment_id is not None:
        return skip
    if pull.open:
        await store.requests.end(
            request.review_id,
            _skipped_record(request, pull, await store.time()),
            skip.full_message,
        )
        await _show_skip(services, gh, request, pull.head_sha, skip, warnings)
    return skip


def _skipped_record(request: ReviewRequest, pull: PullRequest, now: float) -> PendingRequest:
    return PendingRequest(
        repository=request.repository.full_name,
        number=request.number,
        trigger=request.trigger,
        requested_by=request.requested_by,
        requested_at=now,
        repository_id=request.repository.id,
        head_sha=pull.head_sha,
    )


async def _show_skip(
    services: Services,
    gh: GitHub,
    request: ReviewRequest,
    head_sha: str,
    skip: start.Skip,
    warnings: Sequence[str],
) -> None:
    """Make and complete the check run, as far as an earlier attempt did not get."""
    repo = request.repository.full_name
    run = await checks.find_check_run(gh, repo, head_sha, request.review_id)
    if run is not None and run.status == "completed":
        return
    if run is None:
        run = await checks.create_check_run(
            gh,
            repo,
            name=check_run.NAME,
            head_sha=head_sha,
            external_id=request.review_id,
            details_url=review_links(services.settings, request.review_id).page,
        )
    await checks.update_check_run(
        gh,
        repo,
        run.id,
        conclusion="skipped",
        output=render.skipped_output(skip, warnings),
        actions=[check_run.rerun_action()],
    )
