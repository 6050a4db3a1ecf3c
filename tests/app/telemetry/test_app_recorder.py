"""Telemetry counts every request once, and a fault in it changes no answer."""

import json
from pathlib import Path

import pytest

from tests.support.inference import INFER
from tests.support.requests import DOORS, asking
from tests.support.service import serving
from tests.support.wire import Wire, parse_all


@DOORS
@pytest.mark.parametrize(
    "method",
    [
        *("Metrics.flush", "Metrics.request", "Metrics.error", "Metrics.watch_route", "Metrics.set_connections"),
        *("RequestLog.success", "RequestLog.error", "RequestLog.tick"),
    ],
)
def test_telemetry_that_fails_ends_no_connection(bundle_path: Path, tmp_path: Path, door: str, method: str) -> None:
    """Clients get the usual answers although a part of telemetry raises."""
    start = tmp_path / "start.py"
    start.write_text(FAILING.format(method=method))
    environment = {"PYTHONPATH": str(tmp_path), "FAST_PATH": door}
    with serving(bundle_path, command=("start",), **environment) as service, Wire(service.port) as wire:
        for _ in range(2):
            for request, status in (
                (asking("/predict"), 200),
                (asking("/explain"), 200),
                (asking("/predict", b"{}"), 422),
                (asking("/nowhere"), 404),
            ):
                wire.send(request)
                assert wire.response().status == status
        with Wire(service.port) as broken:
            broken.send(b"POST /predict HTTP/1.1\r\n\r\n")
            assert broken.response().status == 400


FAILING = """
import sys
from app.metrics.request_counts import Metrics
from app.telemetry.request_log import RequestLog

def fails(*_):
    raise RuntimeError("a fault in telemetry")

{method} = fails

from app.__main__ import main
main(sys.argv[1:])
"""


@DOORS
@pytest.mark.parametrize("path", ["/predict", "/explain", INFER, "/nowhere", "/model"])
def test_a_body_that_breaks_off_is_counted_once(bundle_path: Path, tmp_path: Path, door: str, path: str) -> None:
    """A broken body is counted once, by the status that its client got."""
    log = tmp_path / "log"
    with log.open("wb") as stdout, serving(bundle_path, stdout=stdout, FAST_PATH=door, LOG_FORMAT="json") as service:
        for expect in (b"Expect: 100-continue\r\n", b""):
            with Wire(service.port) as wire:
                head = b"POST %b HTTP/1.1\r\nHost: x\r\nUser-Agent: breaks\r\n%b" % (path.encode(), expect)
                wire.send(head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
                statuses = [answer.status for answer in parse_all(wire.read_all())[0]]
            assert statuses[-1] == 400
    lines = [json.loads(line) for line in log.read_bytes().splitlines()]
    requests = [line["httpRequest"] for line in lines if "httpRequest" in line]
    assert [found["status"] for found in requests if found.get("userAgent") == "breaks"] == [400, 400]
