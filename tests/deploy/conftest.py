"""Releases for two revisions: the one that serves, a good next one, one that answers differently."""

import random
from pathlib import Path

import msgspec
import pytest
import xgboost

from bundle.signing.private import SigningKey
from contract.reading import PENGUINS, read_contract
from tests.support.bundles import new_key
from tests.support.commands import run_module
from tests.support.releases import Release, of_first_rounds, relabelled, sign_copy
from train.penguins import load


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return new_key()


@pytest.fixture(scope="session")
def old(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Release:
    """Make the release that serves."""
    return sign_copy(bundle_path, tmp_path_factory.mktemp("old") / "bundle", key)


@pytest.fixture(scope="session")
def good(old: Release, tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Release:
    """Make another bundle of the model."""
    return relabelled(old, tmp_path_factory.mktemp("good") / "bundle", key)


@pytest.fixture(scope="session")
def different(
    model_path: Path, bundle_path: Path, tmp_path_factory: pytest.TempPathFactory, key: SigningKey
) -> Release:
    """Make a release of the model's first round, which is sound and worse."""
    return of_first_rounds(1, model_path, bundle_path, tmp_path_factory.mktemp("different"), key)


@pytest.fixture(scope="session")
def numbers(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Release:
    """Train and compile a model that answers with a number: the body mass, from the other measurements of a bird."""
    directory = tmp_path_factory.mktemp("numbers")
    measured = load().measurements
    names = list(read_contract(PENGUINS).input_names)
    matrix = xgboost.DMatrix(measured[:, :3], measured[:, 3], feature_names=names[:3])
    xgboost.train({"objective": "reg:squarederror"}, matrix, 5).save_model(directory / "mass.json")
    compiled = run_module(
        "compile", directory / "mass.json", "--out", directory / "bundle", "--one-row", "walk", "--block-from", "32"
    )
    assert compiled.returncode == 0, compiled.stderr
    return sign_copy(directory / "bundle", directory / "signed", key)


@pytest.fixture(scope="session")
def bodies() -> list[bytes]:
    """Draw birds of the data set at random."""
    names = read_contract(PENGUINS).input_names
    birds = [dict(zip(names, map(float, row), strict=True)) for row in load().measurements]
    return [msgspec.json.encode(bird) for bird in random.Random(1).choices(birds, k=20_000)]  # noqa: S311
