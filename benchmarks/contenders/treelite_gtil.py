"""Treelite's General Tree Inference Library: an interpreter of trees, written in C++."""

import treelite

from benchmarks.bodies import most_probable, plain_service
from benchmarks.entry import Entry
from benchmarks.models import Model

NAME = "treelite.gtil.predict"
VERSION: str = treelite.__version__


def prepare(model: Model, _rows: int) -> Entry:
    """One thread; its answer is (rows, 1, outputs)."""
    trees, features = treelite.frontend.from_xgboost(model.booster), model.features
    return Entry(lambda inputs: treelite.gtil.predict(trees, features(inputs), nthread=1))


def serve(model: Model) -> Entry:
    """One JSON body."""
    trees = treelite.frontend.from_xgboost(model.booster)
    return plain_service(most_probable(lambda features: treelite.gtil.predict(trees, features, nthread=1)))
