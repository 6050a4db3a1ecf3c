"""XGBoost without a DMatrix: the fastest of its own interfaces, and the oracle of the others."""

from benchmarks.contenders.entry import Entry, by_probabilities
from benchmarks.contenders.models import Model

NAME = "Booster.inplace_predict"


def prepare(model: Model, _rows: int) -> Entry:
    """Prepare calls that take the array unchanged."""
    ask = model.booster.inplace_predict
    return by_probabilities(model, lambda features: ask(features, validate_features=False))
