"""Every actor, thin: the whole story on one screen.

Declared by a function, so that nothing happens at import. All of them may run twice,
die anywhere, or come late; what makes that safe stands in `workers.review.stage` and in the
store's scripts.
"""

import inspect
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dramatiq
from dramatiq.asyncio import async_to_sync
from dramatiq.errors import Retry
from dramatiq.middleware import CurrentMessage

from bot.config.settings import Settings
from bot.domain.events import CommentCreated, from_json
from bot.domain.model import Category, Effort, State
from bot.github.errors import NotFound
from bot.store import ReviewState
from bot.store.messages import QUEUE_OF
from bot.telemetry import log, tracing
from workers.events import commands
from workers.events.api_start import NamedReviewRequest, start_by_name
from workers.events.dispatch import handle_event
from workers.events.questions import answer
from workers.queue.retries import Running
from workers.review import analyze, conclude, publish, report, scan
from workers.review.stage import Attempt, run_stage
from workers.services import Services

Work = Callable[..., Coroutine[Any, Any, None]]

_log = log.get(__name__)

#: What of a message's arguments every line of the log bears, and under which name.
_IDS = {"review_id": "review", "guid": "delivery"}


def declare_actors(
    broker: dramatiq.Broker,
    settings: Settings,
    services: Callable[[], Services],
    running: Running,
) -> None:
    """Declare all actors on the broker; `services` gives what they work with, once open, and
    `running` knows what is under way."""

    def actor(function: Work) -> None:
        def run(*args: Any) -> None:
            # The message is known to this thread only, so it is looked at before the
            # event loop takes over.
            attempt = _attempt(settings)
            work = function(services(), attempt, *args)
            context = _MessageContext(
                function.__name__, attempt, _parent_span(), _ids(function, args)
            )
            async_to_sync(running.run)(_with_telemetry(work, context))

        dramatiq.actor(
            actor_name=function.__name__,
            queue_name=QUEUE_OF[function.__name__],
            broker=broker,
            max_retries=settings.max_retries,
            min_backoff=settings.min_backoff_ms,
            max_backoff=settings.max_backoff_seconds * 1000,
            # A backstop only: the steps keep their own, softer limits.
            time_limit=settings.review_seconds * 1000,
        )(run)

    for function in (
        handle_delivery,
        start_review,
        start_queued_review,
        scan_review,
        analyze_batch,
        publish_review,
        conclude_review,
        render_report,
        answer_question,
    ):
        actor(function)


def _ids(function: Work, args: Sequence[Any]) -> dict[str, Any]:
    names = list(inspect.signature(function).parameters)[2:]  # services and attempt go before
    return {_IDS[name]: arg for name, arg in zip(names, args, strict=False) if name in _IDS}


@dataclass(frozen=True, slots=True)
class _MessageContext:
    """What log and trace say of the work on a message; `parent` is the span that put it."""

    actor: str
    attempt: Attempt
    parent: str
    ids: dict[str, Any]


def _parent_span() -> str:
    message = CurrentMessage.get_current_message()
    return str(message.options.get(tracing.OPTION, "")) if message is not None else ""


async def _with_telemetry(work: Coroutine[Any, Any, None], context: _MessageContext) -> None:
    attributes: dict[str, tracing.Value] = {
        "messaging.system": "dramatiq",
        "messaging.destination.name": QUEUE_OF[context.actor],
        "glossator.retries": context.attempt.retries,
        **{f"glossator.{name}": str(value) for name, value in context.ids.items()},
    }
    span = tracing.span(
        context.actor,
        attributes,
        kind="consumer",
        review=context.ids.get("review", ""),
        parent=context.parent,
        expected=(Retry,),
    )
    with log.bound(**context.ids), span:
        await work


def _attempt(settings: Settings) -> Attempt:
    message = CurrentMessage.get_current_message()
    retries = int(message.options.get("retries", 0)) if message is not None else 0
    return Attempt(retries, last=retries >= settings.max_retries)


async def handle_delivery(
    services: Services, attempt: Attempt, event: dict[str, Any], review_id: str, guid: str
) -> None:
    with _ignoring_missing_target(attempt):
        await handle_event(services, from_json(event), review_id, guid)


async def start_review(
    services: Services,
    attempt: Attempt,
    repository: str,
    number: int,
    review_id: str,
    requested_by: str,
    full: bool,
    focus: str | None,
    effort: str | None = None,
) -> None:
    request = NamedReviewRequest(
        repository,
        number,
        review_id,
        requested_by,
        full,
        Category(focus) if focus else None,
        Effort(effort) if effort else None,
    )
    await start_by_name(services, request, last_try=attempt.last)


async def start_queued_review(
    services: Services, attempt: Attempt, event: dict[str, Any], review_id: str, position: int
) -> None:
    comment = from_json(event)
    assert isinstance(comment, CommentCreated)
    with _ignoring_missing_target(attempt):
        await commands.start_queued_review(services, comment, review_id, position)


async def scan_review(services: Services, attempt: Attempt, review_id: str) -> None:
    async def work(review: ReviewState) -> None:
        await scan.scan_review(services, review)

    during = [State.QUEUED, State.SCANNING]
    await run_stage(services, review_id, "scan", during=during, attempt=attempt, work=work)


async def analyze_batch(services: Services, attempt: Attempt, review_id: str, number: int) -> None:
    async def work(review: ReviewState) -> None:
        await analyze.analyze_batch(services, review, number, last_try=attempt.last)

    name, during = f"batch {number}", [State.ANALYZING]
    await run_stage(services, review_id, name, during=during, attempt=attempt, work=work)


async def publish_review(services: Services, attempt: Attempt, review_id: str) -> None:
    async def work(review: ReviewState) -> None:
        await publish.publish_review(services, review)

    during = [State.REPORTING]
    await run_stage(services, review_id, "report", during=during, attempt=attempt, work=work)


async def conclude_review(services: Services, attempt: Attempt, review_id: str) -> None:
    await conclude.conclude(services, review_id)


async def render_report(services: Services, attempt: Attempt, review_id: str, form: str) -> None:
    await report.render_report(services, review_id, form)


async def answer_question(
    services: Services, attempt: Attempt, event: dict[str, Any], question: str, position: int
) -> None:
    comment = from_json(event)
    assert isinstance(comment, CommentCreated)
    with _ignoring_missing_target(attempt):
        await answer(services, comment, question, position, last_try=attempt.last)


@contextmanager
def _ignoring_missing_target(attempt: Attempt) -> Iterator[None]:
    """Where nothing is any more - the App was taken away, the repository deleted - nobody can be
    told, and no dead letter would help: what was to be done there is done. Only the last try
    says so, as GitHub may not know at once what it has just told us of."""
    try:
        yield
    except NotFound as exc:
        if not attempt.last:
            raise
        _log.warning("target_not_found", why=str(exc))
