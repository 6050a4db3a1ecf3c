"""Models with categories: grown, and with categories stored as XGBoost 3.1 and newer store them."""

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xgboost

from compile.certification.probes import Rows
from tests.compile.models import edited


class Grown(NamedTuple):
    """How a model with categories grows: how many categories each column has, 0 for numbers."""

    counts: tuple[int, ...] = (6, 0, 3)
    parameters: dict[str, Any] = {}  # noqa: RUF012  # never changed
    rounds: int = 4
    missing: float = 0.2
    seed: int = 0
    targets: int = 1

    @property
    def kinds(self) -> list[str]:
        return ["c" if count else "q" for count in self.counts]

    def rows(self, count: int, seed: int) -> Rows:
        """Draw rows of codes and numbers, some of them missing."""
        random = np.random.default_rng(seed)
        columns = [random.integers(0, most, count) if most else random.normal(size=count) for most in self.counts]
        rows = np.column_stack(columns).astype(np.float32)
        rows[random.random(rows.shape) < self.missing] = np.nan
        return rows

    def matrix(self, rows: Rows, label: Any = None) -> xgboost.DMatrix:
        return xgboost.DMatrix(rows, label, feature_types=self.kinds, enable_categorical=True)

    def booster(self) -> xgboost.Booster:
        random = np.random.default_rng(self.seed)
        rows = self.rows(600, self.seed)
        effects = [random.normal(size=max(count, 1)) * 2 for count in self.counts]
        signal = sum(
            np.where(
                np.isnan(column), 0.7, effect[np.nan_to_num(column).astype(int)] if most else np.nan_to_num(column)
            )
            for column, effect, most in zip(rows.T, effects, self.counts, strict=True)
        )
        signal = np.asarray(signal) + random.normal(size=len(rows)) / 3
        parameters = {"objective": "binary:logistic", "max_depth": 4, "min_child_weight": 0, **self.parameters}
        if "num_class" in parameters:
            classes = parameters["num_class"]
            label = np.digitize(signal, np.quantile(signal, np.arange(1, classes) / classes))
        elif self.targets > 1:
            label = np.column_stack([signal * (number + 1) + rows[:, -1] for number in range(self.targets)])
            label = np.nan_to_num(label)
        else:
            label = signal > np.median(signal) if "logistic" in parameters["objective"] else signal
        with warnings.catch_warnings(), xgboost.config_context(verbosity=0):
            warnings.simplefilter("ignore")  # of boosters that a newer XGBoost will remove
            return xgboost.train(parameters, self.matrix(rows, label), self.rounds)

    def saved(self, path: Path) -> Path:
        self.booster().save_model(path)
        return path


def stored(categories: Sequence[str | int]) -> dict[str, Any]:
    """Return categories as XGBoost stores them in JSON."""
    if isinstance(next(iter(categories), ""), int):
        return {"type": 15, "values": list(categories)}
    texts = [str(each).encode() for each in categories]
    offsets = np.cumsum([0, *map(len, texts)]).tolist() if texts else []
    return {"offsets": offsets, "values": np.frombuffer(b"".join(texts), np.int8).tolist()}


def with_categories(path: Path, lists: Sequence[Sequence[str | int]]) -> Path:
    """Store a list of categories for each feature in a model that is saved as JSON."""

    def edit(document: dict[str, Any]) -> None:
        document["learner"]["gradient_booster"]["model"]["cats"] = {
            "enc": [stored(each) for each in lists],
            "feature_segments": np.cumsum([0, *map(len, lists)]).tolist(),
            "sorted_idx": [number for each in lists for number in np.argsort(np.array(each)).tolist()],
        }

    return edited(path, edit)


def sets_in(path: Path) -> list[list[int]]:
    """Return all sets of codes in a model that is saved as JSON."""
    trees = json.loads(path.read_bytes())["learner"]["gradient_booster"]["model"]["trees"]
    return [
        tree["categories"][start : start + size]
        for tree in trees
        for start, size in zip(tree["categories_segments"], tree["categories_sizes"], strict=True)
    ]
