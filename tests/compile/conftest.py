"""A penguin model read and built once."""

from pathlib import Path

import msgspec
import pytest

from app.library import Library
from compile.booster import Model, read_model
from compile.reference import read_reference
from contract.manifest import Digest
from tests.compile.building import built


@pytest.fixture(scope="session")
def model(model_path: Path) -> Model:
    """The trained penguin model, with what its answers are judged by."""
    model = read_model(model_path)
    reference, _ = read_reference(model_path, model, Digest.of(model.data).sha256)
    return msgspec.structs.replace(model, reference=reference)


@pytest.fixture(scope="session")
def image(model: Model, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of its library, with tl2cgen's code for one row."""
    return built(model, tmp_path_factory.mktemp("image"))


@pytest.fixture
def library(image: bytes) -> Library:
    """The library, loaded."""
    return Library(image)
