"""Two releases of two models, and a place to publish them."""

from pathlib import Path

import pytest

from bundle.signing.private import SigningKey
from tests.support.bundles import new_key
from tests.support.releases import Release, Shop, of_first_rounds, sign_copy, with_golden


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    return new_key()


@pytest.fixture(scope="session")
def first(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory, signing_key: SigningKey) -> Release:
    """Sign the compiled bundle."""
    return sign_copy(bundle_path, tmp_path_factory.mktemp("first") / "bundle", signing_key)


@pytest.fixture(scope="session")
def second(
    model_path: Path, bundle_path: Path, tmp_path_factory: pytest.TempPathFactory, signing_key: SigningKey
) -> Release:
    """Make a release of the first twenty rounds of the model, which answers every row otherwise."""
    return of_first_rounds(20, model_path, bundle_path, tmp_path_factory.mktemp("second"), signing_key)


@pytest.fixture(scope="session")
def bad(first: Release, tmp_path_factory: pytest.TempPathFactory, signing_key: SigningKey) -> Release:
    """Make a signed release whose library does not give its golden answer."""
    return with_golden(first, tmp_path_factory.mktemp("bad") / "bundle", signing_key)


@pytest.fixture
def shop(tmp_path: Path, signing_key: SigningKey) -> Shop:
    """Make an empty store in a directory."""
    return Shop(str(tmp_path / "store"), signing_key)
