"""A collector on loopback, over real HTTP: keeps what OpenTelemetry and Sentry send it.

with Ingest() as ingest:
    ... otel_exporter_otlp_endpoint=ingest.url, sentry_dsn=ingest.dsn ...
    ingest.spans(), ingest.events()
"""

import gzip
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class SpanSeen:
    """A span as it came; ids in hexadecimal, `parent` "" for the first of a trace."""

    name: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    failed: bool
    attributes: dict[str, Any]


class Ingest:
    def __init__(self) -> None:
        self.received: list[Received] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                received.append(Received(self.path, dict(self.headers.items()), body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "Ingest":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def dsn(self) -> str:
        return f"http://{'0' * 32}@127.0.0.1:{self._server.server_port}/7"

    def spans(self) -> list[SpanSeen]:
        """Every span of every export."""
        found = []
        for request in self.received:
            if request.path == "/v1/traces":
                export = ExportTraceServiceRequest.FromString(request.body)
                for resource in export.resource_spans:
                    for scope in resource.scope_spans:
                        found += [_seen(span) for span in scope.spans]
        return found

    def events(self) -> list[dict[str, Any]]:
        """Every event of every envelope.
        https://develop.sentry.dev/sdk/data-model/envelopes/"""
        found = []
        for request in self.received:
            if request.path == "/api/7/envelope/":
                lines = request.body.splitlines()
                items = zip(lines[1::2], lines[2::2], strict=True)
                found += [json.loads(p) for h, p in items if json.loads(h)["type"] == "event"]
        return found


def _seen(span: Any) -> SpanSeen:
    return SpanSeen(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        links=tuple(link.trace_id.hex() for link in span.links),
        failed=span.status.code == 2,
        attributes={
            each.key: getattr(each.value, each.value.WhichOneof("value"))
            for each in span.attributes
        },
    )
