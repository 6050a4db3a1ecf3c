"""A penguin model read and built once."""

from pathlib import Path

import pytest

from app.library import Library
from compile.booster import Model, read_model
from compile.source import write_source
from compile.toolchain import build_library, find_compiler


def build(model: Model, directory: Path) -> bytes:
    """The library of a model, compiled in `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    return build_library(find_compiler(), write_source(model, directory), directory)


@pytest.fixture(scope="session")
def model(model_path: Path) -> Model:
    """The trained penguin model."""
    return read_model(model_path)


@pytest.fixture(scope="session")
def image(model: Model, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of its library."""
    return build(model, tmp_path_factory.mktemp("image"))


@pytest.fixture
def library(image: bytes) -> Library:
    """The library, loaded."""
    return Library(image)
