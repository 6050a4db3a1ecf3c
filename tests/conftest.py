"""What all tests share: one trained and compiled model, made as a user makes it."""

import fcntl
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from score.bundle import Bundle, load_bundle
from tests.support.cloud import Cloud, running_cloud
from tests.support.commands import run_module
from tests.support.service import Service, serving

if TYPE_CHECKING:
    from tests.support.apples import Compiled

# No judgement on time: two shared cores are slow whenever they like. Always the same cases: what fails on one machine
# fails on every machine. `make explore` draws others.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("patient", patient, derandomize=True)
settings.register_profile("exploring", patient, max_examples=1000)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory as `make compile` leaves `artifacts/`. Tests read it and never write to it.

    The workers of one run share it: the first one makes it, and the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    directory, made = shared / "artifacts", shared / "artifacts.made"
    with (shared / "artifacts.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            make_artifacts(directory)
            made.touch()
    return directory


def make_artifacts(directory: Path) -> None:
    """Train and compile as a user does."""
    for command in (
        ("train", "--out", directory),
        ("compile", directory / "penguin_model.json", "--out", directory / "bundle"),
    ):
        result = run_module(*command)
        assert result.returncode == 0, result.stderr


@pytest.fixture(scope="session")
def model_path(artifacts: Path) -> Path:
    """Return the trained model."""
    return artifacts / "penguin_model.json"


@pytest.fixture(scope="session")
def bundle_path(artifacts: Path) -> Path:
    """Return the compiled bundle."""
    return artifacts / "bundle"


@pytest.fixture(scope="session")
def service(bundle_path: Path) -> Iterator[Service]:
    """Run the service as `python -m app` starts it."""
    with serving(bundle_path) as running:
        yield running


@pytest.fixture(scope="session")
def bundle(bundle_path: Path) -> Bundle:
    """Load the bundle into this process."""
    return load_bundle(bundle_path)


@pytest.fixture(scope="session")
def apples(tmp_path_factory: pytest.TempPathFactory) -> "Callable[[str], Compiled]":
    """Return the function that makes the model of apples of one kind. The workers of one run share what is made."""
    from tests.support.apples import apples_in

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    @cache
    def made(kind: str) -> "Compiled":
        with (shared / f"apples-{kind}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return apples_in(shared / f"apples-{kind}", kind)

    return made


@pytest.fixture(scope="session")
def apple_bundle(apples: "Callable[[str], Compiled]") -> Callable[[str], Bundle]:
    """Return the function that loads the model of apples of one kind into this process, once."""

    @cache
    def loaded(kind: str) -> Bundle:
        return apples(kind).load()

    return loaded


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """Run the fake cloud, and lead this process and those that it starts to it."""
    with running_cloud() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running
