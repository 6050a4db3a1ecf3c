"""XGBoost's scikit-learn interface, by which most services ask a model. `predict` answers labels."""

import numpy as np
import xgboost

from benchmarks.contenders.entry import Answers, Entry
from benchmarks.contenders.models import Model

NAME = "XGBClassifier.predict"


def prepare(model: Model, _rows: int) -> Entry:
    """Prepare labels of rows."""
    classifier, features = xgboost.XGBClassifier(n_jobs=1), model.features
    classifier.load_model(model.path)
    return Entry(
        lambda inputs: classifier.predict(features(inputs)),
        lambda inputs: inputs,
        lambda found: Answers(labels=found.astype(np.int32)),
    )
