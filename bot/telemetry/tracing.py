"""Traces for OpenTelemetry: one a review, from its delivery to its report; off by default.

A review's trace bears the review's own id, in hexadecimal, so that it is found from a log
line or a page, and whoever takes lost work up goes on in the same trace. Messages carry the
span that put them. A span holds names, ids and numbers of ours and no text of others: of an
exception its type alone, of a request its route.

The packages come with the extra `otel`, and are imported only where an endpoint is set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

from ulid import ULID

from bot.config.settings import Settings, SettingsError
from bot.telemetry import log

if TYPE_CHECKING:
    from opentelemetry.trace import Span, SpanContext

    from bot.telemetry.otel import Tracing

#: The option of a message, and its form.
#: https://www.w3.org/TR/trace-context/#traceparent-header
OPTION = "traceparent"

#: Longer values are cut; ours are shorter.
MOST_CHARACTERS = 200

Value = str | int | float | bool | None
Kind = Literal["internal", "client", "producer", "consumer"]

#: The trace id of a span that begins a trace.
_wanted_trace: ContextVar[int | None] = ContextVar("wanted_trace", default=None)

_tracing: Tracing | None = None


class Noted:
    """What is under way, to which can be added what became known; nothing while off."""

    def __init__(self, span: Span | None = None) -> None:
        self._span = span

    def note(self, attributes: Mapping[str, Value]) -> None:
        """Attributes of OpenTelemetry's names or ours; None is left out."""
        if self._span is not None:
            self._span.set_attributes(_clean(attributes))


_NOTHING = Noted()


def configure(settings: Settings, process: str) -> None:
    """Send the spans of this process, called `process`, to the endpoint of the settings, if
    there is one. Raises SettingsError if the packages are not installed."""
    global _tracing
    if not settings.otel_exporter_otlp_endpoint:
        return
    try:
        from bot.telemetry.otel import Tracing
    except ModuleNotFoundError as exc:
        raise SettingsError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed. "
            "Install glossator[otel], or unset it."
        ) from exc
    _tracing = Tracing(settings, process, _wanted_trace)


def shutdown() -> None:
    """Send what is left, and trace no more."""
    global _tracing
    if _tracing is not None:
        _tracing.provider.shutdown()
        _tracing = None


@contextmanager
def span(
    name: str,
    attributes: Mapping[str, Value],
    *,
    kind: Kind = "internal",
    review: str = "",
    parent: str = "",
    quiet: tuple[type[BaseException], ...] = (),
) -> Iterator[Noted]:
    """A part of the present trace; nothing where there is none.

    `review` is the id of the review whose trace it belongs to, which it begins if `parent`, as
    `carried` told it, does not belong there as well. `quiet` exceptions are no failures.
    """
    if _tracing is None or not (review or parent or _tracing.inside()):
        yield _NOTHING
        return
    before = _tracing.parse(parent)
    trace_id = trace_id_of(review)
    begins = trace_id is not None and (before is None or before.trace_id != trace_id)
    token = _wanted_trace.set(trace_id)
    try:
        started = _tracing.start(name, kind, before, begins=begins)
    finally:
        _wanted_trace.reset(token)
    started.set_attributes(_clean(attributes))
    with _tracing.current(started):
        try:
            yield Noted(started)
        except BaseException as exc:
            started.set_attribute("error.type", type(exc).__name__)
            if isinstance(exc, Exception) and not isinstance(exc, quiet):
                _tracing.failed(started)
            raise
        finally:
            started.end()


def carried() -> dict[str, str]:
    """What a message takes along, so that the work on it belongs to the present trace."""
    if _tracing is None or (present := _tracing.inside()) is None:
        return {}
    return {OPTION: _header(present)}


def trace_id_of(review: str) -> int | None:
    """A review's id as a trace id: both have 128 bits. None for what is no such id."""
    try:
        return int(ULID.from_str(review)) or None
    except ValueError:
        return None


def _header(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _clean(attributes: Mapping[str, Value]) -> dict[str, str | int | float | bool]:
    return {
        name: str(log.redact(value))[:MOST_CHARACTERS] if isinstance(value, str) else value
        for name, value in attributes.items()
        if value is not None
    }
