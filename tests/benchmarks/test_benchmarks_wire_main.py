import contextlib
import importlib.util
import os
import shutil
import time
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks.wire.__main__ import main
from benchmarks.wire.example import Wrong, ask
from benchmarks.wire.load import closed, shared
from benchmarks.wire.plan import ASGI, CONTENDERS, NAMES, OURS, PLAIN, QUICK, UVLOOP, Effort, Plan
from benchmarks.wire.results import Scaling, read_results
from benchmarks.wire.run import _round, installed, run
from benchmarks.wire.stage import Stage
from contract.refusal import Refusal
from tests.commands import ROOT, run_module

BRIEF = Effort(rounds=1, seconds=1, starts=1, worker_rounds=0)


@pytest.fixture
def wrk() -> None:
    """Skips where it is not installed, or there is no core for it."""
    if shutil.which("wrk") is None:
        pytest.skip("needs the Debian package wrk")
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs a machine of two cores")


@pytest.mark.parametrize(
    "arguments", [("--contenders", "nonesuch"), ("--contenders",), ("--rounds", "nonesuch"), ("nonesuch",)]
)
def test_an_unknown_option_is_refused(arguments: tuple[str, ...]) -> None:
    """With status 2, and what there is."""
    result = run_module("benchmarks.wire", *arguments)
    assert result.returncode == 2
    assert "usage: python -m benchmarks.wire" in result.stderr
    assert "Traceback" not in result.stderr


def test_results_that_are_not_there_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the command that makes them."""
    assert main(["--render", str(tmp_path / "http.json"), "--out", str(tmp_path)]) == 2
    assert "make bench-http" in capsys.readouterr().err


def test_without_wrk_its_package_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line, with status 2."""
    monkeypatch.setenv("PATH", "/nonesuch")
    assert main(["--quick"]) == 2
    assert capsys.readouterr().err == "error: wrk is not installed; on Debian: apt install wrk\n"


@pytest.mark.usefixtures("wrk")
def test_without_a_bundle_the_command_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That makes one."""
    assert main(["--quick", "--artifacts", str(tmp_path)]) == 2
    assert "make it: make compile" in capsys.readouterr().err


def test_only_a_complete_run_is_published() -> None:
    """A quick one, or one of fewer contenders, goes elsewhere."""
    assert Plan().complete
    assert Plan(contenders=NAMES[::-1]).complete
    assert not Plan(effort=QUICK).complete
    assert not Plan(contenders=(OURS,)).complete


def test_a_contender_without_its_package_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a line that says so; without any contender there is no run."""
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "fastapi" else found(name))
    contenders, skipped = installed((PLAIN, OURS))
    assert list(contenders) == [OURS]
    assert skipped == {PLAIN: "not installed: fastapi; make .venv/.bench"}
    assert "plain is left out: not installed: fastapi" in capsys.readouterr().err
    with pytest.raises(Refusal, match="no contender remains"):
        installed((PLAIN,))


@pytest.mark.usefixtures("wrk")
def test_one_contender_can_be_run_by_hand(artifacts: Path) -> None:
    """A short run; this process keeps its cores."""
    affinity = os.sched_getaffinity(0)
    results = run(Plan((ASGI,), BRIEF, artifacts), "a test")
    assert os.sched_getaffinity(0) == affinity
    measured = results.measured[ASGI]
    for connections, (found,) in measured.closed.items():
        assert found.requests > connections
        assert found.errors == 0
        assert found.seconds >= 1
        assert found.server_cpu_s > 0
        assert found.generator_cpu_s > 0
        assert 0 < found.p50_us <= found.p99_us
    assert measured.open[0].rate == pytest.approx(measured.closed[16][0].rate / 2, abs=0.1)
    assert measured.open[0].outcome.wrong == 0
    assert len(measured.first_answer_ms) == 1
    assert (results.scaling, results.skipped) == (None, {})


@pytest.mark.usefixtures("wrk")
def test_two_workers_must_both_work(artifacts: Path) -> None:
    """A server of one process is not taken for two."""
    stage = Stage(Plan(artifacts=artifacts))
    cores = (stage.server_core, stage.generator_core)
    with stage.ready(CONTENDERS[UVLOOP]) as server:
        found = shared(server, 1, 1, cores)
        assert found.cores == 1
        assert Scaling((found,), (found,)).one[0].unshared > found.rate
        with pytest.raises(Wrong, match="expected 2 processes with work, found 1"):
            shared(server, 2, 1, cores)


@pytest.mark.usefixtures("wrk")
def test_a_server_that_answers_otherwise_has_no_speed(artifacts: Path) -> None:
    """An answer of another status is an error, not a request."""
    stage = Stage(Plan(artifacts=artifacts))
    answer = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
    stage.repeat(answer)
    with stage.serving(CONTENDERS[UVLOOP]) as server:
        until_it_listens(server.port)
        with pytest.raises(Wrong, match="not answered with status 200"):
            closed(server, 1, 1, stage.generator_core)


def until_it_listens(port: int) -> None:
    """Whatever it answers then."""
    for _ in range(1_000):
        with contextlib.suppress(OSError):
            ask(port)
            return
        time.sleep(0.01)


def test_the_make_target_runs_the_command() -> None:
    """With what is given as ARGS."""
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nbench-http:")[2].splitlines()[1]
    assert recipe.strip() == "$(BIN)/python -m benchmarks.wire $(ARGS)"


def test_a_stored_run_that_is_not_one_is_refused(tmp_path: Path) -> None:
    """With the command that makes one."""
    path = tmp_path / "http.json"
    path.write_text("{}")
    with pytest.raises(Refusal, match="make bench-http"):
        read_results(path)


def test_a_round_in_which_one_failed_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """For all, so that rounds can be compared; where that is usual the run ends."""
    log: list[str] = []

    def turn(server: str, *_: object) -> str:
        log.append(server)
        if len(log) in failing:
            raise Wrong("1 of 2")
        return server

    monkeypatch.setattr("benchmarks.wire.run._turn", turn)
    servers: Any = {"A": "a", "B": "b"}
    plan, stage = Plan(effort=BRIEF), cast(Stage, None)
    failing, repeated = {2}, list[str]()
    assert _round(stage, servers, plan, repeated) == servers
    assert log == ["a", "b", "a", "b"]
    assert repeated == ["B: 1 of 2"]
    failing = set(range(100))
    with pytest.raises(Refusal, match=r"A: 1 of 2; mend it"):
        _round(stage, servers, plan, repeated)
