"""A key, a signed bundle, a store, and the fake cloud."""

from pathlib import Path

import pytest

from bundle.keys import SigningKey
from bundle.verify import Trust
from tests.bundle.making import make, new_key


@pytest.fixture(scope="session")
def key() -> SigningKey:
    """The key that is trusted."""
    return new_key()


@pytest.fixture(scope="session")
def trust(key: SigningKey) -> Trust:
    return Trust((key.public,))


@pytest.fixture
def made(tmp_path: Path, key: SigningKey) -> Path:
    """A small signed bundle."""
    make(tmp_path / "made", key)
    return tmp_path / "made"
