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
MAX_CHARACTERS = 200

Value = str | int | float | bool | None
Kind = Literal["internal", "client", "producer", "consumer"]

#: The trace id of a span that begins a trace.
_requested_trace_id: ContextVar[int | None] = ContextVar("requested_trace_id", default=None)

_tracing: Tracing | None = None


class SpanHandle:
    """What is under way, to which can be added what became known; nothing while off."""

    def __init__(self, span: Span | None = None) -> None:
        self._span = span

    def set_attributes(self, attributes: Mapping[str, Value]) -> None:
        """Attributes of OpenTelemetry's names or ours; None is left out."""
        if self._span is not None:
            self._span.set_attributes(_clean(attributes))


_NO_SPAN = SpanHandle()


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
            "Install Glossator with the extra `otel`, or unset it."
        ) from exc
    _tracing = Tracing(settings, process, _requested_trace_id)


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
    expected: tuple[type[BaseException], ...] = (),
) -> Iterator[SpanHandle]:
    """A part of the present trace; nothing where there is none.

    `review` is the id of the review whose trace it belongs to, which it begins if `parent`, as
    `message_options` told it, does not belong there as well. `expected` exceptions are no failures.
    """
    if _tracing is None or not (review or parent or _tracing.current_context()):
        yield _NO_SPAN
        return
    parent_context = _tracing.parse(parent)
    trace_id = trace_id_of(review)
    is_root = trace_id is not None and (
        parent_context is None or parent_context.trace_id != trace_id
    )
    token = _requested_trace_id.set(trace_id)
    try:
        started = _tracing.start(name, kind, parent_context, is_root=is_root)
    finally:
        _requested_trace_id.reset(token)
    started.set_attributes(_clean(attributes))
    with _tracing.current(started):
        try:
            yield SpanHandle(started)
        except BaseException as exc:
            started.set_attribute("error.type", type(exc).__name__)
            if isinstance(exc, Exception) and not isinstance(exc, expected):
                _tracing.failed(started)
            raise
        finally:
            started.end()


def message_options() -> dict[str, str]:
    """What a message takes along, so that the work on it belongs to the present trace."""
    if _tracing is None or (present := _tracing.current_context()) is None:
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
        name: str(log.redact(value))[:MAX_CHARACTERS] if isinstance(value, str) else value
        for name, value in attributes.items()
        if value is not None
    }
