"""XGBoost's scikit-learn interface, by which most services ask a model. `predict` answers labels."""

import numpy as np
import xgboost

from benchmarks.contenders.entry import Answers, Entry, plain_service
from benchmarks.contenders.models import Model

NAME = "XGBClassifier.predict"


def prepare(model: Model, rows: int | None) -> Entry:
    """Prepare labels of rows; in JSON the label from `predict` and the probabilities from `predict_proba`."""
    classifier, features = xgboost.XGBClassifier(n_jobs=1), model.features
    classifier.load_model(model.path)
    if rows is None:
        return plain_service(lambda row: (int(classifier.predict(row)[0]), classifier.predict_proba(row)[0].tolist()))
    return Entry(
        lambda inputs: classifier.predict(features(inputs)),
        lambda inputs: inputs,
        lambda found: Answers(labels=found.astype(np.int32)),
    )
