"""lignum's interpreter, which compares the numbers of bins."""

import lignum

from benchmarks.contenders.entry import Entry, by_probabilities
from benchmarks.contenders.models import Model

NAME = "lignum, interpreter"


def prepare(model: Model, _rows: int) -> Entry:
    """Prepare calls on one thread, with features in float64, which lignum takes without a copy."""
    return ask_lignum(model, lignum.load(str(model.path)))


def ask_lignum(model: Model, loaded: "lignum.Model") -> Entry:
    """Return the entry of a model that lignum has loaded."""
    predict = loaded.predict
    entry = by_probabilities(model, lambda features: predict(features, n_jobs=1))
    if model.name == "penguin":  # its features are derived within the call
        return entry
    return entry._replace(call=lambda rows: predict(rows, n_jobs=1), take=lambda rows: rows.astype("float64"))
