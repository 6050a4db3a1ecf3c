import os
import stat
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.load import service
from benchmarks.load.__main__ import main
from benchmarks.load.capacity import holds, search, sustained
from benchmarks.load.prices import instance_based, request_based
from benchmarks.load.service import choose
from benchmarks.wire.openloop import Step
from contract.refusal import Refusal
from tests.support.commands import run_module

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
    print(open({place!r}).read().split()[0])
if words[0] == "info":
    print("an engine")
sys.exit(words[:2] == ["image", "inspect"] and words[2] != "penguins")
"""


@pytest.fixture
def engine(bundle_path: Path, tmp_path: Path) -> str:
    """Return a command like docker's, whose containers are seen from here."""
    path = tmp_path / "engine"
    place = str(tmp_path / "started")
    path.write_text(ENGINE.format(python=sys.executable, place=place, bundle=str(bundle_path)))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def built(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the tests' bundle."""
    monkeypatch.setattr(service, "MANIFEST", bundle_path / "manifest.json")


@pytest.fixture
def cores() -> None:
    """Skip a test if there are too few cores."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs a machine of two cores")


def test_a_container_is_confined_and_watched(engine: str, tmp_path: Path) -> None:
    """CPU and memory are those of the service in the container."""
    measured = choose(engine, "penguins", frozenset(os.sched_getaffinity(0)))
    assert "a container of the image `penguins`" in measured.words
    with measured.running() as server:
        assert server.cpu_seconds() > 0
        assert 20 < server.memory_mb() <= server.memory_mb("VmHWM") < 200
    assert server.process.poll() is not None
    assert "--memory 512m --cpus 1 --read-only --cap-drop ALL penguins" in (tmp_path / "started").read_text()


def test_an_image_that_is_not_there_is_refused(engine: str) -> None:
    """The refusal names the command that builds the image."""
    with pytest.raises(Refusal, match="make image"):
        choose(engine, "nonesuch", frozenset())


@pytest.mark.usefixtures("built")
def test_without_an_engine_the_process_is_measured() -> None:
    """The report says that the process was measured."""
    measured = choose("/nonesuch/docker", "penguins", frozenset(os.sched_getaffinity(0)))
    assert "python -m app" in measured.words
    with measured.running() as server:
        assert server.memory_mb() > 20


def test_without_engine_and_bundle_the_command_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The refusal names the command that makes a bundle."""
    monkeypatch.setattr(service, "MANIFEST", tmp_path / "manifest.json")
    with pytest.raises(Refusal, match="make compile"):
        choose("", "penguins", frozenset())


def step(rate: float, fits: float) -> Step:
    """Return a step of a service that sustains a rate, and is a second late beyond it."""
    late_us = 1_000.0 if rate <= fits else 1_000_000.0
    return Step(rate, 1.0, 1.0, 1, 0, Counter({200: 1}), [late_us], 10.0)


@pytest.mark.parametrize("fits", [300.0, 1_000.0, 5_000.0, 47_000.0])
def test_the_search_comes_near_the_capacity(fits: float) -> None:
    """The search ends within an eighth of a doubling; what is not sustained is tried twice."""
    steps = tuple(search(lambda rate: step(rate, fits), 100.0, 3))
    assert fits / 2 ** (1 / 8) <= sustained(steps) <= fits
    tried = [found.rate for found in steps if not holds(found)]
    assert all(tried.count(rate) == 2 for rate in tried)


def test_a_search_that_begins_too_high_goes_down() -> None:
    """The search halves the rate until it is sustained."""
    assert sustained(tuple(search(lambda rate: step(rate, 300), 1_000.0, 3))) == 250


def test_a_wrong_answer_is_not_sustained() -> None:
    """A wrong answer is not sustained, nor answers that come later and later."""
    assert holds(step(10, 10))
    assert not holds(step(10, 10)._replace(offered=2))
    assert not holds(step(10, 10)._replace(busy_s=1.1))


def test_costs_are_those_of_the_list() -> None:
    """A million rare requests take 0.1 s each; an instance that is always on costs its time."""
    rare = request_based(1e-6, 0.001)
    assert rare == pytest.approx(0.40 + 100_000 * (0.000024 + 0.5 * 0.0000025), rel=1e-4)
    assert request_based(10_000, 0.001) == pytest.approx(0.40 + 100 * 0.00002525)
    assert instance_based(100) == pytest.approx(10_000 * (1.25 * 0.000018 + 0.75 * 0.000002))


@pytest.mark.long
@pytest.mark.usefixtures("built", "cores")
def test_a_quick_report_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quick run measures everything from Locust's profile to the costs."""
    monkeypatch.setenv("DOCKER", "")
    assert main(["--quick", "--out", str(tmp_path)]) == 0
    page = (tmp_path / "LOAD_TEST_REPORT.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert sum(row.startswith("| baseline |") for row in rows) == 5
    assert sum(row.startswith(("| 10.0 |", "| 100 |")) for row in rows) == 4
    assert any(row.startswith("| 8,000 |") for row in rows)


@pytest.mark.parametrize("arguments", [("--nonesuch",), ("nonesuch",)])
def test_an_unknown_option_is_refused(arguments: tuple[str, ...]) -> None:
    """The status is 2, and the usage is printed."""
    result = run_module("benchmarks.load", *arguments)
    assert result.returncode == 2
    assert "usage: python -m benchmarks.load" in result.stderr
