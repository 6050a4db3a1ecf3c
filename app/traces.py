"""Spans of requests whose caller samples them, sent by OTLP over HTTP. Only with OTEL_EXPORTER_OTLP_ENDPOINT.

Needs requirements/trace.txt. Spans are made after the answer and sent by the SDK's own thread from a bounded queue:
what a dead receiver does not take is dropped and counted.
"""

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.answer import Answer
from app.exchange import Exchange, parsed
from app.families import SPANS, series
from app.log_lines import client_address, shown
from app.operation import Operation
from app.settings import Settings
from app.telemetry import Telemetry, exchange_of
from app.trace_context import TraceContext, trace_context
from contract.refusal import Refusal
from contract.species import SPECIES

try:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
except ImportError as error:
    raise Refusal(
        f"OTEL_EXPORTER_OTLP_ENDPOINT is set, but {error.name} is missing; pip install -r requirements/trace.txt, "
        "or unset it"
    ) from error

if TYPE_CHECKING:
    from app.connection import Connection
    from app.serving import Serving

EXPORT_SECONDS = 2  # for a receiver to take some spans
CLOSE_SECONDS = 1.0  # for the last ones
KNOWN_HEADS = 256  # whose trace context is kept


class Counting(SpanExporter):
    """An exporter that counts what became of its spans."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.sent = self.lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """On the SDK's thread."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.sent += len(spans)
        else:
            self.lost += len(spans)
        return result

    def shutdown(self) -> None:
        """At the end."""
        self._exporter.shutdown()


class TracedTelemetry(Telemetry):
    """Telemetry with spans."""

    def __init__(self, settings: Settings, serving: "Serving | None" = None, descriptor: int = -1) -> None:
        super().__init__(settings, serving, descriptor)
        endpoint = f"{settings.otel_exporter_otlp_endpoint.rstrip('/')}/v1/traces"
        self._exporter = Counting(OTLPSpanExporter(endpoint, timeout=EXPORT_SECONDS))
        self._provider = TracerProvider(resource=Resource({"service.name": "penguins"}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("penguins")
        self._heads: dict[bytes, TraceContext | None] = {}
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # what is lost is counted

    def answered(self, connection: "Connection", operation: Operation, answer: Answer) -> None:
        """As without spans, which the first and the unusual answers get in `_log`."""
        usual = answer.status == 200 and operation.route in self.metrics.waiting
        super().answered(connection, operation, answer)
        if usual:
            context = self._context(connection)
            if context is not None and context.sampled:
                self._span(exchange_of(connection, answer, self.seconds_since(connection)), context)

    def _context(self, connection: "Connection") -> TraceContext | None:
        head = connection.head
        if not head:
            return trace_context(dict(connection.headers))
        if head not in self._heads:
            if len(self._heads) >= KNOWN_HEADS:
                self._heads.clear()
            lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
            self._heads[head] = trace_context({name.lower(): value.strip() for name, _, value in lines})
        return self._heads[head]

    def _log(self, exchange: Exchange) -> None:
        super()._log(exchange)
        context = trace_context(dict(parsed(exchange).headers))
        if context is not None and context.sampled:
            self._span(exchange, context)

    def _span(self, raw: Exchange, context: TraceContext) -> None:
        exchange = parsed(raw)
        parent = trace.NonRecordingSpan(
            trace.SpanContext(int(context.trace, 16), int(context.span or "0", 16), True, trace.TraceFlags(1))
        )
        method, path = shown(exchange.method), shown(exchange.target.partition(b"?")[0])
        route = self._route(exchange.target)
        ended = int(exchange.ended * 1e9)
        span = self._tracer.start_span(
            f"{method} {route}".strip(),
            trace.set_span_in_context(parent),
            trace.SpanKind.SERVER,
            start_time=ended - int(exchange.seconds * 1e9),
            attributes={
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": exchange.status,
                "url.path": path,
                "client.address": client_address(exchange, dict(exchange.headers), self.settings.trusted_proxies),
            },
        )
        if exchange.prediction is not None:
            span.set_attribute("penguins.species", SPECIES[exchange.prediction.label])
            span.set_attribute("penguins.confidence", exchange.prediction.probability)
        if exchange.status >= 500:
            span.set_status(trace.StatusCode.ERROR)
        span.end(ended)

    def sample(self, server: object) -> None:
        """With what became of spans."""
        super().sample(server)
        for outcome, count in (("sent", self._exporter.sent), ("lost", self._exporter.lost)):
            self.metrics.cells.take(series(SPANS, outcome=outcome), 1)[0] = count

    def close(self) -> None:
        """Send what is left, if anybody takes it."""
        super().close()
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
