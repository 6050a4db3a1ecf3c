"""The request log: a bounded number of lines, and no request fails because the log does."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.telemetry.exchange import Exchange
from app.telemetry.log_writer import Writer
from app.telemetry.request_log import RequestLog
from tests.app.telemetry.exchanges import JSON, exchange
from tests.support.commands import EXAMPLE, ROOT
from tests.support.processes import start
from tests.support.requests import PREDICT, ask_many
from tests.support.service import OWN, Service, serving
from tests.support.telemetry import eventually, free_port, lines_of, requests_of, samples, scrape, value


def test_above_the_budget_successes_are_left_out_and_counted(tmp_path: Path) -> None:
    """Lines over the budget are left out and counted; errors have a larger budget."""
    descriptor = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    log = RequestLog(JSON.line, Writer(descriptor), 20, json=True)
    for _ in range(20):  # two seconds
        for _ in range(50):
            if log.room > 0:
                log.success(exchange())
            else:
                log.left_out += 1
            log.error(exchange(500))
        log.tick()
    log.close()
    os.close(descriptor)
    found = lines_of((tmp_path / "log").read_text())
    successes = [line for line in requests_of(found) if line["severity"] == "INFO"]
    errors = [line for line in requests_of(found) if line["severity"] == "ERROR"]
    left_out = [line["leftOut"] for line in found if "leftOut" in line]
    assert len(successes) + sum(each["successes"] for each in left_out) == 1000
    assert len(errors) + sum(each["errors"] for each in left_out) == 1000
    assert 40 <= len(successes) <= 60
    assert 400 <= len(errors) <= 600
    assert len(left_out) >= 2


@pytest.mark.parametrize("workers", ["1", "2"])
def test_nothing_is_lost_at_sigterm(bundle_path: Path, workers: str) -> None:
    """Every answered request has its line after SIGTERM, with several workers too."""
    with serving(bundle_path, stdout=subprocess.PIPE, LOG_LINES_PER_SECOND="1000000", WORKERS=workers) as service:
        for number in range(300):
            reply = service.request("GET", f"/none/{number}") if number % 3 else service.predict(EXAMPLE)
            assert reply.status in (200, 404)
        service.process.send_signal(signal.SIGTERM)
        output, _ = service.process.communicate(timeout=60)
    found = requests_of(lines_of(output))
    assert len(found) == 300
    assert {line["httpRequest"]["requestUrl"] for line in found} >= {f"/none/{number}" for number in (1, 298)}


FAILING = {"full disk": "/dev/full", "nobody reads": "", "closed": ""}


@pytest.mark.parametrize("how", FAILING)
def test_a_log_that_fails_harms_no_request(bundle_path: Path, how: str) -> None:
    """Requests are answered although the disk is full or nobody reads the log."""
    port, metrics = free_port(), free_port()
    reading, writing = os.pipe()
    stdout = os.open("/dev/full", os.O_WRONLY) if how == "full disk" else writing
    environment = {"PORT": str(port), "METRICS_PORT": str(metrics), "LOG_LINES_PER_SECOND": "100000"}
    process = start(bundle_path, stdout, NOT_READY_SECONDS="0", **environment)
    if how == "closed":
        os.close(reading)
    os.close(writing)
    service = Service(process, port)
    try:
        eventually(lambda: listens(service))
        ask_many(port, 1000)
        if how == "nobody reads":
            agent = b"Host: x\r\nUser-Agent: " + b"x" * 500
            ask_many(port, 6000, PREDICT.replace(b"Host: x", agent))  # more than a pipe and the bound hold
        eventually(lambda: value(samples(scrape(metrics)), "penguins_log_lines_total", outcome="dropped") > 500)
        ask_many(port, 100)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def listens(service: Service) -> bool:
    """Whether the service answers yet."""
    try:
        return service.request("GET", "/health/ready").status == 200
    except OSError:
        return False


def test_without_any_stdout(bundle_path: Path) -> None:
    """The service starts, answers and stops with closed descriptors 1 and 2."""
    port = free_port()
    command = f"exec {sys.executable} -m app >&- 2>&-"
    environment = {**os.environ, "BUNDLE": str(bundle_path), "PORT": str(port), "METRICS_PORT": "0", **OWN}
    process = subprocess.Popen(["/bin/sh", "-c", command], cwd=ROOT, env=environment, text=True)
    try:
        eventually(lambda: listens(Service(process, port)))
        ask_many(port, 300)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def test_the_process_s_own_messages_are_lines_of_json(bundle_path: Path, tmp_path: Path) -> None:
    """A traceback is one JSON line with severity ERROR."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if sys.orig_argv[1:3] == ['-m', 'app']:\n"
        "    import app.answers.predict\n"
        "    app.answers.predict.predictor = lambda *_, **__: lambda body: 1 // 0\n"
    )
    with serving(bundle_path, PYTHONPATH=f"{tmp_path}:{ROOT}", LOG_FORMAT="json") as service:
        assert service.predict(EXAMPLE).status == 500
        service.process.send_signal(signal.SIGTERM)
        _, said = service.process.communicate(timeout=60)
    (fault,) = [line for line in lines_of(said) if line["severity"] == "ERROR"]
    assert "Traceback" in fault["message"]
    assert "ZeroDivisionError" in fault["message"]


def test_text_for_a_person(bundle_path: Path) -> None:
    """LOG_FORMAT=text writes what a terminal shows."""
    with serving(bundle_path, stdout=subprocess.PIPE, LOG_FORMAT="text") as service:
        service.predict(EXAMPLE)
        service.process.send_signal(signal.SIGTERM)
        output, said = service.process.communicate(timeout=60)
    assert "POST /predict 200" in output
    assert re.search(r"ms Adelie (0\.99\d\d|1\.0000)$", output, re.MULTILINE)
    assert "INFO:     Finished server process" in said


def test_lines_come_soon(bundle_path: Path) -> None:
    """Lines are written without another request and before the end."""
    with serving(bundle_path, stdout=subprocess.PIPE) as service:
        service.predict(EXAMPLE)
        assert service.process.stdout
        watchdog = threading.Timer(60, service.process.kill)
        watchdog.start()
        line = service.process.stdout.readline()
        watchdog.cancel()
        assert json.loads(line)["httpRequest"]["status"] == 200


def test_a_line_that_cannot_be_made_costs_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """A line that cannot be made does not stop the others of its tick."""
    reading, writing = os.pipe()

    def line(told: Exchange) -> bytes:
        if told.status == 500:
            raise ValueError("no line")
        return b"%d\n" % told.status

    log = RequestLog(line, Writer(writing), 100, json=True)
    with caplog.at_level(logging.CRITICAL):
        for status in (200, 500, 404):
            log.error(exchange(status))
        log.make_lines()
        log.close()
    os.close(writing)
    with os.fdopen(reading, "rb") as written:
        assert written.read().startswith(b"200\n404\n{")  # and how many were left out
    assert log.errors_left_out == 1
