"""What all tests share: one trained and compiled model, made as a user makes it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from app.bundle import Bundle, load_bundle
from tests.cloud import Cloud, running_cloud
from tests.commands import run_module
from tests.service import Service, serving

# No judgement on time: two shared cores are slow whenever they like.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory as `make compile` leaves `artifacts/`. Tests read it and never write to it."""
    directory = tmp_path_factory.mktemp("artifacts")
    for command in (
        ("train", "--out", directory),
        ("compile", directory / "penguin_model.json", "--out", directory / "bundle"),
    ):
        result = run_module(*command)
        assert result.returncode == 0, result.stderr
    return directory


@pytest.fixture(scope="session")
def model_path(artifacts: Path) -> Path:
    """The trained model."""
    return artifacts / "penguin_model.json"


@pytest.fixture(scope="session")
def bundle_path(artifacts: Path) -> Path:
    """The compiled bundle."""
    return artifacts / "bundle"


@pytest.fixture(scope="session")
def service(bundle_path: Path) -> Iterator[Service]:
    """The service as `python -m app` starts it."""
    with serving(bundle_path) as running:
        yield running


@pytest.fixture(scope="session")
def bundle(bundle_path: Path) -> Bundle:
    """The bundle, loaded into this process."""
    return load_bundle(bundle_path)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The fake, to which this process and those that it starts are led."""
    with running_cloud() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running
