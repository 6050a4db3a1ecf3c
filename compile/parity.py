"""The law of the project, checked on every library before it is packed: it answers as XGBoost does.

Margins must be equal bit for bit, labels equal, probabilities within one float32 step (ulp).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import xgboost

from app.library import Library, Prediction
from compile.booster import Model
from contract.features import derive
from contract.manifest import CONTRACT, Golden, Interface, Parity
from contract.measurements import MEASUREMENTS
from contract.refusal import Refusal

Rows = npt.NDArray[np.float32]  # rows x columns
Entry = Callable[[Sequence[float]], Prediction]

RANDOM_ROWS = 100_000
CONTEXTS = 4  # random rows around each probed value
WORST_PROBABILITY_ULP = 1
TINY = np.float32(1e-45)  # the smallest denormal
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, TINY, -TINY, np.finfo(np.float32).max], dtype=np.float32)


class Answers(NamedTuple):
    """Margins and probabilities, rows x outputs; labels, one a row."""

    margins: Rows
    probabilities: Rows
    labels: npt.NDArray[np.int32]


def check_parity(library: Library, model: Model, training_rows: Rows | None) -> Parity:
    """Compare the library with XGBoost through both entries. Raises Refusal at the first row that differs."""
    if (library.measurements, library.features) != (len(model.interface.measurements), len(model.interface.features)):
        raise Refusal("the library was made for other features than the model; compile the model again")
    oracle = Oracle(model)
    features = feature_probes(model)
    worst = compare(oracle.answer(features), _ask(library.predict_features, library, features), features)
    measurements = measurement_probes(model, training_rows)
    expected = oracle.answer(derive_rows(model.interface, measurements))
    worst = max(worst, compare(expected, _ask(library.predict, library, measurements), measurements))
    return Parity(rows=len(features) + len(measurements), worst_probability_ulp=worst)


def golden(model: Model) -> Golden:
    """The contract's example, or the middle of each feature's thresholds, as XGBoost answers it."""
    row = _example(model)
    answers = Oracle(model).answer(derive_rows(model.interface, row))
    return Golden(tuple(row[0].tolist()), tuple(answers.margins[0].tolist()), int(answers.labels[0]))


def _example(model: Model) -> Rows:
    if model.interface == CONTRACT:
        return np.array([[measurement.example for measurement in MEASUREMENTS]], dtype=np.float32)
    thresholds = [model.thresholds.get(i) for i in range(len(model.interface.features))]
    return np.array([[0.0 if t is None else t[len(t) // 2] for t in thresholds]], dtype=np.float32)


class Oracle:
    """XGBoost's own answers to rows of features, any float32 value included."""

    def __init__(self, model: Model) -> None:
        self._booster = model.booster
        self._probabilities = _softprob(model) if model.trees.objective == "multi:softmax" else model.booster
        self._objective = model.trees.objective
        self._outputs = len(model.trees.base_margins)

    def answer(self, features: Rows) -> Answers:
        """Margins, probabilities and labels of rows of features."""
        margins = self._ask(self._booster, features, "margin")
        probabilities = self._ask(self._probabilities, features, "value")
        return Answers(margins, probabilities, self._labels(margins, probabilities))

    def _ask(self, booster: xgboost.Booster, features: Rows, predict_type: str) -> Rows:
        answer = booster.inplace_predict(features, predict_type=predict_type, validate_features=False)
        return np.asarray(answer, dtype=np.float32).reshape(len(features), self._outputs)

    def _labels(self, margins: Rows, probabilities: Rows) -> npt.NDArray[np.int32]:
        """As XGBClassifier.predict and, for multi:softmax, Booster.predict choose them."""
        if self._objective == "reg:squarederror":
            return np.zeros(len(margins), dtype=np.int32)
        if self._objective == "binary:logistic":
            return (probabilities[:, 0] > 0.5).astype(np.int32)
        ranked = margins if self._objective == "multi:softmax" else probabilities
        labels: npt.NDArray[np.int32] = ranked.argmax(axis=1).astype(np.int32)
        return labels


def _softprob(model: Model) -> xgboost.Booster:
    """The same trees, answering probabilities instead of labels."""
    learner = model.document["learner"]
    objective = {**learner["objective"], "name": "multi:softprob"}
    booster = xgboost.Booster({"nthread": 1})
    document = {**model.document, "learner": {**learner, "objective": objective}}
    booster.load_model(bytearray(msgspec.json.encode(document)))
    return booster


