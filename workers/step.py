"""One step of a review: guarded, watched, limited in time, and ended in words when it fails.

Every step may run twice, late, or die anywhere. So it begins by looking whether the
review still waits for it, and it stops when the review is finished by somebody else:
a new push, a person, a time limit.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from dramatiq.errors import Retry

from bot import log
from bot.github.errors import (
    Forbidden,
    GitHubError,
    Invalid,
    NotFound,
    Transient,
    Unauthorized,
)
from bot.model import FINISHED, Review, State
from bot.queue import message
from workers.analysis.errors import LLMError, TransientLLMError
from workers.scan.errors import CloneError
from workers.services import Services

#: How soon a step sees that its review was cancelled or superseded, in seconds.
WATCH_SECONDS = 1.0

UNFINISHED = tuple(state for state in State if state not in FINISHED)

_log = log.get(__name__)


class StepFailed(Exception):
    """Raised when a review can never be finished; the message is the sentence for people."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which try of a message this is; `last` when no other will follow."""

    retries: int
    last: bool


Work = Callable[[Review, dict[str, str]], Awaitable[None]]


async def run_step(
    services: Services,
    review_id: str,
    *,
    during: Collection[State],
    attempt: Attempt,
    work: Work,
) -> None:
    """Do `work` if the review is in one of the states `during`, until it is done, or the
    review is finished, or time is up. Raises what a retry may heal, while there are retries."""
    store, settings = services.store, services.settings
    review, fields = await store.review(review_id), await store.fields(review_id)
    if review is None or State(fields["state"]) not in during:
        _log.info("step_not_awaited", review=review_id, state=fields.get("state"))
        return
    left = float(fields.get("started_at", store.now())) + settings.review_seconds - store.now()
    try:
        async with asyncio.timeout(max(0.0, min(settings.step_seconds, left))) as limit:
            await _until_finished(services, review_id, work(review, fields))
    except TimeoutError as exc:
        if limit.expired():
            minutes = round(min(settings.step_seconds, settings.review_seconds) / 60)
            await fail(services, review_id, f"It was not done within {minutes} minutes.")
            return
        await _heal_or_fail(services, review_id, attempt, exc)
    except Exception as exc:
        await _heal_or_fail(services, review_id, attempt, exc)


async def _until_finished(services: Services, review_id: str, work: Awaitable[None]) -> None:
    """Await the work, and cancel it, calls under way included, once the review is finished."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=WATCH_SECONDS)
            if not task.done() and await services.store.state(review_id) in FINISHED:
                _log.info("step_stopped", review=review_id)
                return
    finally:
        if not task.done():
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _heal_or_fail(
    services: Services, review_id: str, attempt: Attempt, exc: Exception
) -> None:
    sentence = sentence_of(exc)
    if _heals(exc) and not attempt.last:
        _log.warning(
            "step_will_be_retried", review=review_id, retries=attempt.retries, why=sentence
        )
        wait = exc.retry_after if isinstance(exc, Transient | TransientLLMError) else None
        if wait is not None:
            most = services.settings.max_backoff_seconds
            raise Retry(sentence, delay=int(min(wait, most) * 1000)) from exc
        raise exc
    _log.error("step_failed", review=review_id, why=sentence, exc_info=exc)
    await fail(services, review_id, sentence)


def _heals(exc: Exception) -> bool:
    """Whether another try may succeed; what we do not know may."""
    if isinstance(exc, CloneError):
        return exc.transient
    return not isinstance(exc, StepFailed | Unauthorized | Forbidden | NotFound | Invalid)


def sentence_of(exc: Exception) -> str:
    """What people are told: our own errors speak for themselves, others stay in the log."""
    if isinstance(exc, StepFailed | GitHubError | CloneError | LLMError):
        return str(exc)
    return "Something went wrong inside Glossator; its log says more."


async def fail(services: Services, review_id: str, sentence: str) -> None:
    """End a review as failed; its check run is completed by `conclude_review`."""
    await services.store.move(
        review_id,
        State.FAILED,
        of=UNFINISHED,
        messages=[message("conclude_review", review_id)],
        error=sentence,
    )
