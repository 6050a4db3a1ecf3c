"""oneDAL, by daal4py of scikit-learn-intelex, with the model that it converts."""

import daal4py
import daal4py.mb

from benchmarks.contenders.entry import Entry, by_probabilities
from benchmarks.contenders.models import Model, Rows

NAME = "oneDAL"


def prepare(model: Model, _rows: int) -> Entry:
    """Prepare calls on one thread. Of two classes it answers both probabilities."""
    daal4py.daalinit(1)
    converted = daal4py.mb.convert_model(model.booster)
    first = int(model.library.outputs == 1)

    def ask(features: Rows) -> Rows:
        found: Rows = converted.predict_proba(features)
        return found[:, first:]

    return by_probabilities(model, ask)
