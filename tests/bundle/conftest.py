"""A key, a signed bundle, a store, and the fake cloud."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bundle.address import parse_address
from bundle.cache import Cache
from bundle.fetch import BundleSource
from bundle.signing.private import SigningKey
from bundle.verify import Trust
from tests.bundle.publishing import PLACE, STABLE, release
from tests.support.bundles import make, new_key
from tests.support.cloud import Cloud


@pytest.fixture(scope="session")
def key() -> SigningKey:
    """Make the key that is trusted."""
    return new_key()


@pytest.fixture(scope="session")
def trust(key: SigningKey) -> Trust:
    return Trust((key.public,))


@pytest.fixture
def made(tmp_path: Path, key: SigningKey) -> Path:
    """Make a small signed bundle."""
    make(tmp_path / "made", key)
    return tmp_path / "made"


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def source(trust: Trust, cache: Cache) -> Iterator[BundleSource]:
    """Open a source of the stable channel in the fake cloud."""
    opened = BundleSource(parse_address(STABLE), trust, cache)
    yield opened
    opened.close()


@pytest.fixture
def released(cloud: Cloud, tmp_path: Path, key: SigningKey) -> str:
    """Publish a bundle, and return the digest that the channel points to."""
    digest = release(PLACE, tmp_path, key)
    cloud.requests.clear()
    return digest
