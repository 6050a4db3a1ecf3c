"""The classifier: its parameters, and a fit that can be reproduced."""

import numpy as np
import numpy.typing as npt
import xgboost

from train.contract import CLASSES, CONTRACT

SEED = 0
ROUNDS = 200  # trees per species: docs/classifier.md has what more of them cost, and what they give
# What cross-validation picks on all birds, as in each fold of `make nested` (docs/classifier.md). Trees have one split;
# each sees a random half of the birds.
PARAMETERS: dict[str, str | int | float] = {
    "objective": "multi:softprob",
    "num_class": len(CLASSES),
    "tree_method": "hist",
    "max_depth": 1,
    "eta": 0.2,
    "subsample": 0.5,
    "colsample_bynode": 1.0,
    "min_child_weight": 0.0,
    "reg_lambda": 0.1,
    "seed": SEED,
}


def fit(
    features: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    threads: int = 0,
    rounds: int = ROUNDS,
    **parameters: float,
) -> xgboost.Booster:
    """Fit `features` (rows, features of the contract) to `labels` (rows,), which are indices into CLASSES.

    `threads` 0 means all cores. `parameters` replace those of PARAMETERS. The same inputs give the same booster, byte
    for byte, with any number of threads.
    """
    matrix = xgboost.DMatrix(features, labels, nthread=threads or None)
    booster = xgboost.train({**PARAMETERS, **parameters, "nthread": threads}, matrix, num_boost_round=rounds)
    booster.feature_names = list(CONTRACT.features)  # a matrix with names makes XGBoost compare them in every round
    return booster
