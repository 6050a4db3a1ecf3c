import contextlib
import importlib.util
import os
import shutil
import time
from pathlib import Path

import pytest

from benchmarks.machine import made_here
from benchmarks.report.http import write_http
from benchmarks.wire.__main__ import main
from benchmarks.wire.plan import ASGI, CONTENDERS, OURS, PLAIN, UVLOOP, HttpPlan
from benchmarks.wire.processes import NotServed, ask
from benchmarks.wire.results import Closed, HttpResults, Measured, Shared, ratio
from benchmarks.wire.run import run
from benchmarks.wire.servers.constants import VARIABLE
from benchmarks.wire.stage import Stage
from benchmarks.wire.wrk import closed, shared
from contract.refusal import Refusal
from tests.support.commands import run_module


@pytest.fixture
def wrk() -> None:
    """Skip a test if wrk is not installed, or has no core."""
    if shutil.which("wrk") is None:
        pytest.skip("needs the Debian package wrk")
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs a machine of two cores")


@pytest.mark.parametrize(
    "arguments", [("--contenders", "nonesuch"), ("--contenders",), ("--rounds", "nonesuch"), ("nonesuch",)]
)
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


@pytest.mark.usefixtures("wrk")
def test_without_a_bundle_the_command_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The refusal names the command that makes a bundle."""
    assert main(["--quick", "--artifacts", str(tmp_path)]) == 2
    assert "make it: make compile" in capsys.readouterr().err


@pytest.mark.usefixtures("wrk")
def test_a_contender_without_its_package_is_named(monkeypatch: pytest.MonkeyPatch, artifacts: Path) -> None:
    """The refusal names the contender and the package."""
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "fastapi" else found(name))
    with pytest.raises(Refusal, match="plain needs fastapi"):
        run(HttpPlan((PLAIN, OURS)), artifacts)


@pytest.mark.usefixtures("wrk")
def test_one_contender_can_be_measured_alone(artifacts: Path, tmp_path: Path) -> None:
    """A short run makes a page, and this process keeps its cores."""
    affinity = os.sched_getaffinity(0)
    results = run(HttpPlan((ASGI,), 1, 1, 1, 0), artifacts)
    assert os.sched_getaffinity(0) == affinity
    measured = results.measured[ASGI]
    for connections, (found,) in measured.closed.items():
        assert found.requests > connections
        assert found.seconds >= 1
        assert found.server_cpu_s > 0
        assert found.generator_cpu_s > 0
        assert 0 < found.p50_us <= found.p99_us
    assert measured.open[0].rate == pytest.approx(measured.closed[16][0].rate / 2, abs=0.1)
    assert measured.open[0].wrong == 0
    assert len(measured.first_answer_ms) == 1
    assert results.workers == ()
    assert not results.complete
    write_http(results, tmp_path)
    page = (tmp_path / "http-benchmarks.md").read_text(encoding="utf-8")
    assert page.count("| ASGI constant on uvicorn |") == 5


@pytest.mark.usefixtures("wrk")
def test_two_workers_must_both_work(artifacts: Path) -> None:
    """A server of one process is not taken for two."""
    stage = Stage(artifacts)
    cores = (stage.server_core, stage.generator_core)
    with stage.ready(CONTENDERS[UVLOOP]) as server:
        found = shared(server, 1, 1, cores)
        assert found.cores == 1
        assert found.unshared > found.rate
        with pytest.raises(NotServed, match="expected 2 processes with work, found 1"):
            shared(server, 2, 1, cores)


@pytest.mark.usefixtures("wrk")
def test_a_server_that_answers_otherwise_has_no_speed(artifacts: Path) -> None:
    """An answer of another status is an error, not a request."""
    stage = Stage(artifacts)
    answer = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
    stage.environment[VARIABLE] = answer.decode()
    with stage.serving(CONTENDERS[UVLOOP]) as server:
        until_it_listens(server.port)
        with pytest.raises(NotServed, match="not answered with status 200"):
            closed(server, 1, 1, stage.generator_core, cloud=False)


def until_it_listens(port: int) -> None:
    """Wait until the server answers, whatever it answers."""
    for _ in range(1_000):
        with contextlib.suppress(OSError):
            ask(port)
            return
        time.sleep(0.01)


def test_what_the_generator_took_is_given_back() -> None:
    """The generator took half a second of two cores in one second: a quarter of them."""
    assert Shared(90, 1.0, 2, 1.5, 0.5).unshared == pytest.approx(120)


def test_ratios_are_taken_within_a_round() -> None:
    """A machine that is slow for a round is slow for both."""
    slow, fast = (Closed(requests, 1.0, 1.0, 1.0, 1.0, 1.0) for requests in (10, 1_000))
    half = [Closed(one.requests // 2, 1.0, 1.0, 1.0, 1.0, 1.0) for one in (slow, fast)]
    measured = {name: Measured({16: tuple(runs)}, (), (), 1, 1) for name, runs in (("a", (slow, fast)), ("b", half))}
    results = HttpResults(made_here(()), False, measured, ())
    assert ratio(results, "a", "b", 16, lambda run: run.rate) == 2
