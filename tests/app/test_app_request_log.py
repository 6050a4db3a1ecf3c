"""The request log: a line for a request, whatever a client sends; bounded; and a log that fails harms no request."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.answer import Problem, problem
from app.exchange import Exchange
from app.log_lines import JsonLines, TextLines
from app.log_writer import PIECE_BYTES, Writer, pieces
from app.observed import Prediction
from app.request_log import RequestLog
from tests.app.test_app_bounds import PREDICT
from tests.commands import EXAMPLE, ROOT
from tests.service import OWN, Service, serving
from tests.telemetry import eventually, free_port, lines_of, requests_of, samples, scrape, value
from tests.wire import Wire

NASTY = [b"\n{}", b"\r\n", b"\x1b[31m", b"\xe2\x80\xa8", b"\xff\xfe", b'"}', b"%s %n", b"\x7f\x85", b"\\"]
BYTES = st.binary(max_size=60) | st.sampled_from(NASTY) | st.text(max_size=30).map(lambda text: text.encode())
JSON = JsonLines("some-project", 1)


def exchange(status: int = 200, **parts: Any) -> Exchange:
    """One, with what a test is about."""
    usual = Exchange(
        ended=1.7e9,
        seconds=12.5e-6,
        head=b"",
        method=b"POST",
        target=b"/predict",
        version="1.1",
        headers=[],
        client=("127.0.0.1", 5),
        status=status,
        answer_bytes=148,
        answer=None,
        prediction=None,
    )
    return usual._replace(**parts)


@given(BYTES, BYTES, BYTES, BYTES, BYTES, st.text())
def test_a_line_cannot_be_forged(
    method: bytes, target: bytes, name: bytes, data: bytes, agent: bytes, detail: str
) -> None:
    """Every line is one JSON object in printable ASCII, and the same as text is one printable line."""
    told = exchange(
        400,
        method=method,
        target=target,
        headers=[(name, data), (b"user-agent", agent), (b"traceparent", data), (b"x-forwarded-for", data)],
        answer=problem(Problem("Bad Request", 400, detail)),
    )
    for line in (JSON.line(told), TextLines().line(told)):
        assert line.endswith(b"\n")
        assert all(32 <= byte < 127 for byte in line[:-1])
    document = json.loads(JSON.line(told))
    assert document["httpRequest"]["status"] == 400
    assert document["severity"] == "WARNING"


def test_a_head_that_was_not_parsed_again_is_read() -> None:
    """As the parser would have."""
    head = b"POST /predict?a=%20 HTTP/1.1\r\nHost:  x\r\nUser-Agent: field/1.0 \r\nContent-Length: 94\r\n\r\n"
    http = json.loads(JSON.line(exchange(head=head, method=b"", target=b"", version="")))["httpRequest"]
    assert (http["requestMethod"], http["requestUrl"], http["protocol"]) == ("POST", "/predict?a=%20", "HTTP/1.1")
    assert (http["userAgent"], http["requestSize"]) == ("field/1.0", "94")


TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("header", "sent", "found"),
    [
        ("traceparent", f"00-{TRACE}-{SPAN}-01", (SPAN, True)),
        ("traceparent", f"00-{TRACE}-{SPAN}-00", (SPAN, False)),
        ("traceparent", f"cc-{TRACE}-{SPAN}-01-more", (SPAN, True)),
        ("traceparent", f"00-{TRACE}-{SPAN}-01-more", None),
        ("traceparent", f"ff-{TRACE}-{SPAN}-01", None),
        ("traceparent", f"00-{'0' * 32}-{SPAN}-01", None),
        ("traceparent", f"00-{TRACE.upper()}-{SPAN}-01", None),
        ("x-cloud-trace-context", f"{TRACE}/13235353014750950193;o=1", (SPAN, True)),
        ("x-cloud-trace-context", f"{TRACE}/0;o=0", (None, False)),
        ("x-cloud-trace-context", f"{TRACE}", (None, False)),
        ("x-cloud-trace-context", f"{TRACE}/99999999999999999999", (None, False)),
        ("x-cloud-trace-context", "x" * 32, None),
    ],
)
def test_the_trace(header: str, sent: str, found: tuple[str | None, bool] | None) -> None:
    """Of either header, as Cloud Logging names it; what is not valid is left out."""
    document = json.loads(JSON.line(exchange(headers=[(header.encode(), sent.encode())])))
    if found is None:
        assert "logging.googleapis.com/trace" not in document
    else:
        assert document["logging.googleapis.com/trace"] == f"projects/some-project/traces/{TRACE}"
        assert document.get("logging.googleapis.com/spanId") == found[0]
        assert document["logging.googleapis.com/trace_sampled"] is found[1]


def test_what_a_prediction_was() -> None:
    """Input, answer and flags."""
    seen = Prediction((39.1, 18.7, 181.0, 3750.0), 2, 0.99, 1.25, False, 2, "v1")
    assert json.loads(JSON.line(exchange(prediction=seen)))["prediction"] == {
        "measurements": EXAMPLE,
        "species": "Adelie",
        "confidence": 0.99,
        "set_size": 2,
        "in_distribution": False,
        "distance": 1.25,
        "model_version": "v1",
    }


def test_above_the_budget_successes_are_left_out_and_counted(tmp_path: Path) -> None:
    """The share that is kept is spread over the second; errors have their own, larger budget."""
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


@given(st.lists(st.integers(1, 3 * PIECE_BYTES), min_size=1, max_size=30))
def test_lines_are_written_in_pieces_that_do_not_mix(lengths: list[int]) -> None:
    """A pipe takes up to PIPE_BUF bytes of one process at once."""
    lines = [bytes([65 + number]) * length for number, length in enumerate(lengths)]
    groups = pieces(lines)
    assert [line for group in groups for line in group] == lines
    assert all(len(group) == 1 or sum(map(len, group)) <= PIECE_BYTES for group in groups)


def test_a_pipe_that_nobody_reads_bounds_what_waits() -> None:
    """The rest is dropped and counted; who writes never waits."""
    reading, writing = os.pipe()
    writer = Writer(writing, most_bytes=100_000)
    for _ in range(1000):
        writer.write([b"x" * 999 + b"\n"])
    assert 800 <= writer.dropped < 1000
    os.close(reading)
    assert writer.drained(10)
    assert writer.dropped + writer.written == 1000
    writer.close(10)
    os.close(writing)


def start(
    bundle_path: Path, stdout: Any = subprocess.DEVNULL, stderr: Any = subprocess.DEVNULL, **environment: str
) -> "subprocess.Popen[str]":
    """A service whose output is given."""
    return subprocess.Popen(
        [sys.executable, "-m", "app"],
        cwd=ROOT,
        env={**os.environ, "BUNDLE": str(bundle_path), "HOST": "127.0.0.1", **OWN, **environment},
        stdout=stdout,
        stderr=stderr,
        text=True,
    )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_nothing_is_lost_at_sigterm(bundle_path: Path, workers: str) -> None:
    """Every request that was answered has its line, until the last; those of several workers do not mix."""
    with serving(bundle_path, stdout=subprocess.PIPE, LOG_LINES_PER_SECOND="1000000", WORKERS=workers) as service:
        for number in range(300):
            reply = service.request("GET", f"/none/{number}") if number % 3 else service.predict(EXAMPLE)
            assert reply.status in (200, 404)
        service.process.send_signal(signal.SIGTERM)
        output, _ = service.process.communicate(timeout=10)
    found = requests_of(lines_of(output))
    assert len(found) == 300
    assert {line["httpRequest"]["requestUrl"] for line in found} >= {f"/none/{number}" for number in (1, 298)}


def ask_many(port: int, count: int, request: bytes = PREDICT) -> None:
    """On one connection, and be answered."""
    with Wire(port) as wire:
        for _ in range(count):
            wire.send(request)
            assert wire.response().status == 200


FAILING = {"full disk": "/dev/full", "nobody reads": "", "closed": ""}


@pytest.mark.parametrize("how", FAILING)
def test_a_log_that_fails_harms_no_request(bundle_path: Path, how: str) -> None:
    """A full disk, a pipe that is full, a reader that has gone: all is answered, lines are counted, it ends in time."""
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
        assert process.wait(timeout=8) == 0


def listens(service: Service) -> bool:
    """Whether it answers yet."""
    try:
        return service.request("GET", "/health/ready").status == 200
    except OSError:
        return False


def test_without_any_stdout(bundle_path: Path) -> None:
    """It starts, answers and leaves, with descriptors 1 and 2 closed by its parent."""
    port = free_port()
    command = f"exec {sys.executable} -m app >&- 2>&-"
    environment = {**os.environ, "BUNDLE": str(bundle_path), "PORT": str(port), "METRICS_PORT": "0", **OWN}
    process = subprocess.Popen(["/bin/sh", "-c", command], cwd=ROOT, env=environment, text=True)
    try:
        eventually(lambda: listens(Service(process, port)))
        ask_many(port, 300)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=8) == 0


def test_the_process_s_own_messages_are_lines_of_json(bundle_path: Path, tmp_path: Path) -> None:
    """A traceback too: one line, of severity ERROR."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if sys.orig_argv[1:3] == ['-m', 'app']:\n"
        "    import app.predict\n"
        "    app.predict.predictor = lambda *_, **__: lambda body: 1 // 0\n"
    )
    with serving(bundle_path, PYTHONPATH=f"{tmp_path}:{ROOT}", LOG_FORMAT="json") as service:
        assert service.predict(EXAMPLE).status == 500
        service.process.send_signal(signal.SIGTERM)
        _, said = service.process.communicate(timeout=10)
    (fault,) = [line for line in lines_of(said) if line["severity"] == "ERROR"]
    assert "Traceback" in fault["message"]
    assert "ZeroDivisionError" in fault["message"]


def test_text_for_a_person(bundle_path: Path) -> None:
    """LOG_FORMAT=text: what a terminal shows."""
    with serving(bundle_path, stdout=subprocess.PIPE, LOG_FORMAT="text") as service:
        service.predict(EXAMPLE)
        service.process.send_signal(signal.SIGTERM)
        output, said = service.process.communicate(timeout=10)
    assert "POST /predict 200" in output
    assert "Adelie 0.9999" in output
    assert "INFO:     Finished server process" in said


def test_lines_come_soon(bundle_path: Path) -> None:
    """Without another request, and without the end."""
    with serving(bundle_path, stdout=subprocess.PIPE) as service:
        begun = time.monotonic()
        service.predict(EXAMPLE)
        assert service.process.stdout
        assert json.loads(service.process.stdout.readline())["httpRequest"]["status"] == 200
        assert time.monotonic() - begun < 5
