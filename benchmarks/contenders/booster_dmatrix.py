"""XGBoost's first interface: rows into a DMatrix, then Booster.predict."""

import xgboost

from benchmarks.bodies import most_probable, plain_service
from benchmarks.entry import Entry
from benchmarks.models import Model, Rows

NAME = "Booster.predict(DMatrix)"
VERSION: str = xgboost.__version__


def prepare(model: Model, _rows: int) -> Entry:
    """A new DMatrix for every call."""
    features = model.features
    return Entry(lambda inputs: _ask(model.booster, features(inputs)))


def serve(model: Model) -> Entry:
    """One JSON body."""
    return plain_service(most_probable(lambda features: _ask(model.booster, features)))


def _ask(booster: xgboost.Booster, features: Rows) -> Rows:
    matrix = xgboost.DMatrix(features, nthread=1)
    found: Rows = booster.predict(matrix, validate_features=False)
    return found
