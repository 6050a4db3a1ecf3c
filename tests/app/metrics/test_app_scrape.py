"""The metrics of a real service: every answer is counted once, and no scraper does harm."""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from contract.metrics import DURATION
from tests.support.commands import EXAMPLE
from tests.support.processes import another_serves, start, workers_of
from tests.support.requests import PREDICT
from tests.support.service import Service, listening_port, serving
from tests.support.telemetry import checked, eventually, free_port, samples, scrape, value
from tests.support.wire import Wire

HOST = b"Host: x\r\n"
CASES = [  # request, method, route, status, kind
    (PREDICT, "POST", "/predict", 200, None),
    (PREDICT.replace(b"39.1", b"99.1"), "POST", "/predict", 400, "domain"),
    (PREDICT.replace(b"39.1", b"null"), "POST", "/predict", 422, "invalid"),
    (PREDICT.replace(HOST, HOST + b"Content-Type: text/csv\r\n"), "POST", "/predict", 415, "media_type"),
    (b"GET /health/ready HTTP/1.1\r\n" + HOST + b"\r\n", "GET", "/health/ready", 200, None),
    (b"GET /model?x=1 HTTP/1.1\r\n" + HOST + b"\r\n", "GET", "/model", 200, None),
    (b"GET /made/up HTTP/1.1\r\n" + HOST + b"\r\n", "GET", "", 404, "path"),
    (b"GET /predict HTTP/1.1\r\n" + HOST + b"\r\n", "GET", "/predict", 405, "method"),
    (b"PROPFIND /predict HTTP/1.1\r\n" + HOST + b"\r\n", "_OTHER", "/predict", 405, "method"),
    (
        b"POST /predict HTTP/1.1\r\n" + HOST + b"Content-Length: 99999\r\n\r\n",
        "POST",
        "/predict",
        413,
        "body_too_large",
    ),
    (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", None, "", 414, "target_too_large"),
    (b"GET /model HTTP/1.1\r\nX: " + b"x" * 20000 + b"\r\n\r\n", "GET", "/model", 431, "headers_too_large"),
    (b"\x16\x03\x01 nonsense\r\n\r\n", "_OTHER", "", 400, "malformed"),
]


class Watched:
    """A service and the port of its metrics."""

    def __init__(self, service: Service, port: int) -> None:
        self.service = service
        self.port = port

    def value(self, family: str, **labels: str) -> float:
        return value(samples(scrape(self.port)), family, **labels)


@pytest.fixture(scope="module", params=["1", "0"], ids=["fast path", "Starlette"])
def watched(request: pytest.FixtureRequest, bundle_path: Path) -> Iterator[Watched]:
    """Run a service by each door."""
    port = free_port()
    with serving(bundle_path, METRICS_PORT=str(port), FAST_PATH=request.param) as service:
        yield Watched(service, port)


@pytest.mark.parametrize(("sent", "method", "route", "status", "kind"), CASES)
def test_every_answer_is_counted_once(
    watched: Watched, sent: bytes, method: str | None, route: str, status: int, kind: str | None
) -> None:
    """Every answer is counted once by method, route and status; no label is made up by a client."""
    labels = {"http_route": route, "http_response_status_code": str(status)}
    if method:
        labels["http_request_method"] = method

    def counts() -> tuple[float, float, float]:
        found = samples(scrape(watched.port))
        errors = value(found, "penguins_errors_total", kind=kind) if kind else 0
        return value(found, f"{DURATION}_count", **labels), value(found, f"{DURATION}_count"), errors

    before = counts()
    with Wire(watched.service.port) as wire:
        wire.send(sent)
        assert wire.response().status == status
    expected = before[0] + 1, before[1] + 1, before[2] + (kind is not None)
    eventually(lambda: counts() == expected)


def test_the_page_is_what_prometheus_reads(watched: Watched) -> None:
    """promtool accepts the page of a running service."""
    watched.service.predict(EXAMPLE)
    assert checked(scrape(watched.port)) == ""


def test_what_else_it_tells(watched: Watched) -> None:
    """The page has the model, readiness, start-up, predictions, drift, connections and the process."""
    before = watched.value("penguins_predictions_total", species="Adelie")
    with Wire(watched.service.port) as idle:
        idle.send(PREDICT)
        idle.response()
        version = watched.service.request("GET", "/model").document["version"]
        found = samples(scrape(watched.port))
    assert value(found, "penguins_predictions_total", species="Adelie") == before + 1
    assert value(found, "penguins_model_info", version=version) == 1
    assert value(found, "penguins_ready") == 1
    assert 0 < value(found, "penguins_startup_seconds") < 60
    assert value(found, "penguins_connections", state="idle") >= 1
    observed = value(found, "penguins_drift_observations_total", variable="body_mass_g")
    assert observed == value(found, "penguins_predictions_total")
    assert value(found, "penguins_drift_reference_rows", variable="body_mass_g") == 342
    for family in ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"):
        assert value(found, family) > 0
    assert value(found, "penguins_workers", state="wanted") == value(found, "penguins_workers", state="alive") == 1
    assert {number for (name, _), number in found.items() if name == "penguins_worker_ends_total"} == {0}
    started = value(found, "process_start_time_seconds")
    assert abs(started - time.time()) < 600
    assert watched.value("process_start_time_seconds") == started, "a change says that it has been started again"


def test_latency_is_from_the_last_byte_to_the_answer(watched: Watched) -> None:
    """The latency does not include the time that the client took to send."""
    before = watched.value(f"{DURATION}_sum", http_route="/predict", http_response_status_code="200")
    with Wire(watched.service.port) as wire:
        wire.send(PREDICT[:-5])
        time.sleep(0.5)
        sent = time.monotonic()
        wire.send(PREDICT[-5:])
        assert wire.response().status == 200
    after = watched.value(f"{DURATION}_sum", http_route="/predict", http_response_status_code="200")
    assert 0 < after - before < time.monotonic() - sent, "more than has passed since the last byte"


def test_other_paths_of_the_port(watched: Watched) -> None:
    """The metrics port serves nothing else: other paths get 404, other methods 405."""
    port = watched.port
    for sent, status in ((b"GET / ", 404), (b"POST /metrics ", 405), (b"GET /metrics?x ", 200)):
        with Wire(port) as wire:
            wire.send(sent + b"HTTP/1.1\r\n\r\n")
            assert wire.response().status == status
    with Wire(port) as wire:
        wire.send(b"HEAD /metrics HTTP/1.1\r\n\r\n")
        assert wire.response(head=True).status == 200


def test_scrapers_that_do_not_read_harm_nobody(watched: Watched) -> None:
    """Idle, silent and flooding scrapers do not stop predictions or the page."""
    with ExitStack() as stack:
        for number in range(40):
            wire = stack.enter_context(Wire(watched.port))
            if number % 2:
                wire.send(b"GET /metrics HTTP/1.1\r\n\r\n" if number % 4 == 1 else b"x" * 50_000)
        assert [watched.service.predict(EXAMPLE).status for _ in range(50)] == [200] * 50
    eventually(lambda: value(samples(scrape(watched.port)), "penguins_ready") == 1)


def test_refusals_for_their_number_have_reasons(bundle_path: Path) -> None:
    """Refusals by rate and by connections are counted under their reasons."""
    port = free_port()
    with serving(
        bundle_path, METRICS_PORT=str(port), REQUESTS_PER_SECOND="0.01", BURST_REQUESTS="2", MAX_CONNECTIONS="2"
    ) as service:
        watched = Watched(service, port)
        statuses = [service.predict(EXAMPLE).status for _ in range(4)]
        assert statuses == [200, 200, 429, 429]
        assert watched.value("penguins_rejected_total", reason="rate") == 2
        with Wire(service.port), Wire(service.port), Wire(service.port) as third:
            third.send(PREDICT)
            assert third.response().status == 503
        assert watched.value("penguins_rejected_total", reason="connections") == 1
        assert watched.value("penguins_errors_total", kind="rate") == 2


def test_a_port_that_is_taken_stops_nothing(bundle_path: Path) -> None:
    """A taken metrics port is logged once, and the page comes when the port is free."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        metrics = taken.getsockname()[1]
        environment = {"PORT": "0", "METRICS_PORT": str(metrics), "NOT_READY_SECONDS": "0"}
        process = start(bundle_path, stderr=subprocess.PIPE, **environment)
        heard: list[str] = []
        listening_port(process, heard)
    said = "".join(heard)
    try:
        eventually(lambda: answers(metrics))
        assert value(samples(scrape(metrics)), "penguins_ready") == 1
    finally:
        process.terminate()
        said += process.communicate(timeout=60)[1]
    assert said.count("no metrics") == 1


def answers(port: int) -> bool:
    """Whether anybody listens at the port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_counters_of_several_workers_survive_them(bundle_path: Path) -> None:
    """A killed worker takes no count away, and no counter ever goes back."""
    port = free_port()
    with serving(bundle_path, METRICS_PORT=str(port), WORKERS="2") as service:
        watched = Watched(service, port)
        seen: list[dict[tuple[str, tuple[tuple[str, str], ...]], float]] = []
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                page = samples(scrape(port))
                seen.append({key: number for key, number in page.items() if key[0].endswith(("_total", "_count"))})
                time.sleep(0.02)

        looking = threading.Thread(target=look)
        looking.start()
        try:
            assert [service.predict(EXAMPLE).status for _ in range(60)] == [200] * 60
            eventually(lambda: watched.value("penguins_predictions_total") == 60)
            os.kill(workers_of(service)[0], signal.SIGKILL)
            another_serves(service)
            assert [service.predict(EXAMPLE).status for _ in range(60)] == [200] * 60
            eventually(lambda: watched.value("penguins_predictions_total") == 120)
            eventually(lambda: watched.value("penguins_ready") == 1)
        finally:
            done.set()
            looking.join()
        assert watched.value("penguins_worker_ends_total") == 1
        assert watched.value("penguins_workers", state="alive") == 2
        assert checked(scrape(port)) == ""
        for earlier, later in itertools.pairwise(seen):
            assert all(later[key] >= number for key, number in earlier.items())


def test_one_worker_without_a_model_is_not_ready(bundle_path: Path, tmp_path: Path) -> None:
    """One of two workers without a model answers 503, and the service is not ready."""
    port = free_port()
    bundle = Path(shutil.copytree(bundle_path, tmp_path / "bundle"))
    with serving(bundle, METRICS_PORT=str(port), WORKERS="2") as service:
        watched = Watched(service, port)
        eventually(lambda: watched.value("penguins_ready") == 1)
        for library in bundle.glob("*.so"):
            os.truncate(library, library.stat().st_size // 2)
        os.kill(workers_of(service)[0], signal.SIGKILL)
        another_serves(service)
        eventually(lambda: watched.value("penguins_bundle_outcomes_total", stage="fetch") == 3)
        assert watched.value("penguins_bundle_outcomes_total", stage="fetch", outcome="ok") == 2
        assert watched.value("penguins_workers", state="alive") == 2
        assert watched.value("penguins_ready") == 0
        assert {service.predict(EXAMPLE).status for _ in range(60)} == {200, 503}


def test_without_a_port_there_is_none(bundle_path: Path) -> None:
    """METRICS_PORT=0 opens no port, and the service's own port has no metrics."""
    with serving(bundle_path, METRICS_PORT="0") as service:
        assert service.request("GET", "/metrics").status == 404
