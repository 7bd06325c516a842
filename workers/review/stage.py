"""One step of a review: guarded, watched, limited in time, and ended in words when it fails.

Every step may run twice, late, or die anywhere. So it begins by looking whether the
review still waits for it, and it stops when the review is finished by somebody else:
a new push, a person, a time limit.
"""

import asyncio
import contextlib
import inspect
import logging
import time
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Coroutine,
)
from typing import Any, Concatenate, ParamSpec
from uuid import uuid4

from bot.domain.model import FINISHED, UNFINISHED, State
from bot.github.errors import (
    Forbidden,
    GitHubError,
    Invalid,
    NotFound,
    Unauthorized,
)
from bot.runtime.tasks import run_to_completion, stop
from bot.store import RedisError, ReviewState, Store, message
from bot.telemetry import log
from templates.languages import _, plural
from workers.analysis.llm.errors import LLMError, TransientLLMError
from workers.queue.actor import OUTAGES, Attempt, RetryAfter, RetryLater
from workers.scan.repository.errors import CloneError
from workers.scan.repository.process import ProcessTimeout
from workers.services import Services, in_background

#: How soon a step sees that its review was cancelled or superseded, in seconds.
WATCH_SECONDS = 1.0

#: A step that goes on for so long after it was cancelled is cancelled again, in seconds: time
#: enough to delete a clone, give a lock back and book what was spent.
CLEANUP_SECONDS = 5.0

#: Between two tries to tell a Redis that was away that a step has ended, in seconds.
REDIS_RETRY_SECONDS = 1.0

#: So many starts of a step without an end make it a isolated_stage: it is tried while no other
#: isolated_stage is, so that the one which takes its worker down does not take their good name.
ISOLATE_AFTER_STARTS = 2
ISOLATION_SECONDS = 15

#: So many starts without an end are enough.
MAX_STARTS = 4

WORKER_CRASHED = (
    f"The worker crashed {MAX_STARTS} times on this review; the change may need more memory than "
    "the worker has. See its log."
)

_log = log.get(__name__)


class StageFailed(Exception):
    """Raised when a review can never be finished; the message is the sentence for people."""


P = ParamSpec("P")
Work = Callable[[ReviewState], Coroutine[Any, Any, None]]
StageFunction = Callable[Concatenate[Services, Attempt, ReviewState, P], Coroutine[Any, Any, None]]
StageActor = Callable[Concatenate[Services, Attempt, str, P], Coroutine[Any, Any, None]]


def stage(name: str, *, during: Collection[State]) -> Callable[[StageFunction[P]], StageActor[P]]:
    """Make a function a stage of reviews, as `run_stage` guards it: it is then called with the
    id of a review, and is given its state. Further arguments tell the runs of a review's stage
    apart: `analyze 3`."""

    def guard(function: StageFunction[P]) -> StageActor[P]:
        async def guarded(
            services: Services,
            attempt: Attempt,
            review_id: str,
            /,
            *args: P.args,
            **kwargs: P.kwargs,
        ) -> None:
            def work(review: ReviewState) -> Coroutine[Any, Any, None]:
                return function(services, attempt, review, *args, **kwargs)

            run = " ".join([name, *map(str, args)])
            await run_stage(services, review_id, run, during=during, attempt=attempt, work=work)

        guarded.__doc__ = function.__doc__
        services, attempt, review, *more = inspect.signature(function).parameters.values()
        named = review.replace(name="review_id", annotation=str)
        guarded.__dict__["__signature__"] = inspect.Signature([services, attempt, named, *more])
        return guarded

    return guard


async def run_stage(
    services: Services,
    review_id: str,
    name: str,
    *,
    during: Collection[State],
    attempt: Attempt,
    work: Work,
) -> None:
    """Do `work` if the review is in one of the states `during`, until it is done, or the
    review is finished, or time is up. Raises what a retry may heal, while there are retries,
    and what waits for an outage to end. `name` tells the steps of a review apart."""
    store = services.store
    review = await store.reviews.get(review_id)
    if review is None or review.state not in during:
        _log.info("stage_skipped", review=review_id, state=review and review.state)
        return
    if review.handoff is not None:
        services.speak(review.handoff.config)
    started_at = time.monotonic()
    async with _started(services, review_id, name) as starts:
        if starts > MAX_STARTS:
            await fail(services, review_id, WORKER_CRASHED)
        elif starts > ISOLATE_AFTER_STARTS:
            async with store.locks.hold(
                "isolated_stage", seconds=ISOLATION_SECONDS, wait=0
            ) as acquired:
                if not acquired:
                    raise RetryLater("Another message that crashed its worker is being retried.")
                await _limited(services, review, attempt, work(review))
        else:
            await _limited(services, review, attempt, work(review))
    seconds, kind = time.monotonic() - started_at, name.partition(" ")[0]
    services.metrics.observe("glossator_stage_seconds", seconds, stage=kind)
    _log.info(
        "stage_ended",
        review=review_id,
        stage=name,
        seconds=round(seconds, 2),
        retries=attempt.retries,
    )


@contextlib.asynccontextmanager
async def _started(services: Services, review_id: str, name: str) -> AsyncIterator[int]:
    """Counts the starts of a step that had no end, this one included: its workers died."""
    store, start = services.store, uuid4().hex
    try:
        yield await store.stage_data.record_start(review_id, name, start)
    finally:
        try:
            await run_to_completion(store.stage_data.record_end(review_id, name, start))
        except RedisError:
            in_background(_record_end_later(store, review_id, name, start))


