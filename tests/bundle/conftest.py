"""A key, a signed bundle, a store, and the fake cloud."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bundle.keys import SigningKey
from bundle.verify import Trust
from tests.bundle.making import make, new_key
from tests.cloud import Cloud, running_cloud


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


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The fake, which this process's client is led to."""
    with running_cloud() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running
