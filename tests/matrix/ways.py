"""How a model can come about: continued, updated, cut, stopped early, marked, with gradients of one's own, wrapped.

Those that return a function return one that trains the model.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import xgboost

from tests.matrix.data import labels, table
from tests.matrix.growing import VERSION, grow, matrix, settings

BINARY = "binary:logistic"
STOPPING = 5  # rounds without progress
MANY = 40  # rounds, of which stopping early leaves some out

Training = Callable[[], Any]
Objective = Callable[[Any, Any], tuple[Any, Any]]  # margins and the data to their gradients and hessians


def grown(objective: str = BINARY, **how: Any) -> Training:
    """Return one training, as `grow` does it."""
    return lambda: grow(objective, **how)


def continued(first: dict[str, Any], **then: Any) -> Training:
    """Return a training of two: `then` is what the second does otherwise."""
    return lambda: grow(**{**first, **then, "xgb_model": grow(**first)})


def updated(updater: str, start: dict[str, Any], features: str = "plain", **more: Any) -> Training:
    """Return a training whose trees an updater then goes over, on data with these features."""

    def update() -> Any:
        how = {"process_type": "update", "updater": updater, "xgb_model": grow(BINARY, **start), **more}
        return grow(BINARY, features=features, **how)

    return update


def sliced(*where: int, **how: Any) -> Training:
    """Return a training of six rounds, of which some are kept."""
    return lambda: grow(**{"objective": BINARY, "rounds": 6, **how})[slice(*where)]


def stopped(objective: str = BINARY, task: str = "binary", **more: Any) -> Any:
    """Train until data with other labels is no longer predicted better."""
    how = more if "callbacks" in more else {"early_stopping_rounds": STOPPING, **more}
    return grow(objective, rounds=MANY, evals=[(_other_labels(task), "other")], **how)


def keeping_the_best() -> Any:
    """Train until then, and keep the rounds up to the best one."""
    return stopped(callbacks=[xgboost.callback.EarlyStopping(rounds=STOPPING, save_best=True)])


def _other_labels(task: str) -> Any:
    """Return data that training does not see: two labels in five are another row's."""
    data = matrix(task)
    data.set_label(_mixed(data.get_label()))
    return data


def _mixed(wanted: Any) -> Any:
    other = np.random.RandomState(3).uniform(size=len(wanted)) < 0.4
    mixed = np.array(wanted)
    mixed[other] = mixed[other][::-1]
    return mixed


def marked(**attributes: str) -> Training:
    """Return a training that leaves attributes at the booster."""

    def mark() -> Any:
        booster = grow(BINARY)
        booster.set_attr(**attributes)
        return booster

    return mark


def on_a_base_margin() -> Any:
    """Train on data whose rows start from margins of their own."""
    data = matrix("binary")
    data.set_base_margin(np.linspace(-1, 1, data.num_row()))
    return xgboost.train(settings(BINARY), data, 4)


def beside_a_category() -> Any:
    """Train on data whose first column is categorical, and always the same: no tree can split on it."""
    rows, signal = table("plain")
    rows[:, 0] = 2
    kinds = ["c"] + ["q"] * (rows.shape[1] - 1)
    data = xgboost.DMatrix(rows, labels("binary", signal), feature_types=kinds, enable_categorical=True)
    return xgboost.train(settings(BINARY, tree_method="hist"), data, 4)


def gradient(value: float) -> Objective:
    """Return an objective that says `value` of every row whose label is positive."""

    def objective(margins: Any, data: Any) -> tuple[Any, Any]:
        wanted, found = data.get_label(), np.asarray(margins).ravel()
        gradients = np.where(wanted > 0, value, found - wanted).astype(np.float32)
        return gradients, np.ones(len(found), dtype=np.float32)

    return objective


def log_loss(margins: Any, data: Any) -> tuple[Any, Any]:
    """The objective of binary:logistic, written by a user."""
    found = 1 / (1 + np.exp(-np.asarray(margins)))
    return found - data.get_label().reshape(found.shape), found * (1 - found)


def wrapped(name: str, task: str, names: Any = None, features: str = "missing", **more: Any) -> Training:
    """Return the fitting of a class for scikit-learn; `names` makes classes of the labels."""
    return lambda: _wrapper(name, more, MANY // 10).fit(*_fitted(task, names, features))


def wrapped_and_stopped(name: str, task: str, names: Any = None) -> Training:
    """Return such a fitting that stops early."""

    def fit() -> Any:
        rows, wanted = _fitted(task, names, "missing")
        how: dict[str, Any] = {}
        fitting = {"eval_set": [(rows, _mixed(wanted))], "verbose": False}
        (how if VERSION >= (1, 6) else fitting)["early_stopping_rounds"] = STOPPING
        return _wrapper(name, how, MANY).fit(rows, wanted, **fitting)

    return fit


def _wrapper(name: str, more: dict[str, Any], rounds: int) -> Any:
    how = {"n_estimators": rounds, "max_depth": 3, "random_state": 0, "n_jobs": 1, **more}
    return getattr(xgboost, name)(**how)


def _fitted(task: str, names: Any, features: str) -> tuple[Any, Any]:
    rows, signal = table(features)
    wanted = labels(task, signal)
    return rows, wanted if names is None else np.asarray(names)[wanted.astype(int)]
