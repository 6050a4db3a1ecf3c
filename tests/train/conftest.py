"""One training run, shared by every test of the folder. All fixtures live for the session; nobody changes them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import xgboost

import train
from contract.training import TrainingSummary
from contract.uncertainty import Uncertainty
from evaluation.drift import drift_baseline
from train.baselines import baselines
from train.contract import CONTRACT
from train.evaluate import HeldOut, cross_validation, hold_out
from train.features import features
from train.groups import groups
from train.model import fit
from train.page.report import report
from train.penguins import Penguins, load
from train.summary import summarise
from train.uncertainty import Judged, fit_uncertainty


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the data file, wherever the tests are run from."""
    return Path(*train.__path__) / "data" / "penguins.csv"


@pytest.fixture(scope="session")
def penguins(data: Path) -> Penguins:
    """Load the birds."""
    return load(data)


@pytest.fixture(scope="session")
def table(penguins: Penguins) -> npt.NDArray[np.float32]:
    """Compute the features of the birds."""
    return features(penguins.measurements)


@pytest.fixture(scope="session")
def booster(penguins: Penguins, table: npt.NDArray[np.float32]) -> xgboost.Booster:
    """Fit the model to all birds."""
    return fit(table, penguins.labels)


@pytest.fixture(scope="session")
def held_out(penguins: Penguins) -> HeldOut:
    """Compute the held-out answers."""
    return hold_out(penguins.measurements, penguins.labels)


@pytest.fixture(scope="session")
def summary(
    penguins: Penguins, booster: xgboost.Booster, held_out: HeldOut, judged: tuple[Uncertainty, Judged]
) -> TrainingSummary:
    """Summarise what was learned."""
    baseline, figures = (
        drift_baseline(CONTRACT, penguins.measurements, held_out.probabilities[0]),
        cross_validation(held_out),
    )
    rivals, of_groups = baselines(penguins, held_out, figures), groups(penguins, held_out, judged[1])
    return summarise(penguins, bytes(booster.save_raw("json")), figures, baseline, rivals, of_groups)


@pytest.fixture(scope="session")
def judged(penguins: Penguins, booster: xgboost.Booster, held_out: HeldOut) -> tuple[Uncertainty, Judged]:
    """Make the reference that answers are judged by, and judge every held-out bird."""
    return fit_uncertainty(penguins, bytes(booster.save_raw("json")), held_out)


@pytest.fixture(scope="session")
def reference(judged: tuple[Uncertainty, Judged]) -> Uncertainty:
    """Return the reference alone."""
    return judged[0]


@pytest.fixture(scope="session")
def page(
    summary: TrainingSummary, reference: Uncertainty, penguins: Penguins, held_out: HeldOut, booster: xgboost.Booster
) -> str:
    """Write the training report."""
    return report(summary, reference, penguins, held_out, booster)
