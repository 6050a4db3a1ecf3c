from pathlib import Path

import msgspec
import pytest

from benchmarks.contenders.models import Model, Synthetic, load_model, load_synthetic


@pytest.fixture(scope="session")
def penguin(artifacts: Path, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Return the penguin model; what contenders make of it stays out of the shared directory."""
    return msgspec.structs.replace(load_model("penguin", artifacts), cache=tmp_path_factory.mktemp("penguin"))


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Return a small model of two classes that meets missing values."""
    return load_synthetic(Synthetic("small", trees=5, depth=3, missing=0.2), tmp_path_factory.mktemp("binary"))


@pytest.fixture(params=["penguin", "binary"])
def model(request: pytest.FixtureRequest) -> Model:
    """Return either model."""
    found: Model = request.getfixturevalue(request.param)
    return found
