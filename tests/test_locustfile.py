"""The load profiles, run by Locust in a process of its own: importing it here would change sockets for all tests."""

import contextlib
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from benchmarks.load.locust_run import LocustRun, read_run
from benchmarks.load.profiles import PROFILES
from tests.support.commands import ROOT
from tests.support.service import Service, serving
from tests.support.telemetry import free_port

pytestmark = pytest.mark.long

KINDS = {
    "bird on record",
    "bird like it",
    "out of distribution",
    "400 out of bounds",
    "422 malformed",
    "415 media type",
}


class Ended(NamedTuple):
    """A run of Locust."""

    status: int
    said: str
    path: Path

    @property
    def run(self) -> LocustRun:
        return read_run(self.path)


def load(port: int, profile: str, directory: Path, *options: str) -> Ended:
    """Run a profile for a short time against a port of this machine."""
    path = directory / "run.json"
    command = [sys.executable, "-m", "locust", "-f", "locustfile.py", "--headless", "--only-summary", "--load-short"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    found = subprocess.run(
        [*command, "--host", f"http://127.0.0.1:{port}", "--load-results", str(path), *options],
        cwd=ROOT,
        env={**environment, "PROFILE": profile},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return Ended(found.returncode, found.stdout, path)


def by_locust(ended: Ended) -> list[dict[str, Any]]:
    """Return what Locust itself has counted, by name of question."""
    found: list[dict[str, Any]] = msgspec.json.decode(ended.path.with_name("locust.json").read_bytes())
    return found


def reasons(ended: Ended) -> list[str]:
    return list(ended.run.failures)


@pytest.fixture(scope="module")
def good(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Return a run against a service that works; what Locust has counted is in locust.json beside it.

    It is the first of three runs in which nobody else on this machine kept the service from being quick.
    """
    directory = tmp_path_factory.mktemp("good")
    for _ in range(3):
        ended = load(service.port, "stress", directory, "--json-file", str(directory / "locust"))
        if ended.status == 0:
            break
    return ended


def test_a_good_service_keeps_its_objectives(good: Ended) -> None:
    """Every kind of question is asked, and a right refusal is no failure."""
    assert good.status == 0, good.said
    assert "MISSED" not in good.said
    assert {entry["name"] for entry in by_locust(good)} == KINDS
    assert good.run.failures == {}


def test_the_warm_up_is_left_out(good: Ended) -> None:
    """Only the profile's own seconds are counted, and Locust has counted as many requests."""
    run = good.run
    profile = PROFILES["stress"].shortened()
    assert profile.seconds <= run.seconds < profile.seconds + 2  # the shape looks once a second
    requests = len(run.latencies_ms)
    assert requests < 1.1 * profile.offered_per_second * run.seconds
    assert requests == sum(entry["num_requests"] for entry in by_locust(good))


def test_refusals_are_failures(bundle_path: Path, tmp_path: Path) -> None:
    """A client that asks more than the service allows is refused; the verdict names the objective and the reason."""
    with serving(bundle_path, REQUESTS_PER_SECOND="5", BURST_REQUESTS="1") as service:
        ended = load(service.port, "baseline", tmp_path)
    assert ended.status == 1
    assert "MISSED" in next(line for line in ended.said.splitlines() if line.startswith("failure ratio"))
    assert any("found 429" in reason for reason in reasons(ended))


def test_a_wrong_answer_is_a_failure(tmp_path: Path) -> None:
    """An answer of status 200 with a species that is not the most probable one is a failure."""
    with lying() as port:
        ended = load(port, "baseline", tmp_path)
    assert ended.status == 1
    assert any("not the most probable" in reason for reason in reasons(ended))
    assert sum(ended.run.failures.values()) == len(ended.run.latencies_ms) > 0


def test_where_nobody_listens_nothing_is_kept(tmp_path: Path) -> None:
    """A missing answer is a failure."""
    ended = load(free_port(), "baseline", tmp_path)
    assert ended.status == 1
    assert any("no answer" in reason for reason in reasons(ended))


def test_an_unknown_profile_is_refused(tmp_path: Path) -> None:
    """The status is 2, and the known profiles are named."""
    ended = load(1, "nonesuch", tmp_path)
    assert ended.status == 2
    assert "baseline" in ended.said
    assert not ended.path.exists()


class Liar(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        probabilities = {"Gentoo": 0.7, "Chinstrap": 0.2, "Adelie": 0.1}
        document = {"prediction": 2, "species": "Adelie", "probabilities": probabilities, "in_distribution": True}
        body = msgspec.json.encode(document)
        self.send_response(200)
        self.send_header("model-version", "0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextlib.contextmanager
def lying() -> Iterator[int]:
    """Run a service that is sure of the wrong species, and yield its port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
