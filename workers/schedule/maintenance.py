"""What runs on a clock: nothing accepted is forgotten, nothing done stays lying around.

Each job is done by one process at a time, however many run this loop, and may be cut off
anywhere: it begins again from what is in Redis.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.config.settings import Settings
from bot.domain.model import State
from bot.github.errors import GitHubError
from bot.runtime.memory import hide_memory
from bot.runtime.tasks import stop
from bot.store import Message, RedisError, ReviewState, Snapshot, message
from bot.telemetry import log
from workers.review.notifications import announce_dead_letters
from workers.review.stage import fail, seconds_left, time_out
from workers.scan.repository.object_cache import make_room
from workers.schedule.redelivery import redeliver
from workers.services import Services, open_services

#: How often it is looked which job is due.
TICK_SECONDS = 1.0

#: A process that died in the middle of a job lets others have it after so many seconds.
LEASE_SECONDS = 30

#: A step has so long to end by itself at the review's time limit.
GRACE_SECONDS = 30

#: A review that was taken up so often and left again is given up.
MAX_RECOVERIES = 5

GIVEN_UP = f"Retried {MAX_RECOVERIES} times without finishing; see the workers' log."

_log = log.get(__name__)


Work = Callable[[Services], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every `seconds`, by one process of all."""

    name: str
    seconds: float
    work: Work


async def requeue_from_dead_workers(services: Services) -> None:
    """Give the messages of dead workers to living ones, and their turns to others."""
    await services.store.deliveries.start_queued()
    number = await services.store.queues.requeue_lost(services.settings.worker_lost_seconds)
    if number:
        _log.warning("messages_of_dead_workers_requeued", number=number)


async def sweep(services: Services) -> None:
    """Take up each review that nothing goes on with, and end those that are out of time. One that
    cannot be taken up is logged, and holds up no other."""
    seen = await services.store.queues.snapshot()
    for review_id in seen.active:
        try:
            await _recover(services, seen, review_id)
        except RedisError:  # the others would have it too
            raise
        except Exception as exc:
            why = type(exc).__name__
            _log.error("review_not_swept", review=review_id, why=why, exc_info=exc)
    for review_id in seen.ending:
        if not seen.has_message(review_id):
            _log.warning("check_run_left_open", review=review_id)
            await services.store.queues.put(message("conclude_review", review_id))


async def _recover(services: Services, seen: Snapshot, review_id: str) -> None:
    store, settings = services.store, services.settings
    review = await store.reviews.get(review_id)
    if review is None or review.state.finished:
        return
    if await seconds_left(services, review) < -GRACE_SECONDS:
        await time_out(services, review_id, settings.review_seconds)
        return
    lost = await _lost(services, seen, review)
    if not lost or await store.reviews.state(review_id) is not review.state:
        return
    recoveries = await store.reviews.count_recovery(review_id)
    if recoveries > MAX_RECOVERIES:
        await fail(services, review_id, GIVEN_UP)
        return
    _log.warning("orphan_recovered", review=review_id, state=review.state, recoveries=recoveries)
    await store.queues.put(*lost)


async def _lost(services: Services, seen: Snapshot, review: ReviewState) -> list[Message]:
    """The messages that the review needs to go on and that are nowhere."""
    opened, review_id = review.review, review.review.id
    if review.state is State.ANALYZING:
        if seen.has_scan_message(review_id):  # its batches were cut since, and have their messages
            return []
        missing = await services.store.stage_data.missing_batches(review_id)
        numbers = missing - seen.batches(review_id)
        return [message("analyze_batch", review_id, number) for number in sorted(numbers)]
    if seen.has_message(review_id) or review.parked:
        return []
    if review.state is State.REPORTING:
        return [message("publish_review", review_id)]
    if review.admitted:
        return [message("scan_review", review_id)]
    repository, asked = (
        opened.repository.full_name,
        (opened.requested_by, opened.full, opened.focus, opened.effort),
    )
    return [message("start_review", repository, opened.number, review_id, *asked)]


async def clean_up(services: Services) -> None:
    """Delete what has outlived its use."""
    store = services.store
    await asyncio.to_thread(make_room, services.settings)
    dropped = await store.review_list.drop_expired()
    left = await store.stage_data.drop_leftovers()
    await store.audit.trim(services.settings.audit_days)
    await store.metrics.gauges()  # forgets processes that were killed, should nobody scrape
    if dropped or left:
        _log.info("cleaned_up", reviews=dropped, leftovers=left)


def jobs(settings: Settings) -> tuple[Job, ...]:
    """All that is done on a clock. Dead workers are looked for so often that a review whose
    worker died is taken up within a minute."""
    return (
        Job("take_back", min(5, settings.sweep_seconds), requeue_from_dead_workers),
        Job("sweep", settings.sweep_seconds, sweep),
        Job("redeliver", settings.redelivery_seconds, redeliver),
        Job("announce", settings.sweep_seconds, announce_dead_letters),
        Job("tidy", 3600, clean_up),
    )


async def run_due(services: Services, job: Job) -> None:
    """Do the job if it is due and no other process does it. A failure is logged: the job is
    due again soon."""
    store = services.store
    name = f"maintenance:{job.name}"
    try:
        async with store.locks.hold(name, seconds=LEASE_SECONDS, wait=0) as acquired:
            if acquired and await store.locks.once_per(name, int(job.seconds * 1000)):
                await job.work(services)
    except (RedisError, GitHubError) as exc:
        _log.warning("maintenance_failed", job=job.name, why=str(exc))
    except Exception as exc:  # the other jobs go on
        _log.error("maintenance_crashed", job=job.name, why=type(exc).__name__, exc_info=exc)


async def run_maintenance(settings: Settings, stop_requested: Awaitable[None]) -> None:
    """Do all jobs, each at its time, until `stop_requested` to stop."""
    hide_memory()
    stopping = asyncio.ensure_future(stop_requested)
    async with open_services(settings) as services:
        await _log_complaints(services)
        clocks = [asyncio.create_task(_run_periodically(services, job)) for job in jobs(settings)]
        try:
            await asyncio.wait({stopping})
        finally:
            await stop(*clocks)


async def _run_periodically(services: Services, job: Job) -> None:
    """Do the job whenever it is due. None waits for another: what asks GitHub may take minutes."""
    while True:
        await run_due(services, job)
        await asyncio.sleep(TICK_SECONDS)


async def _log_complaints(services: Services) -> None:
    try:
        for complaint in await services.store.warnings():
            _log.warning("redis_may_lose_work", why=str(complaint))
    except RedisError as exc:
        _log.warning("redis_not_checked", why=str(exc))
