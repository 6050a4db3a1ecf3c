"""Training one model, in a way that every XGBoost since 0.90 understands."""

from typing import Any

import numpy as np
import xgboost

from tests.matrix.cells import OBJECTIVES, Version, version_of
from tests.matrix.data import CATEGORICAL, KINDS_OF_COLUMN, NAMED_KINDS, NAMES, QUERY, ROWS, labels, table

VERSION: Version = version_of(".".join(xgboost.__version__.split(".")[:2]))
CLASSES = 4
ROUNDS = 4
BOOSTERS: dict[str, dict[str, Any]] = {
    "gbtree": {},
    "forest": {"num_parallel_tree": 3, "subsample": 0.6},
    "dart": {"booster": "dart", "rate_drop": 0.5, "one_drop": 1},
    "gblinear": {"booster": "gblinear", "updater": "coord_descent"},
}
ARGUMENTS = ("xgb_model", "obj", "evals", "callbacks", "early_stopping_rounds")
OF_OBJECTIVE: dict[str, dict[str, Any]] = {
    "reg:quantileerror": {"quantile_alpha": 0.3},
    "reg:expectileerror": {"expectile_alpha": 0.3},
    "multi:softprob": {"num_class": CLASSES},
    "multi:softmax": {"num_class": CLASSES},
}
OF_FEATURES: dict[str, dict[str, Any]] = {
    "one-hot": {"tree_method": "hist", "max_cat_to_onehot": 100},
    "partitions": {"tree_method": "hist", "max_cat_to_onehot": 1},
}


def described(features: str) -> dict[str, Any]:
    """Return what a DMatrix is told of its columns."""
    if features == "named":
        return {"feature_names": NAMES, "feature_types": NAMED_KINDS}
    if features in CATEGORICAL:
        return {"feature_types": KINDS_OF_COLUMN, "enable_categorical": True}
    return {}


def matrix(task: str, features: str = "plain") -> Any:
    """Return the table as a DMatrix with the labels of a task."""
    rows, signal = table(features)
    wanted = labels(task, signal)
    more = described(features)
    if task == "lifetime":
        lives = xgboost.DMatrix(rows, **more)
        lives.set_float_info("label_lower_bound", wanted)
        ended = np.arange(ROWS) % 4 > 0
        lives.set_float_info("label_upper_bound", np.where(ended, wanted, np.inf).astype(np.float32))
        return lives
    data = xgboost.DMatrix(rows, wanted, **more)
    if task in ("relevance", "relevant"):
        data.set_group([QUERY] * (ROWS // QUERY))
    return data


def settings(objective: str, booster: str = "gbtree", **more: Any) -> dict[str, Any]:
    """Return the parameters of a small model that a test repeats exactly; `more` wins."""
    of_trees = {} if booster == "gblinear" else {"max_depth": 3, "min_child_weight": 0}
    quiet = {"silent": 1} if VERSION < (1, 0) else {"verbosity": 0}
    common = {"seed": 0, "nthread": 1, "objective": objective}
    return {**common, **quiet, **of_trees, **BOOSTERS[booster], **OF_OBJECTIVE.get(objective, {}), **more}


def grow(
    objective: str, booster: str = "gbtree", features: str = "plain", task: str = "", rounds: int = ROUNDS, **more: Any
) -> Any:
    """Train a model. `more` are parameters of XGBoost, and arguments of its `train`."""
    arguments = {name: more.pop(name) for name in ARGUMENTS if name in more}
    parameters = {**OF_FEATURES.get(features, {}), **settings(objective, booster, **more)}
    data = matrix(task or OBJECTIVES[objective][1], features)
    return xgboost.train(parameters, data, rounds, verbose_eval=False, **arguments)
