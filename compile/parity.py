"""The law of the project, checked on every library before it is packed: it answers as XGBoost does.

Margins must be equal bit for bit, labels equal, probabilities within one float32 step (ulp).
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import xgboost

from app.library import Library, Prediction, Shares
from compile.booster import Model
from compile.judgements import check_judgements
from compile.probes import Rows, feature_probes, random_measurements, special_measurements
from contract.features import derive
from contract.manifest import CONTRACT, Golden, Interface
from contract.measurements import MEASUREMENTS
from contract.refusal import Refusal

Entry = Callable[[tuple[float, ...]], Prediction | Shares]

WORST_PROBABILITY_ULP = 1


class Answers(NamedTuple):
    """Margins and probabilities, rows x outputs; labels, one a row."""

    margins: Rows
    probabilities: Rows
    labels: npt.NDArray[np.int32]


class Parity(NamedTuple):
    """How many rows of each kind were asked, the worst distance of two probabilities in float32 steps, and on how many
    rows the judgements were compared too."""

    rows: dict[str, int]
    worst: int
    judged: int


def certify(library: Library, model: Model, training_rows: Rows | None) -> Parity:
    """Compare the library with XGBoost on every kind of row, through every entry, on every instruction set.

    Raises Refusal at the first row that differs.
    """
    if (library.measurements, library.features) != (len(model.interface.measurements), len(model.interface.features)):
        raise Refusal("the library was made for other features than the model; compile the model again")
    oracle = Oracle(model)
    rows = {"thresholds": 0}
    worst = judged = 0
    for features in feature_probes(model):
        expected = oracle.answer(features)
        for found in _all_answers(library, features, derived=True):
            worst = max(worst, compare(expected, found, features))
        rows["thresholds"] += len(features)
    kinds = {"random": random_measurements(model), "special values": special_measurements(model)}
    for kind, measurements in kinds.items() if training_rows is None else {**kinds, "training": training_rows}.items():
        expected = oracle.answer(derive_rows(model.interface, measurements))
        for found in _all_answers(library, measurements, derived=False):
            worst = max(worst, compare(expected, found, measurements))
        judged += check_judgements(library, model.reference, measurements)
        rows[kind] = len(measurements)
    return Parity(rows, worst, judged)


def _all_answers(library: Library, rows: Rows, derived: bool) -> Iterator[Answers]:
    """One row at a time, then in one batch on each instruction set that this processor has."""
    yield _ask(library.predict_features if derived else library.predict, library, rows)
    batch = library.predict_feature_rows if derived else library.predict_rows
    data = rows.tobytes()
    for instruction_set in range(library.instruction_sets):
        answer = batch(data, 0, len(rows), instruction_set)
        shape = (len(rows), library.outputs)
        yield Answers(
            np.frombuffer(answer.margins, dtype=np.float32).reshape(shape),
            np.frombuffer(answer.probabilities, dtype=np.float32).reshape(shape),
            np.frombuffer(answer.labels, dtype=np.int32),
        )


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


def _ask(entry: Entry, library: Library, rows: Rows) -> Answers:
    margins = np.empty((len(rows), library.outputs), dtype=np.float32)
    probabilities = np.empty_like(margins)
    labels = np.empty(len(rows), dtype=np.int32)
    for i, row in enumerate(rows.tolist()):
        labels[i], shares = entry(tuple(row))[:2]
        probabilities[i] = list(shares.values())
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
