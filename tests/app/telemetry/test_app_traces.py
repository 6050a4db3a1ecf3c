"""Spans of sampled requests, sent to a receiver of our own; a dead receiver does no harm."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import EXAMPLE, ROOT
from tests.support.fakes import Handler, running
from tests.support.requests import PREDICT
from tests.support.service import OWN, serving
from tests.support.telemetry import eventually, free_port, samples, scrape, value
from tests.support.wire import Wire

proto = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{SPAN}-01"


@contextmanager
def receiver() -> Iterator[tuple[int, list[Any]]]:
    """Run a receiver of spans. Yields its port and the spans that arrive."""
    spans: list[Any] = []

    class Receiver(Handler):
        def respond(self, body: bytes) -> None:
            assert self.path == "/v1/traces"
            request = proto.ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
            self.answer(200, {}, b"")

    with running(Receiver) as port:
        yield port, spans


@pytest.mark.parametrize("fast_path", ["1", "0"])
def test_sampled_requests_have_spans(bundle_path: Path, fast_path: str) -> None:
    """A sampled request has one span, a child of the caller's; others have none."""
    with receiver() as (port, spans):
        endpoint = f"http://127.0.0.1:{port}"
        with serving(bundle_path, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, FAST_PATH=fast_path) as service:
            with Wire(service.port) as wire:
                for traceparent in (SAMPLED, SAMPLED, SAMPLED.replace("-01", "-00"), SAMPLED):
                    wire.send(PREDICT.replace(b"Host: x", b"Host: x\r\ntraceparent: " + traceparent.encode()))
                    assert wire.response().status == 200
            assert service.predict(EXAMPLE).status == 200
            assert service.request("GET", "/none?x", headers={"traceparent": SAMPLED}).status == 404
        assert len(spans) == 4  # the end of the service sends what is left
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    assert {span.parent_span_id.hex() for span in spans} == {SPAN}
    assert len({span.span_id for span in spans}) == 4
    assert all(0 < span.end_time_unix_nano - span.start_time_unix_nano < 5e9 for span in spans)
    assert [span.name for span in spans] == ["POST /predict"] * 3 + ["GET"]
    attributes = {each.key: each.value for each in spans[0].attributes}
    assert attributes["http.route"].string_value == "/predict"
    assert attributes["http.response.status_code"].int_value == 200
    assert attributes["penguins.species"].string_value == "Adelie"


def test_a_dead_receiver_harms_nobody(bundle_path: Path) -> None:
    """Requests are answered although the receiver is dead, and the loss is counted."""
    metrics = free_port()
    endpoint = f"http://127.0.0.1:{free_port()}"
    with serving(bundle_path, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, METRICS_PORT=str(metrics)) as service:
        with Wire(service.port) as wire:
            for _ in range(1500):
                wire.send(PREDICT.replace(b"Host: x", b"Host: x\r\ntraceparent: " + SAMPLED.encode()))
                assert wire.response().status == 200
        eventually(lambda: value(samples(scrape(metrics)), "penguins_spans_total", outcome="lost") > 0, 20)
        service.process.terminate()
        assert service.process.wait(timeout=60) == 0


def test_without_an_endpoint_nothing_is_imported(bundle_path: Path) -> None:
    """The service imports no SDK if there is no endpoint."""
    code = """if True:
        import sys
        from app.main import app
        print([name for name in sys.modules if name.startswith("opentelemetry")], end="")
    """
    environment = {**OWN, "BUNDLE": str(bundle_path)}
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "[]"
