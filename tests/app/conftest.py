"""Two releases of two models, and a place to publish them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bundle.keys import SigningKey
from compile.booster import read_model
from tests.app.releases import Release, Shop, sign_copy, with_golden, with_library
from tests.bundle.making import new_key
from tests.cloud import Cloud, running_cloud
from tests.compile.building import WALK, built


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    return new_key()


@pytest.fixture(scope="session")
def first(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory, signing_key: SigningKey) -> Release:
    """The compiled bundle, signed."""
    return sign_copy(bundle_path, tmp_path_factory.mktemp("first") / "bundle", signing_key)


@pytest.fixture(scope="session")
def second(
    model_path: Path, bundle_path: Path, tmp_path_factory: pytest.TempPathFactory, signing_key: SigningKey
) -> Release:
    """The first twenty rounds of the same model: it answers every row otherwise."""
    directory = tmp_path_factory.mktemp("second")
    path = directory / "model.json"
    read_model(model_path).booster[:20].save_model(path)
    image = built(read_model(path), directory / "build", WALK)
    return with_library(bundle_path, directory / "bundle", signing_key, image, path.read_bytes())


@pytest.fixture(scope="session")
def bad(first: Release, tmp_path_factory: pytest.TempPathFactory, signing_key: SigningKey) -> Release:
    """Signed, but its library does not give its golden answer."""
    return with_golden(first, tmp_path_factory.mktemp("bad") / "bundle", signing_key)


@pytest.fixture
def shop(tmp_path: Path, signing_key: SigningKey) -> Shop:
    """An empty store in a directory."""
    return Shop(str(tmp_path / "store"), signing_key)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The fake, to which this process and those that it starts are led."""
    with running_cloud() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running
