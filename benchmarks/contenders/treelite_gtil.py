"""Treelite's General Tree Inference Library: an interpreter of trees, written in C++."""

import treelite

from benchmarks.contenders.entry import Entry, by_probabilities
from benchmarks.contenders.models import Model

NAME = "treelite.gtil.predict"


def prepare(model: Model, rows: int | None) -> Entry:
    """Prepare calls with one thread; the answer is (rows, 1, outputs)."""
    trees = treelite.frontend.from_xgboost(model.booster)
    return by_probabilities(model, rows, lambda features: treelite.gtil.predict(trees, features, nthread=1))
