import contextlib
import os
import shutil
import time
from pathlib import Path

import pytest

from benchmarks.wire.__main__ import main
from benchmarks.wire.connection import Connection
from benchmarks.wire.contenders import ASGI, CONTENDERS, OURS, PLAIN, UVLOOP
from benchmarks.wire.openloop import Offer, measure_offer
from benchmarks.wire.processes import NotServed, Server, on
from benchmarks.wire.question import CLOUD
from benchmarks.wire.report import headline, ratio
from benchmarks.wire.run import HttpPlan, Measured, run
from benchmarks.wire.servers.constants import VARIABLE
from benchmarks.wire.stage import Stage
from benchmarks.wire.wrk import Closed, closed
from contract.refusal import Refusal
from tests.support.commands import run_module


@pytest.fixture
def wrk() -> None:
    """Skip a test if wrk is not installed, or has no core."""
    if shutil.which("wrk") is None:
        pytest.skip("needs the Debian package wrk")
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs a machine of two cores")


@pytest.mark.parametrize("arguments", [("--nonesuch",), ("nonesuch",)])
def test_an_unknown_option_is_refused(arguments: tuple[str, ...]) -> None:
    """The status is 2, and the usage is printed."""
    result = run_module("benchmarks.wire", *arguments)
    assert result.returncode == 2
    assert "usage: python -m benchmarks.wire" in result.stderr
    assert "Traceback" not in result.stderr


def test_without_wrk_its_package_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The refusal is one line, and the status is 2."""
    monkeypatch.setenv("PATH", "/nonesuch")
    assert main(["--quick"]) == 2
    assert capsys.readouterr().err == "error: wrk is not installed; on Debian: apt install wrk\n"


def test_without_a_bundle_the_command_is_named(tmp_path: Path) -> None:
    """The refusal names the command that makes a bundle."""
    with pytest.raises(Refusal, match="make it: make compile"):
        run(HttpPlan(1, 1, 1), tmp_path)


@pytest.mark.usefixtures("wrk")
def test_a_closed_and_an_open_loop_are_measured(artifacts: Path) -> None:
    """Both count the requests that were answered, and the CPU of server and generator."""
    stage = Stage(artifacts)
    with stage.ready(CONTENDERS[ASGI]) as server, on(stage.generator_core):
        found = closed(server, 1, CLOUD)
        step = measure_offer(server, Offer(found.rate / 2, 1))
    assert found.requests > 100
    assert found.seconds >= 1
    assert 0 < found.server_cpu_s <= 1.1 * found.seconds
    assert 0 < found.generator_cpu_s <= 1.1 * found.seconds
    assert step.wrong == 0
    assert 0 < step.cores <= 1.1


@pytest.mark.long
@pytest.mark.usefixtures("wrk")
def test_a_short_run_measures_all_contenders(artifacts: Path) -> None:
    """This process keeps its cores, and the headline has a line for every claim."""
    for package in ("fastapi", "fastpysgi"):
        pytest.importorskip(package, reason=f"needs {package}: make .venv/.bench")
    if shutil.which("nginx") is None:
        pytest.skip("needs the Debian package nginx")
    affinity = os.sched_getaffinity(0)
    results = run(HttpPlan(1, 1, 1), artifacts)
    assert os.sched_getaffinity(0) == affinity
    assert list(results) == list(CONTENDERS)
    assert all(measured.memory_mb > 1 for measured in results.values())
    assert headline(results).count("**") == 2 * (2 * 7 + 1 + 3)


@pytest.mark.usefixtures("wrk")
def test_a_server_that_answers_otherwise_has_no_speed(artifacts: Path) -> None:
    """An answer of another status is an error, not a request."""
    stage = Stage(artifacts)
    answer = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
    server = Server(CONTENDERS[UVLOOP].module, {VARIABLE: answer}, stage.server_core)
    try:
        until_it_listens(server.port)
        with pytest.raises(NotServed, match="not answered with status 200"):
            closed(server, 1, CLOUD)
    finally:
        server.stop()


def until_it_listens(port: int) -> None:
    """Wait until the server answers, whatever it answers."""
    for _ in range(1_000):
        with contextlib.suppress(OSError), contextlib.closing(Connection(port)) as connection:
            connection.ask()
            return
        time.sleep(0.01)


def test_ratios_are_taken_within_a_round() -> None:
    """A machine that is slow for a round is slow for both."""
    slow, fast = (Closed(requests, 1.0, 1.0, 1.0) for requests in (10, 1_000))
    half = [found._replace(requests=found.requests // 2) for found in (slow, fast)]
    results = {OURS: Measured([], [slow, fast], [], 1), PLAIN: Measured([], half, [], 1)}
    assert ratio(results, (OURS, PLAIN), lambda found: found.rate) == 2
