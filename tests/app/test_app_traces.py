"""Spans: of sampled requests alone, to a receiver of OTLP that is ours; a dead one harms nobody."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.app.test_app_bounds import PREDICT
from tests.commands import EXAMPLE, ROOT
from tests.service import OWN, serving
from tests.telemetry import eventually, free_port, samples, scrape, value
from tests.wire import Wire

proto = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{SPAN}-01"


@contextmanager
def receiver() -> Iterator[tuple[int, list[Any]]]:
    """Its port, and the spans that came."""
    spans: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            request = proto.ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], spans
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("fast_path", ["1", "0"])
def test_sampled_requests_have_spans(bundle_path: Path, fast_path: str) -> None:
    """One each, a child of the caller's, with the conventional attributes; others have none."""
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
    """Requests are answered, the loss is counted, and the service ends in time."""
    metrics = free_port()
    endpoint = f"http://127.0.0.1:{free_port()}"
    with serving(bundle_path, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, METRICS_PORT=str(metrics)) as service:
        with Wire(service.port) as wire:
            for _ in range(1500):
                wire.send(PREDICT.replace(b"Host: x", b"Host: x\r\ntraceparent: " + SAMPLED.encode()))
                assert wire.response().status == 200
        eventually(lambda: value(samples(scrape(metrics)), "penguins_spans_total", outcome="lost") > 0, 20)
        service.process.terminate()
        assert service.process.wait(timeout=8) == 0


def test_without_an_endpoint_nothing_is_imported(bundle_path: Path) -> None:
    """No SDK, no cost."""
    code = """if True:
        import sys
        from app.main import app
        print([name for name in sys.modules if name.startswith("opentelemetry")], end="")
    """
    environment = {**OWN, "BUNDLE": str(bundle_path)}
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "[]"
