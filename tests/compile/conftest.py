"""A penguin model read and built once."""

from pathlib import Path

import msgspec
import pytest

from binding.library import Library
from compile.beside import read_beside
from compile.reading.booster import CompilableModel, read_model
from contract.reading import PENGUINS, read_contract
from tests.support.libraries import built


@pytest.fixture(scope="session")
def model(model_path: Path) -> CompilableModel:
    """Read the trained model and its reference."""
    model = read_model(model_path, contract=read_contract(PENGUINS))
    return msgspec.structs.replace(model, uncertainty=read_beside(model_path, model).uncertainty)


@pytest.fixture(scope="session")
def image(model: CompilableModel, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Build its library with tl2cgen's code for one row."""
    return built(model, tmp_path_factory.mktemp("image"))


@pytest.fixture
def library(image: bytes) -> Library:
    """Load the library."""
    return Library(image)