def derive_rows(interface: Interface, measurements: Rows) -> Rows:
    """The features of rows of measurements, in float32 arithmetic."""
    if interface != CONTRACT:
        return measurements
    with np.errstate(all="ignore"):
        return np.column_stack(derive(dict(zip(interface.measurements, measurements.T, strict=True))))


def feature_probes(model: Model) -> Rows:
    """Rows of features: every threshold with both float32 neighbours and every special value, in random contexts."""
    random = np.random.default_rng(0)
    blocks = []
    for feature in range(len(model.interface.features)):
        thresholds = model.thresholds.get(feature, np.zeros(0, dtype=np.float32))
        up, down = np.nextafter(thresholds, np.float32(np.inf)), np.nextafter(thresholds, np.float32(-np.inf))
        values = np.repeat(np.concatenate([thresholds, up, down, SPECIAL]), CONTEXTS)
        block = _random_features(model, len(values), random)
        block[:, feature] = values
        blocks.append(block)
    return np.concatenate(blocks)


def _random_features(model: Model, count: int, random: np.random.Generator) -> Rows:
    """Uniform rows over a little more than each feature's range of thresholds, one value in twenty missing."""
    rows = np.empty((count, len(model.interface.features)), dtype=np.float32)
    for feature in range(rows.shape[1]):
        thresholds = model.thresholds.get(feature, np.zeros(1, dtype=np.float32)).astype(np.float64)
        margin = max(np.ptp(thresholds) * 0.1, 1.0)
        rows[:, feature] = random.uniform(thresholds.min() - margin, thresholds.max() + margin, count)
    rows[random.random(rows.shape) < 0.05] = np.nan
    return rows


def measurement_probes(model: Model, training_rows: Rows | None) -> Rows:
    """Rows of measurements: the training rows, special values at every place, and random rows."""
    random = np.random.default_rng(1)
    if model.interface != CONTRACT:
        uniform = _random_features(model, RANDOM_ROWS, random)
    else:
        low = [measurement.minimum for measurement in MEASUREMENTS]
        high = [measurement.maximum for measurement in MEASUREMENTS]
        uniform = random.uniform(low, high, (RANDOM_ROWS, len(MEASUREMENTS))).astype(np.float32)
    count = uniform.shape[1]
    special = np.repeat(uniform[:CONTEXTS], count * len(SPECIAL), axis=0)
    special[np.arange(len(special)), np.arange(len(special)) % count] = np.resize(
        np.repeat(SPECIAL, count), len(special)
    )
    return np.concatenate([uniform, special, *([] if training_rows is None else [training_rows])])


def _ask(entry: Entry, library: Library, rows: Rows) -> Answers:
    margins = np.empty((len(rows), library.outputs), dtype=np.float32)
    probabilities = np.empty_like(margins)
    labels = np.empty(len(rows), dtype=np.int32)
    for i, row in enumerate(rows.tolist()):
        labels[i], probabilities[i] = entry(row)
        margins[i] = library.margins
    return Answers(margins, probabilities, labels)


def compare(expected: Answers, found: Answers, rows: Rows) -> int:
    """The worst distance of two probabilities in float32 steps. Raises Refusal, naming the first row that differs."""
    distance = ulp_distance(expected.probabilities, found.probabilities).max(axis=1)
    wrong = (
        (expected.margins.view(np.uint32) != found.margins.view(np.uint32)).any(axis=1)
        | (expected.labels != found.labels)
        | (distance > WORST_PROBABILITY_ULP)
    )
    if wrong.any():
        i = int(wrong.argmax())
        raise Refusal(
            f"the compiled model differs from XGBoost on {int(wrong.sum())} of {len(rows)} rows, first on "
            f"{rows[i].tolist()}: expected margins {expected.margins[i].tolist()}, found {found.margins[i].tolist()}; "
            "try another compiler (CC=clang or CC=gcc) and report the model"
        )
    return int(distance.max())


def ulp_distance(a: Rows, b: Rows) -> npt.NDArray[np.int64]:
    """How many float32 values lie between each two; -0 and +0 are equal, two NaN are equal."""
    ordered = []
    for values in (a, b):
        bits = values.view(np.int32).astype(np.int64)
        ordered.append(np.where(bits < 0, -(bits & 0x7FFFFFFF), bits))
    return np.where(np.isnan(a) & np.isnan(b), 0, np.abs(ordered[0] - ordered[1]))
