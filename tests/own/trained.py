"""Models that people might bring: trained with XGBoost's scikit-learn wrapper, saved, with held-out rows as CSV."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xgboost
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.model_selection import train_test_split

Table = npt.NDArray[np.float64]
SMALL = {"n_estimators": 30, "max_depth": 3, "n_jobs": 1, "random_state": 0}


class Own(NamedTuple):
    """A model's file, rows that it has not seen with their targets as a CSV file, and the wrapper that was trained."""

    path: Path
    rows: Table  # NaN is missing
    csv: Path
    wrapper: Any


class Data(NamedTuple):
    """Rows with the names of their columns, and the true answers."""

    names: Sequence[str]
    rows: Table
    targets: npt.NDArray[Any]


def saved(directory: Path, name: str, data: Data, wrapper: Any, **fitting: Any) -> Own:
    """Train on a part of the data, save the model, and write the rest as CSV."""
    seen, unseen, answers, others = train_test_split(data.rows, data.targets, test_size=0.5, random_state=0)
    if fitting.pop("watch", False):
        fitting["eval_set"] = [(unseen, others)]
    if "groups" in fitting:
        fitting["qid"] = np.repeat(np.arange(len(seen) // fitting.pop("groups") + 1), 10)[: len(seen)]
    wrapper.fit(seen, answers, verbose=False, **fitting)
    wrapper.get_booster().feature_names = list(data.names)
    path = directory / f"{name}.ubj"
    wrapper.save_model(path)
    return Own(path, unseen, written(directory / f"{name}.csv", data.names, unseen, others), wrapper)


def written(path: Path, names: Sequence[str], rows: Table, targets: npt.NDArray[Any]) -> Path:
    """Write rows as CSV, with their answers in the columns `target` or target_0, target_1, ..."""
    answers = targets.reshape(len(rows), -1)
    columns = ["target"] if answers.shape[1] == 1 else [f"target_{i}" for i in range(answers.shape[1])]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*names, *columns])
        for row, own in zip(rows, answers, strict=True):
            writer.writerow([*("" if value != value else repr(float(value)) for value in row), *own.tolist()])
    return path


def wine(directory: Path) -> Own:
    """Three classes."""
    found = load_wine()
    return saved(directory, "wine", Data(found.feature_names, found.data, found.target), xgboost.XGBClassifier(**SMALL))


def breast_cancer(directory: Path) -> Own:
    """Two classes, stopped early, and names with blanks."""
    found = load_breast_cancer()
    data = Data([str(name) for name in found.feature_names], found.data, found.target)
    wrapper = xgboost.XGBClassifier(**{**SMALL, "n_estimators": 200}, early_stopping_rounds=5)
    return saved(directory, "breast_cancer", data, wrapper, watch=True)


def diabetes(directory: Path) -> Own:
    """A number."""
    found = load_diabetes()
    data = Data(found.feature_names, found.data, found.target)
    return saved(directory, "diabetes", data, xgboost.XGBRegressor(**SMALL))


def claims() -> Data:
    """Return made-up insurance claims: counts, with missing values."""
    chance = np.random.default_rng(0)
    rows = np.column_stack([chance.uniform(0, 1, 600), chance.integers(18, 90, 600), chance.normal(size=600)])
    counts = chance.poisson(np.exp(rows[:, 0] + rows[:, 1] / 90))
    rows[chance.random(600) < 0.1, 2] = np.nan
    return Data(("exposure", "age", "score"), rows, counts)


def poisson(directory: Path) -> Own:
    """A count."""
    return saved(directory, "poisson", claims(), xgboost.XGBRegressor(objective="count:poisson", **SMALL))


def quantiles(directory: Path) -> Own:
    """Three quantiles."""
    wrapper = xgboost.XGBRegressor(objective="reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9], **SMALL)
    return saved(directory, "quantiles", claims(), wrapper)


def targets(directory: Path) -> Own:
    """Two targets, with trees that have both in each leaf."""
    data = claims()
    both = np.column_stack([data.targets, data.rows[:, 1] / 10 - data.targets])
    wrapper = xgboost.XGBRegressor(multi_strategy="multi_output_tree", tree_method="hist", **SMALL)
    return saved(directory, "targets", data._replace(targets=both), wrapper)


def ranker(directory: Path) -> Own:
    """A score that orders the rows of a query."""
    data = claims()
    relevance = data._replace(targets=np.minimum(data.targets, 4))
    return saved(directory, "ranker", relevance, xgboost.XGBRanker(objective="rank:ndcg", **SMALL), groups=10)


def forty_classes(directory: Path) -> Own:
    """Forty classes: more than an int32 has bits."""
    chance = np.random.default_rng(1)
    classes = np.tile(np.arange(40), 120)
    rows = chance.normal(size=(len(classes), 5)) + classes[:, None] / 4
    wrapper = xgboost.XGBClassifier(**{**SMALL, "n_estimators": 4})
    return saved(directory, "forty", Data(tuple("abcde"), rows, classes), wrapper)


def wide(directory: Path) -> Own:
    """Two thousand inputs: the body of a request has 80 kB."""
    chance = np.random.default_rng(2)
    rows = chance.normal(size=(300, 2000))
    names = [f"expression_of_gene_{i}" for i in range(2000)]
    return saved(directory, "wide", Data(names, rows, (rows[:, 0] > 0).astype(int)), xgboost.XGBClassifier(**SMALL))


ALL: dict[str, Callable[[Path], Own]] = {
    trained.__name__: trained
    for trained in (wine, breast_cancer, diabetes, poisson, quantiles, targets, ranker, forty_classes, wide)
}