async def _record_end_later(store: Store, review_id: str, name: str, start: str) -> None:
    """Note the end once Redis is back: that it was away has taken no worker down."""
    while True:
        await asyncio.sleep(REDIS_RETRY_SECONDS)
        with contextlib.suppress(RedisError):
            await store.stage_data.record_end(review_id, name, start)
            return


async def _limited(
    services: Services, review: ReviewState, attempt: Attempt, work: Coroutine[Any, Any, None]
) -> None:
    settings, review_id = services.settings, review.review.id
    remaining = await seconds_left(services, review)
    if remaining <= 0:
        work.close()
        await time_out(services, review_id, settings.review_seconds)
        return
    try:
        async with asyncio.timeout(min(settings.step_seconds, remaining)) as limit:
            await _until_finished(services, review_id, work)
    except TimeoutError as exc:
        if limit.expired():
            is_review_limit = remaining <= settings.step_seconds
            seconds = settings.review_seconds if is_review_limit else settings.step_seconds
            await time_out(services, review_id, seconds)
            return
        await _retry_or_fail(services, review_id, attempt, exc)
    except Exception as exc:
        await _retry_or_fail(services, review_id, attempt, exc)


async def seconds_left(services: Services, review: ReviewState) -> float:
    """How long the review still has; it has REVIEW_SECONDS from the first start of its scan."""
    limit = float(services.settings.review_seconds)
    if review.started_at is None:
        return limit
    return review.started_at + limit - await services.store.time()


async def time_out(services: Services, review_id: str, seconds: float) -> None:
    """End a review that was not done within so many seconds; with it is told what held it up,
    if that is known."""
    review = await services.store.reviews.get(review_id)
    outage = review.outage if review is not None else ""
    sentence = f"{_('Timed out after {duration}.', duration=_duration(seconds))} {outage}".strip()
    await fail(services, review_id, sentence, timed_out=True)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return plural(minutes, "minute") if minutes > 1 else plural(round(seconds), "second")


async def _until_finished(
    services: Services, review_id: str, work: Coroutine[Any, Any, None]
) -> None:
    """Await the work, and cancel it, calls under way included, once the review is finished.
    However this ends, the work has ended before."""
    task, current = asyncio.create_task(work), asyncio.current_task()
    assert current is not None
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=WATCH_SECONDS)
            if not task.done() and await services.store.reviews.state(review_id) in FINISHED:
                _log.info("stage_stopped", review=review_id)
                return
            if current.cancelling():  # what we awaited lost it, see `bot.runtime.tasks.stop`
                raise asyncio.CancelledError
    finally:
        await stop(task, again_seconds=CLEANUP_SECONDS)
    task.result()


async def _retry_or_fail(
    services: Services, review_id: str, attempt: Attempt, exc: Exception
) -> None:
    sentence = user_message(exc)
    if _is_outage(exc):
        level = attempt.waiting_level
        _log.log(level, "stage_waiting_for_outage", review=review_id, why=sentence)
        with contextlib.suppress(RedisError):
            await services.store.reviews.update(review_id, outage=sentence)
        raise RetryLater(sentence, getattr(exc, "retry_after", None)) from exc
    if (
        await services.store.reviews.state(review_id) in FINISHED
    ):  # what it had to work with went with it
        _log.info("stage_stopped", review=review_id, error=type(exc).__name__, why=sentence)
        return
    if is_retryable(exc) and not attempt.last:
        level = logging.INFO if attempt.retries else logging.WARNING
        _log.log(level, "stage_will_retry", review=review_id, retries=attempt.retries, why=sentence)
        if isinstance(exc, TransientLLMError) and exc.retry_after is not None:
            longest = services.settings.max_backoff_seconds
            raise RetryAfter(sentence, min(exc.retry_after, longest)) from exc
        if isinstance(exc, GitHubError | CloneError | LLMError):
            raise RetryAfter(sentence) from exc
        raise exc
    _log.error("stage_failed", review=review_id, why=sentence, exc_info=exc)
    await fail(services, review_id, sentence)


def _is_outage(exc: Exception) -> bool:
    """Whether something outside is away, which is waited for until the review's time is up.
    A clone that took too long is none: it will again."""
    if isinstance(exc, CloneError):
        return exc.transient and not isinstance(exc.__cause__, ProcessTimeout)
    return isinstance(exc, OUTAGES)


def is_retryable(exc: Exception) -> bool:
    """Whether another try may succeed; what we do not know may."""
    if isinstance(exc, CloneError):
        return exc.transient
    return not isinstance(exc, StageFailed | Unauthorized | Forbidden | NotFound | Invalid)


def user_message(exc: Exception) -> str:
    """What people are told: our own errors speak for themselves, others stay in the log."""
    if isinstance(exc, StageFailed):
        return _(str(exc))
    if isinstance(exc, GitHubError | CloneError | LLMError):  # for operators, in English
        return str(exc)
    if isinstance(exc, RedisError):
        return _("Redis was unavailable.")
    return _("Internal error; see the server log.")


async def fail(
    services: Services, review_id: str, sentence: str, *, timed_out: bool = False
) -> None:
    """End a review as failed; its check run is completed by `conclude_review`. A `sentence` that
    has a translation is kept in the review's language."""
    await services.store.reviews.move(
        review_id,
        State.FAILED,
        from_states=UNFINISHED,
        messages=[message("conclude_review", review_id)],
        error=_(sentence),
        timed_out=timed_out,
    )
