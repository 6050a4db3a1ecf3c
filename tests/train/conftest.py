"""One training run, shared by every test of the folder. All fixtures live for the session; nobody changes them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import xgboost

import train
from contract.reference import Reference
from contract.training import TrainingSummary
from train.drift import reference as drift_reference
from train.evaluate import HeldOut, cross_validation, hold_out
from train.features import features
from train.model import fit
from train.penguins import Penguins, load
from train.reference import make_reference
from train.report import report
from train.summary import summarise


@pytest.fixture(scope="session")
def data() -> Path:
    """The data file, wherever the tests are run from."""
    return Path(*train.__path__) / "data" / "penguins.csv"


@pytest.fixture(scope="session")
def penguins(data: Path) -> Penguins:
    """The birds."""
    return load(data)


@pytest.fixture(scope="session")
def table(penguins: Penguins) -> npt.NDArray[np.float32]:
    """Their features."""
    return features(penguins.measurements)


@pytest.fixture(scope="session")
def booster(penguins: Penguins, table: npt.NDArray[np.float32]) -> xgboost.Booster:
    """The model fitted to all of them."""
    return fit(table, penguins.labels)


@pytest.fixture(scope="session")
def held_out(penguins: Penguins, table: npt.NDArray[np.float32]) -> HeldOut:
    """The held-out answers."""
    return hold_out(table, penguins.labels)


@pytest.fixture(scope="session")
def summary(penguins: Penguins, booster: xgboost.Booster, held_out: HeldOut) -> TrainingSummary:
    """What was learned."""
    return summarise(
        penguins, bytes(booster.save_raw("json")), cross_validation(held_out), drift_reference(penguins, held_out)
    )


@pytest.fixture(scope="session")
def reference(
    penguins: Penguins, table: npt.NDArray[np.float32], booster: xgboost.Booster, held_out: HeldOut
) -> Reference:
    """What answers are judged by."""
    return make_reference(penguins, table, bytes(booster.save_raw("json")), held_out)


@pytest.fixture(scope="session")
def page(
    summary: TrainingSummary, reference: Reference, penguins: Penguins, held_out: HeldOut, booster: xgboost.Booster
) -> str:
    """The training report."""
    return report(summary, reference, penguins, held_out, booster)
