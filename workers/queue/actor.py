"""An actor: a function that is run for each message of its name, with log, trace and retries.

Dramatiq counts every retry against the same three. That is right for a step that fails by
itself; a GitHub that is down for ten minutes would use them up in one. So outages are waited out,
and no retry is counted for them.
"""

import inspect
import logging
import random
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dramatiq
from dramatiq import Broker
from dramatiq.asyncio import async_to_sync
from dramatiq.broker import MessageProxy
from dramatiq.errors import Retry
from dramatiq.middleware import CurrentMessage, Retries
from pydantic import ValidationError

from bot.config.settings import Settings
from bot.github.errors import NotFound, Transient
from bot.store import QUEUE_OF, RedisConnectionError, RedisTimeoutError
from bot.telemetry import log, tracing
from templates.languages import use
from workers.queue.shutdown import Running

#: What is outside of us and comes back by itself.
OUTAGES = (Transient, RedisConnectionError, RedisTimeoutError)

#: Longest wait between two looks whether an outage is over, unless we are told to wait longer.
LONGEST_WAIT_SECONDS = 60

#: A message that waited so long for an outage to end becomes a dead letter.
MAX_OUTAGE_SECONDS = 86_400


class RetryLater(Retry):
    """Raised for work that waits for something to come back; no retry is counted.

    `after` is in seconds, None for a wait that grows.
    """

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class RetryAfter(Retry):
    """Raised for work to try again in so many seconds, None for a pause that grows; the retry is
    counted. Nothing is logged for it, while any other error is logged with its traceback."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        super().__init__(message, delay=None if seconds is None else int(seconds * 1000))


class RetryMiddleware(Retries):
    """Dramatiq's retries, but outages are not counted and stopped work is no failure."""

    def __init__(self, settings: Settings, running: Running) -> None:
        super().__init__()
        self._settings = settings
        self._running = running

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Put the message again, by what kind of failure it was."""
        if self._running.stopped(exception):
            broker.enqueue(message)  # type: ignore[arg-type]
        elif isinstance(exception, RetryLater) and _age(message) < MAX_OUTAGE_SECONDS:
            waits = message.options.get("waits", 0)
            message.options["waits"] = waits + 1
            broker.enqueue(message, delay=self._delay(exception, waits))  # type: ignore[arg-type]
        else:
            super().after_process_message(  # type: ignore[no-untyped-call]
                broker, message, result=result, exception=exception
            )

    def _delay(self, retry: RetryLater, waits: int) -> int:
        """Milliseconds until the next look."""
        max_delay = self._settings.max_backoff_seconds * 1000
        if retry.after is not None:
            return int(min(retry.after * 1000, max_delay))
        max_wait = min(LONGEST_WAIT_SECONDS * 1000, max_delay)
        backoff = min(self._settings.min_backoff_ms * 2 ** min(waits, 20), max_wait)
        return int(backoff * random.uniform(0.5, 1))  # noqa: S311 (spreads load, guards nothing)


def _age(message: MessageProxy) -> float:
    """Seconds since the message was first put."""
    return time.time() - message.message_timestamp / 1000


#: Takes the services, the attempt, and the arguments of the message.
Function = Callable[..., Coroutine[Any, Any, None]]

_log = log.get(__name__)

#: What of a message's arguments every line of the log bears, and under which name.
_IDS = {"review_id": "review", "guid": "delivery"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which try of a message this is; `last` when no other will follow."""

    retries: int
    last: bool
    waits: int = 0  # for outages, which are not counted

    @property
    def waiting_level(self) -> int:
        """The level of the line that says what a message waits for: it is said once."""
        return logging.DEBUG if self.waits else logging.WARNING

    @contextmanager
    def ignoring_not_found(self) -> Iterator[None]:
        """Where nothing is any more - the App was taken away, the repository deleted - nobody can
        be told, and no dead letter would help: what was to be done there is done. Only the last
        try says so, as GitHub may not know at once what it has just told us of."""
        try:
            yield
        except NotFound as exc:
            if not self.last:
                raise
            _log.warning("target_not_found", why=str(exc))


def declare_actor(
    broker: dramatiq.Broker,
    name: str,
    function: Function,
    *,
    settings: Settings,
    services: Callable[[], object],
    running: Running,
) -> None:
    """Have messages to `name` run `function`; `services` gives what it works with, once open, and
    `running` knows what is under way."""

    # After the services and the attempt; a later version may send more.
    taken = len(inspect.signature(function).parameters) - 2

    def run(*args: Any) -> None:
        # The message is known to this thread only, so it is looked at before the event loop
        # takes over.
        attempt, parent = _attempt(settings), _parent_span()
        args = args[:taken]
        work = function(services(), attempt, *args)
        observed = _observed(work, name, attempt, parent, _ids(function, args))
        async_to_sync(running.run)(_speaking(settings, observed))

    dramatiq.actor(
        actor_name=name,
        queue_name=QUEUE_OF[name],
        broker=broker,
        max_retries=settings.max_retries,
        min_backoff=settings.min_backoff_ms,
        max_backoff=settings.max_backoff_seconds * 1000,
        # A backstop only: the stages keep their own, softer limits.
        time_limit=settings.review_seconds * 1000,
    )(run)


async def _speaking(settings: Settings, work: Coroutine[Any, Any, None]) -> None:
    """Await the work in the server's language, until it learns of the repository's."""
    use(settings.review_language, settings.command_prefix)
    await work


def _attempt(settings: Settings) -> Attempt:
    message = CurrentMessage.get_current_message()
    retries = int(message.options.get("retries", 0)) if message is not None else 0
    waits = int(message.options.get("waits", 0)) if message is not None else 0
    return Attempt(retries, last=retries >= settings.max_retries, waits=waits)


def _parent_span() -> str:
    """The span that put the message."""
    message = CurrentMessage.get_current_message()
    return str(message.options.get(tracing.OPTION, "")) if message is not None else ""


def _ids(function: Function, args: Sequence[Any]) -> dict[str, Any]:
    names = list(inspect.signature(function).parameters)[2:]  # services and attempt go before
    return {_IDS[name]: arg for name, arg in zip(names, args, strict=False) if name in _IDS}


async def _observed(
    work: Coroutine[Any, Any, None], name: str, attempt: Attempt, parent: str, ids: dict[str, Any]
) -> None:
    """Await the work with its log and its span. Raises RetryLater for an outage, and for what a
    worker of a later version may understand."""
    attributes: dict[str, tracing.Value] = {
        "messaging.system": "dramatiq",
        "messaging.destination.name": QUEUE_OF[name],
        "glossator.retries": attempt.retries,
        **{f"glossator.{key}": str(value) for key, value in ids.items()},
    }
    span = tracing.span(
        name,
        attributes,
        kind="consumer",
        review=ids.get("review", ""),
        parent=parent,
        expected=(Retry,),
    )
    with log.bound(**ids):
        try:
            with span:
                await work
        except OUTAGES as exc:
            _log.log(attempt.waiting_level, "waiting_for_outage", why=str(exc))
            raise RetryLater(str(exc), getattr(exc, "retry_after", None)) from exc
        except ValidationError as exc:  # of what is kept or sent: a later version wrote it
            why = f"{exc.title}: {exc.errors(include_input=False, include_url=False)[0]['msg']}"
            _log.log(attempt.waiting_level, "waiting_for_later_version", why=why)
            raise RetryLater(why) from None
