"""Spans of requests that the caller samples, sent by OTLP over HTTP to OTEL_EXPORTER_OTLP_ENDPOINT.

This needs requirements/trace.txt. A span is made after the answer. The SDK's own thread sends spans from a bounded
queue; spans that a dead receiver does not take are dropped and counted.
"""

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.core.answer import Answer
from app.core.harmless import harmless
from app.core.operation import Operation
from app.core.settings import Settings
from app.metrics.families import SPANS, series
from app.telemetry.exchange import Exchange, parsed
from app.telemetry.log_lines import client_address, printable
from app.telemetry.recorder import Origin, Record, Telemetry
from app.telemetry.trace_context import TraceContext, trace_context
from contract.refusal import Refusal

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
    from app.model.serving import Serving

EXPORT_SECONDS = 2  # timeout of one export
CLOSE_SECONDS = 1.0  # to send the last spans


class Counting(SpanExporter):
    """An exporter that counts sent and lost spans."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.sent = self.lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans. The SDK calls this on its own thread."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.sent += len(spans)
        else:
            self.lost += len(spans)
        return result

    def shutdown(self) -> None:
        """Stop."""
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
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # lost spans are counted instead

    def answered(
        self, operation: Operation, answer: Answer, seconds: float, record: Record[Origin], source: Origin
    ) -> None:
        """Record an answer and make its span. `_log` makes the spans of first and unusual answers."""
        usual = answer.status == 200 and operation.route in self.metrics.waiting
        super().answered(operation, answer, seconds, record, source)
        if usual:
            self._sampled(record(source, answer, seconds))

    @harmless
    def _sampled(self, raw: Exchange) -> None:
        """Make a span, if the request is sampled."""
        exchange = parsed(raw)
        context = trace_context(dict(exchange.headers))
        if context is not None and context.sampled:
            self._span(exchange, context)

    def _log(self, exchange: Exchange) -> None:
        super()._log(exchange)
        self._sampled(exchange)

    def _span(self, exchange: Exchange, context: TraceContext) -> None:
        parent = trace.NonRecordingSpan(
            trace.SpanContext(int(context.trace, 16), int(context.span or "0", 16), True, trace.TraceFlags(1))
        )
        method, path = printable(exchange.method), printable(exchange.target.partition(b"?")[0])
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
            for name, value in self._described.answer(exchange.prediction).items():
                span.set_attribute(f"penguins.{name}", value)
        if exchange.status >= 500:
            span.set_status(trace.StatusCode.ERROR)
        span.end(ended)

    def sample(self, server: object) -> None:
        """Set all gauges, and the counts of spans."""
        super().sample(server)
        for outcome, count in (("sent", self._exporter.sent), ("lost", self._exporter.lost)):
            self.metrics.cells.take(series(SPANS, outcome=outcome), 1)[0] = count

    def close(self) -> None:
        """Send the remaining spans, if the receiver takes them."""
        super().close()
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
