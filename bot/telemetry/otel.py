"""OpenTelemetry's side of `bot.telemetry.tracing`, and the only importer of its packages.

Spans go to a collector in batches, from a thread of their own, as protobuf over HTTP.
https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from contextlib import AbstractContextManager
from contextvars import ContextVar

from opentelemetry import trace as api
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.re import parse_env_headers

from bot import __version__
from bot.config.settings import Settings

#: A collector that does not answer holds up the end of a process for no longer.
EXPORT_SECONDS = 5


class ReviewIds(RandomIdGenerator):
    """Ids at random, except for a trace that is to have the one of `trace_id`."""

    def __init__(self, trace_id: ContextVar[int | None]) -> None:
        self._trace_id = trace_id

    def generate_trace_id(self) -> int:
        return self._trace_id.get() or super().generate_trace_id()


class Tracing:
    """The spans of one process, on their way to the endpoint of the settings."""

    def __init__(self, settings: Settings, process: str, trace_id: ContextVar[int | None]) -> None:
        headers = settings.otel_exporter_otlp_headers.get_secret_value()
        exporter = OTLPSpanExporter(
            endpoint=f"{settings.otel_exporter_otlp_endpoint}/v1/traces",
            headers=parse_env_headers(headers, liberal=True),
            timeout=EXPORT_SECONDS,
        )
        self.provider = TracerProvider(
            resource=Resource.create(
                {
                    "service.name": "glossator",
                    "service.version": __version__,
                    "glossator.process": process,
                }
            ),
            id_generator=ReviewIds(trace_id),
        )
        self.provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
        self._tracer = self.provider.get_tracer("glossator", __version__)

    def current_context(self) -> api.SpanContext | None:
        """The span that is under way here, None outside of all."""
        context = api.get_current_span().get_span_context()
        return context if context.is_valid else None

    def parse(self, header: str) -> api.SpanContext | None:
        """The span that a `traceparent` names, None for no such header."""
        context = TraceContextTextMapPropagator().extract({"traceparent": header})
        found = api.get_current_span(context).get_span_context()
        return found if header and found.is_valid else None

    def start(
        self, name: str, kind: str, parent: api.SpanContext | None, *, is_root: bool
    ) -> api.Span:
        """A span after `parent`, which may be in another process, or within the present one;
        one that begins a trace is linked to it."""
        context = None  # of what is under way here
        if is_root:
            context = api.set_span_in_context(api.INVALID_SPAN)
        elif parent is not None:
            context = api.set_span_in_context(api.NonRecordingSpan(parent))
        links = [api.Link(parent)] if is_root and parent is not None else []
        return self._tracer.start_span(name, context, api.SpanKind[kind.upper()], links=links)

    def current(self, span: api.Span) -> AbstractContextManager[api.Span]:
        """A context in which what starts is a part of the span. No exception is recorded."""
        return api.use_span(span, record_exception=False, set_status_on_exception=False)

    def failed(self, span: api.Span) -> None:
        span.set_status(api.StatusCode.ERROR)
