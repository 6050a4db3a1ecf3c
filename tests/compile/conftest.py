"""A penguin model read and built once."""

from pathlib import Path

import pytest

from app.library import Library
from compile.booster import Model, read_model
from tests.compile.building import built


@pytest.fixture(scope="session")
def model(model_path: Path) -> Model:
    """The trained penguin model."""
    return read_model(model_path)


@pytest.fixture(scope="session")
def image(model: Model, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of its library, with tl2cgen's code for one row."""
    return built(model, tmp_path_factory.mktemp("image"))


@pytest.fixture
def library(image: bytes) -> Library:
    """The library, loaded."""
    return Library(image)
