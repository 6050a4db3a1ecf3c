"""The fit: reproducible."""

import numpy as np
import numpy.typing as npt
import pytest
import xgboost

from train.contract import CONTRACT
from train.model import fit
from train.penguins import Penguins


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_threads_do_not_change_the_model(
    penguins: Penguins, table: npt.NDArray[np.float32], booster: xgboost.Booster, threads: int
) -> None:
    """Any number of threads gives the same booster."""
    assert fit(table, penguins.labels, threads).save_raw("json") == booster.save_raw("json")


def test_the_model_names_its_features(booster: xgboost.Booster) -> None:
    """The model has the features' names in order."""
    assert booster.feature_names == list(CONTRACT.features)
