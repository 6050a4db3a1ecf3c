"""XGBoost's own answers, in two ways that use none of our code: the booster, and its scikit-learn wrapper."""

import json
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xgboost

from compile.certification.probes import Rows
from compile.reading.booster import CompilableModel

Labels = npt.NDArray[np.int32]


class Answers(NamedTuple):
    """Margins and probabilities are float32 (rows, outputs), labels are int32 (rows,)."""

    margins: Rows
    probabilities: Rows
    labels: Labels

    def first(self, rows: int) -> "Answers":
        """Return the answers to the first rows."""
        return Answers(self.margins[:rows], self.probabilities[:rows], self.labels[:rows])


class BoosterOracle:
    """Answers rows of features with `Booster.predict` on a DMatrix. This is what "XGBoost's answer" means here.

    A DMatrix accepts no infinity, so rows with one are answered by `Booster.inplace_predict`.
    """

    def __init__(self, model: CompilableModel) -> None:
        self._booster = model.booster
        self._probabilities = model.booster
        self._objective = model.trees.objective
        self._outputs = len(model.trees.base_margins)
        if self._objective == "multi:softmax":  # whose booster answers labels
            self._probabilities = model.booster.copy()
            self._probabilities.set_param({"objective": "multi:softprob"})

    def answer(self, features: Rows) -> Answers:
        """Return the answers to features (rows, features). NaN is missing."""
        infinite = np.isinf(features).any(axis=1)
        matrix = xgboost.DMatrix(features[~infinite], nthread=1)
        margins = np.empty((len(features), self._outputs), dtype=np.float32)
        probabilities = np.empty_like(margins)
        for booster, kind, answers in (
            (self._booster, "margin", margins),
            (self._probabilities, "value", probabilities),
        ):
            if matrix.num_row():
                found = booster.predict(matrix, output_margin=kind == "margin", validate_features=False)
                answers[~infinite] = found.reshape(-1, self._outputs)
            if infinite.any():
                found = booster.inplace_predict(features[infinite], predict_type=kind, validate_features=False)
                answers[infinite] = np.asarray(found).reshape(-1, self._outputs)
        return Answers(margins, probabilities, self._labels(margins, probabilities))

    def _labels(self, margins: Rows, probabilities: Rows) -> Labels:
        """Return labels as XGBClassifier.predict chooses them, and Booster.predict for multi:softmax."""
        if self._objective == "reg:squarederror":
            return np.zeros(len(margins), dtype=np.int32)
        if self._objective == "binary:logistic":
            return (probabilities[:, 0] > 0.5).astype(np.int32)
        ranked = margins if self._objective == "multi:softmax" else probabilities
        labels: Labels = ranked.argmax(axis=1).astype(np.int32)
        return labels


class WrapperOracle:
    """Answers with a fresh XGBClassifier or XGBRegressor that loaded the model's file unchanged."""

    def __init__(self, model: CompilableModel) -> None:
        self._objective = model.trees.objective
        self._wrapper = _wrapper_class(model)(n_jobs=1)
        with xgboost.config_context(verbosity=0):  # it warns of files from before 1.6; a notice says so already
            self._wrapper.load_model(bytearray(model.data))
        self._rounds = (0, model.trees.rounds) if model.pass_rounds else None

    @property
    def name(self) -> str:
        """Return the name of the wrapper's class."""
        return type(self._wrapper).__name__

    def answer(self, rows: Rows, missing: float | None, known: Answers) -> Answers:
        """Return the wrapper's answers, and `known` where it has none. NaN is missing, and `missing` too."""
        self._wrapper.missing = np.nan if missing is None else missing
        margins = self._wrapper.predict(rows, output_margin=True, iteration_range=self._rounds)
        answers = known._replace(margins=margins.reshape(known.margins.shape))
        one_class = self._objective == "multi:softprob" and known.margins.shape[1] == 1
        if self._objective == "multi:softmax" or one_class:
            return answers  # the wrapper treats its labels, or a single class, as the probability of a second class
        values = self._wrapper.predict(rows, iteration_range=self._rounds)
        if not isinstance(self._wrapper, xgboost.XGBClassifier):
            return answers._replace(probabilities=values.reshape(known.probabilities.shape))
        shares = self._wrapper.predict_proba(rows, iteration_range=self._rounds)
        probabilities = shares[:, 1:] if self._objective == "binary:logistic" else shares
        answers = answers._replace(probabilities=probabilities)
        if values.ndim > 1:
            return answers  # the wrapper treats two outputs of multi:softprob as two labels
        return answers._replace(labels=values.astype(np.int32))


def _wrapper_class(model: CompilableModel) -> Any:
    """Return the class that wrote the file, or else the class that fits the objective."""
    wrappers = {
        "classifier": xgboost.XGBClassifier,
        "regressor": xgboost.XGBRegressor,
        "ranker": xgboost.XGBRanker,
    }
    written = model.document["learner"]["attributes"].get("scikit_learn", "{}")
    try:
        kind = json.loads(written).get("_estimator_type")
    except (ValueError, AttributeError):
        kind = None
    return wrappers.get(kind) or wrappers["regressor" if model.trees.objective.startswith("reg:") else "classifier"]
