"""XGBoost's scikit-learn face: the way most services ask a model. Answers labels, as `predict` does."""

import numpy as np
import numpy.typing as npt
import xgboost

from benchmarks.bodies import plain_service
from benchmarks.entry import Answers, Entry
from benchmarks.models import Model, Rows

NAME = "XGBClassifier.predict"
VERSION: str = xgboost.__version__


def prepare(model: Model, _rows: int) -> Entry:
    """The labels of rows."""
    classifier, features = _classifier(model), model.features
    return Entry(lambda inputs: classifier.predict(features(inputs)), read=_labels)


def serve(model: Model) -> Entry:
    """The label from `predict`, the probabilities from `predict_proba`."""
    classifier = _classifier(model)

    def predict(features: Rows) -> tuple[int, list[float]]:
        return int(classifier.predict(features)[0]), classifier.predict_proba(features)[0].tolist()

    return plain_service(predict)


def _labels(found: npt.NDArray[np.int64]) -> Answers:
    return Answers(labels=found.astype(np.int32))


def _classifier(model: Model) -> xgboost.XGBClassifier:
    classifier = xgboost.XGBClassifier(n_jobs=1)
    classifier.load_model(model.path)
    return classifier
