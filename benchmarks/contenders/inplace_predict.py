"""XGBoost without a DMatrix: the fastest of its own interfaces, and the oracle of the others."""

import xgboost

from benchmarks.bodies import most_probable, plain_service
from benchmarks.entry import Entry
from benchmarks.models import Model

NAME = "Booster.inplace_predict"
VERSION: str = xgboost.__version__


def prepare(model: Model, _rows: int) -> Entry:
    """The array goes in as it is."""
    ask, features = model.booster.inplace_predict, model.features
    return Entry(lambda inputs: ask(features(inputs), validate_features=False))


def serve(model: Model) -> Entry:
    """One JSON body."""
    ask = model.booster.inplace_predict
    return plain_service(most_probable(lambda features: ask(features, validate_features=False)))
