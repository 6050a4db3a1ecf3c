import os
import stat
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from benchmarks.load import service
from benchmarks.load.__main__ import main
from benchmarks.load.capacity import holds, search, sustained
from benchmarks.load.histogram import Histogram
from benchmarks.load.page import PAGE
from benchmarks.load.results import Step, read_results, write_results
from benchmarks.load.run import begin
from benchmarks.load.service import Measured, choose, measure_start, warm_after
from contract.refusal import Refusal
from tests.commands import run_module

STORED = Path(__file__).with_name("load_results.json")
# What the report needs of an engine: `run` becomes the service itself, which /proc shows here.
ENGINE = """#!{python}
import os, sys
words = sys.argv[1:]
if words[0] == "run":
    open({place!r}, "w").write(" ".join([str(os.getpid()), *words]))
    os.environ.update(word.split("=", 1) for before, word in zip(words, words[1:]) if before == "--env")
    os.environ.update(BUNDLE={bundle!r}, ALLOW_UNSIGNED_BUNDLES="1", METRICS_PORT="0", NOT_READY_SECONDS="0")
    os.execv({python!r}, [{python!r}, "-m", "app"])
if words[0] == "inspect":
    print({seen!r} and open({place!r}).read().split()[0])
if words[0] == "exec":
    print(open("/proc/" + open({place!r}).read().split()[0] + words[-1].removeprefix("/proc/1")).read())
sys.exit(words[:2] == ["image", "inspect"] and words[2] != "penguins")
"""


@pytest.fixture(params=["seen", ""], ids=["in /proc", "by exec"])
def engine(request: pytest.FixtureRequest, bundle_path: Path, tmp_path: Path) -> str:
    """A command like docker's, whose containers are seen from here, or not."""
    path = tmp_path / "engine"
    place = str(tmp_path / "started")
    path.write_text(ENGINE.format(python=sys.executable, place=place, bundle=str(bundle_path), seen=request.param))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def built(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' bundle is the one that is measured."""
    monkeypatch.setattr(service, "MANIFEST", bundle_path / "manifest.json")


@pytest.fixture
def cores() -> None:
    """Skips where there are too few."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs a machine of two cores")


def test_a_container_is_confined_and_watched(engine: str, tmp_path: Path) -> None:
    """CPU and memory are the service's, seen from here or from inside."""
    measured = choose(engine, "penguins", frozenset(os.sched_getaffinity(0)))
    assert "a container of the image `penguins`" in measured.words
    with measured.running() as server:
        assert sum(server.cpu_seconds().values()) > 0
        assert 20 < server.rss_mb() < 200
    assert server.process.poll() is not None
    assert "--memory 512m --cpus 1 --read-only --cap-drop ALL penguins" in (tmp_path / "started").read_text()


def test_an_image_that_is_not_there_is_refused(engine: str) -> None:
    """With the command that builds it."""
    with pytest.raises(Refusal, match="make image"):
        choose(engine, "nonesuch", frozenset())


@pytest.mark.usefixtures("built")
def test_without_an_engine_the_process_is_measured() -> None:
    """And said to be; so is its start."""
    measured = choose("/nonesuch/docker", "penguins", frozenset(os.sched_getaffinity(0)))
    assert measured.docker == ""
    assert "python -m app" in measured.words
    start = measure_start(measured)
    assert start.first_ms > 20
    assert start.warm_ms >= 0


def test_without_engine_and_bundle_the_command_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """That makes one."""
    monkeypatch.setattr(service, "MANIFEST", tmp_path / "manifest.json")
    with pytest.raises(Refusal, match="make compile"):
        choose("", "penguins", frozenset())


@pytest.mark.parametrize(
    ("took", "after"), [([1.0] * 500, 0), ([9.0] * 30 + [1.0] * 470, 21), ([5.0] * 400 + [1.0] * 100, 391)]
)
def test_warm_is_as_quick_as_later(took: list[float], after: int) -> None:
    """The first window whose median is like that of the last hundred."""
    assert warm_after(took) == after


def step(rate: float, fits: float) -> Step:
    """A service that sustains a rate, and is a second late beyond."""
    late = 1_000.0 if rate <= fits else 1_000_000.0
    return Step(rate, 1.0, 1.0, 1, 1, 0, late, late, Histogram(), 10.0, 0.5)


@pytest.mark.parametrize("fits", [300.0, 1_000.0, 5_000.0, 47_000.0])
def test_the_search_comes_near_the_capacity(fits: float) -> None:
    """From below, within an eighth of a doubling; what is not sustained is tried twice."""
    steps = tuple(search(lambda rate: step(rate, fits), 100.0, 3))
    assert fits / 2 ** (1 / 8) <= sustained(steps) <= fits
    tried = [found.rate for found in steps if not holds(found)]
    assert all(tried.count(rate) == 2 for rate in tried)


def test_a_search_that_begins_too_high_goes_down() -> None:
    """By halves."""
    assert sustained(tuple(search(lambda rate: step(rate, 300), 1_000.0, 3))) == 250


def test_a_wrong_answer_is_not_sustained() -> None:
    """Nor one that comes later and later."""
    assert holds(step(10, 10))
    assert not holds(replace(step(10, 10), wrong=1))
    assert not holds(replace(step(10, 10), busy_s=1.1))


def test_one_goes_on_only_with_its_own_results(tmp_path: Path) -> None:
    """Of the same commit, machine and service."""
    path, measured = tmp_path / "report.json", Measured("", "penguins", frozenset())
    with pytest.raises(Refusal, match="make load-report"):
        begin(path, "command", measured, short=True, resume=True)
    new = begin(path, "command", measured, short=True, resume=False)
    started = replace(new, date="before", starts=read_results(STORED).starts)
    write_results(started, path)
    assert begin(path, "another", measured, short=True, resume=True) == started
    with pytest.raises(Refusal, match="expected short False, found True; begin anew, without --resume"):
        begin(path, "command", measured, short=False, resume=True)


@pytest.mark.usefixtures("built", "cores")
def test_a_short_report_is_measured_and_gone_on_with(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """From starts to the page; the second time only what is missing is measured."""
    arguments = ["--short", "--docker", "", "--out", str(tmp_path), "--profiles"]
    assert main([*arguments, "baseline"]) == 0
    first = read_results(tmp_path / "report.json")
    assert list(first.runs) == ["baseline"]
    assert first.runs["baseline"].outcome.requests > 20
    assert first.runs["baseline"].peak_mb > 20
    assert [step.rate for step in first.steady[:2]] == [10, 100]
    write_results(replace(first, starts=()), tmp_path / "report.json")
    capfd.readouterr()
    assert main(["--resume", *arguments, "baseline"]) == 0
    second = read_results(tmp_path / "report.json")
    assert len(second.starts) == 1
    assert replace(second, starts=first.starts) == first
    assert capfd.readouterr().err == "start 1 of 1\n"
    assert "figures say nothing" in (tmp_path / PAGE).read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", [("--profiles", "nonesuch"), ("--profiles",), ("nonesuch",)])
def test_an_unknown_option_is_refused(arguments: tuple[str, ...]) -> None:
    """With status 2, and what there is."""
    result = run_module("benchmarks.load", *arguments)
    assert result.returncode == 2
    assert "usage: python -m benchmarks.load" in result.stderr
