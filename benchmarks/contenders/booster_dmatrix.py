"""XGBoost's first interface: rows into a DMatrix, then Booster.predict."""

import xgboost

from benchmarks.contenders.entry import Entry, by_probabilities
from benchmarks.contenders.models import Model, Rows

NAME = "Booster.predict(DMatrix)"


def prepare(model: Model, _rows: int) -> Entry:
    """Prepare calls that each make a new DMatrix."""

    def ask(features: Rows) -> Rows:
        found: Rows = model.booster.predict(xgboost.DMatrix(features, nthread=1), validate_features=False)
        return found

    return by_probabilities(model, ask)
