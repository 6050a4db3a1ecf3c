"""How pytest runs the benchmarks: on one core and one thread, in turns, with one row for each contender."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.timed.turns import merge

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options."""
    parser.addoption("--rounds", type=int, help="at most so many rounds, to try it; then nothing is published")
    parser.addoption("--artifacts", type=Path, default=Path("artifacts"), help="what `make compile` leaves")


def pytest_configure() -> None:
    """Hold this process to one core and one thread, before a library of numbers is imported and reads them."""
    os.environ.update(ONE_THREAD)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the turns that each benchmark module names."""
    if "turn" in metafunc.fixturenames:
        metafunc.parametrize("turn", metafunc.module.turns(metafunc.config.getoption("rounds")), ids=str)


@pytest.fixture(scope="session")
def artifacts(request: pytest.FixtureRequest) -> Path:
    """Return where the model and its bundle are."""
    return Path(request.config.getoption("artifacts"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, Any, Any]:
    """Merge before pytest-benchmark makes its table and its files."""
    merge(session.config._benchmarksession.benchmarks)  # type: ignore[attr-defined]
    return (yield)
