"""XGBoost's own answers, in two ways that use none of our code: the booster, and its scikit-learn wrapper."""

import json
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xgboost

from compile.certification.probes import Rows
from compile.reading.booster import CompilableModel

LARGEST = np.finfo(np.float32).max
Labels = npt.NDArray[np.int32]


class Answers(NamedTuple):
    """Margins are float32 (rows, outputs), values are float32 (rows, values), labels are int32 (rows,)."""

    margins: Rows
    values: Rows
    labels: Labels

    def at(self, rows: npt.NDArray[np.int64]) -> "Answers":
        """Return the answers to some rows, by their numbers."""
        return Answers(self.margins[rows], self.values[rows], self.labels[rows])


class BoosterOracle:
    """Answers rows of features with `Booster.predict` on a DMatrix. This is what "XGBoost's answer" means here.

    A DMatrix accepts an infinity only if infinity means missing. So rows with one are asked in a matrix where +infinity
    would mean missing, with the largest float32 in its place, which is on the same side of every split.
    """

    def __init__(self, model: CompilableModel) -> None:
        self._booster = model.booster
        self._valued = model.booster
        self._objective = model.trees.objective
        self._kind = model.contract.output.kind
        self._outputs = len(model.trees.base_margins)
        self._types = model.booster.feature_types
        if self._objective == "multi:softmax":  # whose booster answers labels
            self._valued = model.booster.copy()
            self._valued.set_param({"objective": "multi:softprob"})

    def answer(self, features: Rows) -> Answers:
        """Return the answers to features (rows, features). NaN is missing."""
        margins = np.empty((len(features), self._outputs), dtype=np.float32)
        values = np.empty_like(margins)
        infinite = np.isinf(features).any(axis=1)
        for chosen, missing in ((~infinite, np.nan), (infinite, np.inf)):
            if chosen.any():
                rows = np.where(features[chosen] == np.inf, LARGEST, features[chosen])
                matrix = xgboost.DMatrix(
                    rows, missing=missing, nthread=1, feature_types=self._types, enable_categorical=True
                )
                margins[chosen] = self._predict(self._booster, matrix, True)
                values[chosen] = self._predict(self._valued, matrix, False)
        if self._kind == "classes" and self._outputs == 1 and not self._objective.startswith("multi:"):
            values = both_classes(values)
        return Answers(margins, values, self._labels(margins, values))

    def _predict(self, booster: xgboost.Booster, matrix: xgboost.DMatrix, output_margin: bool) -> Rows:
        found: Rows = booster.predict(matrix, output_margin=output_margin, validate_features=False)
        return found.reshape(-1, self._outputs)

    def _labels(self, margins: Rows, values: Rows) -> Labels:
        """Return labels as XGBClassifier.predict chooses them, and Booster.predict for multi:softmax. 0 for numbers."""
        if self._kind not in ("classes", "label"):
            return np.zeros(len(margins), dtype=np.int32)
        if not self._objective.startswith("multi:"):
            return (values[:, -1] > 0.5).astype(np.int32)
        ranked = margins if self._objective == "multi:softmax" else values
        labels: Labels = ranked.argmax(axis=1).astype(np.int32)
        return labels


def both_classes(shares: Rows) -> Rows:
    """Return the probabilities of both classes from that of the second, as XGBClassifier.predict_proba does."""
    return np.column_stack([1.0 - shares[:, 0], shares[:, 0]])


class WrapperOracle:
    """Answers with a fresh XGBClassifier, XGBRegressor or XGBRanker that loaded the model's file unchanged.

    It asks through `Booster.inplace_predict`. Until 3.2 this differs for DART from `Booster.predict`, which is what
    "XGBoost's answer" means here. So for DART the wrapper is made to ask through a DMatrix then.
    """

    def __init__(self, model: CompilableModel) -> None:
        self._objective = model.trees.objective
        self._kind = model.contract.output.kind
        self._wrapper = _wrapper_class(model)(n_jobs=1)
        with xgboost.config_context(verbosity=0):  # it warns of files from before 1.6; a notice says so already
            self._wrapper.load_model(bytearray(model.data))
        self._rounds = (0, model.trees.rounds) if model.pass_rounds else None
        self._by_matrix = self._wrapper.booster == "dart"
        if self._by_matrix:
            self._wrapper._can_use_inplace_predict = lambda: False

    def accepts(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Return which rows it can be asked: a DMatrix accepts no infinity."""
        accepted = np.ones(len(rows), dtype=np.bool_)
        if self._by_matrix:
            accepted[np.isinf(rows).any(axis=1)] = False
        return accepted

    @property
    def name(self) -> str:
        """Return the name of the wrapper's class."""
        return type(self._wrapper).__name__

    def answer(self, rows: Rows, missing: float | None, known: Answers) -> Answers:
        """Return the wrapper's answers, and `known` where it has none. NaN is missing, and `missing` too."""
        self._wrapper.missing = np.nan if missing is None else missing
        margins = self._predict(rows, output_margin=True)
        answers = known._replace(margins=margins.reshape(known.margins.shape))
        one_class = self._objective == "multi:softprob" and known.margins.shape[1] == 1
        if self._objective == "multi:softmax" or one_class:
            return answers  # the wrapper treats its labels, or a single class, as the probability of a second class
        if self._kind != "classes" or not isinstance(self._wrapper, xgboost.XGBClassifier):
            return self._with_values(answers, self._predict(rows), rows)
        answers = answers._replace(
            values=self._wrapper.predict_proba(rows, validate_features=False, iteration_range=self._rounds)
        )
        labels = self._wrapper.predict(rows, validate_features=False, iteration_range=self._rounds)
        if labels.ndim > 1:
            return answers  # the wrapper treats two outputs of multi:softprob as two labels
        return answers._replace(labels=labels.astype(np.int32))

    def _predict(self, rows: Rows, output_margin: bool = False) -> Rows:
        """Return what a regressor predicts, also for a classifier, whose own `predict` gives labels."""
        predict = xgboost.XGBModel.predict
        found: Rows = predict(
            self._wrapper,
            rows,
            output_margin=output_margin,
            validate_features=False,  # rows have no names
            iteration_range=self._rounds,
        )
        return found.reshape(len(rows), -1)

    def _with_values(self, answers: Answers, found: Rows, rows: Rows) -> Answers:
        """Return the answers with values, and with a classifier's labels if the model has nothing else."""
        if self._kind == "classes" and found.shape != answers.values.shape:
            found = both_classes(found)
        answers = answers._replace(values=found)
        if self._kind == "label" and isinstance(self._wrapper, xgboost.XGBClassifier):
            labels = self._wrapper.predict(rows, validate_features=False, iteration_range=self._rounds)
            return answers._replace(labels=labels.astype(np.int32))
        return answers


_OF_OBJECTIVES = {"binary": "classifier", "multi": "classifier", "rank": "ranker"}


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
    return wrappers.get(kind) or wrappers[_OF_OBJECTIVES.get(model.trees.objective.split(":")[0], "regressor")]
