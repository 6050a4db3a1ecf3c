"""How pytest runs the benchmarks: on one core and one thread."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options."""
    parser.addoption("--rounds", type=int, help="at most so many rounds, to try it; then nothing is published")
    parser.addoption("--artifacts", type=Path, default=Path("artifacts"), help="what `make compile` leaves")


def pytest_configure() -> None:
    """Hold this process to one core and one thread, before a library of numbers is imported and reads them."""
    os.environ.update(ONE_THREAD)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


@pytest.fixture(scope="session")
def artifacts(request: pytest.FixtureRequest) -> Path:
    """Return where the model and its bundle are."""
    return Path(request.config.getoption("artifacts"))


@pytest.fixture(scope="session")
def bounded(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """Return a function that bounds a number of rounds by --rounds."""
    most: int | None = request.config.getoption("rounds")
    return lambda rounds: rounds if most is None else min(rounds, most)
