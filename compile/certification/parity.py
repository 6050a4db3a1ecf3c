"""The law of the project: a library answers as XGBoost does. It is checked on every library before it is packed.

Margins must be equal bit for bit, labels must be equal, and probabilities may differ by one float32 step (ulp).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from binding.library import FeaturePrediction, Library, RowPrediction
from compile.certification.judgements import check_judgements
from compile.certification.oracle import Answers, BoosterOracle, WrapperOracle
from compile.certification.probes import (
    Rows,
    derive_rows,
    feature_probes,
    present_rows,
    random_measurements,
    special_measurements,
)
from compile.reading.booster import CompilableModel
from contract.manifest import CONTRACT, Golden
from contract.measurements import MEASUREMENTS
from contract.refusal import Refusal

EntryPoint = Callable[[tuple[float, ...]], RowPrediction | FeaturePrediction]

WORST_PROBABILITY_ULP = 1
WRAPPER_ROWS = 20_000  # rows of each kind


class Parity(NamedTuple):
    """The result of the check. `rows` counts rows by kind. `worst` is in float32 steps.

    `judged` is on how many rows distances and sets were compared, and `wrapped` on how many XGBoost's wrapper.
    """

    rows: dict[str, int]
    worst: int
    judged: int
    wrapped: int


def certify(library: Library, model: CompilableModel, training_rows: Rows | None) -> Parity:
    """Compare the library with XGBoost on every kind of row, through every function, on every instruction set.

    Raises Refusal at the first row that differs.
    """
    if (library.measurements, library.features) != (len(model.interface.measurements), len(model.interface.features)):
        raise Refusal("the library was made for other features than the model; compile the model again")
    kinds: dict[str, Iterable[Rows]] = {
        "thresholds": feature_probes(model),
        "random": random_measurements(model),
        "special values": special_measurements(model),
        **({} if training_rows is None else {"training": [training_rows]}),
    }
    comparison = _Comparison(library, model)
    for kind, blocks in kinds.items():
        for block in blocks:
            comparison.ask(kind, block)
    return comparison.parity()


class _Comparison:
    """Compares one library with both oracles, and counts the rows."""

    def __init__(self, library: Library, model: CompilableModel) -> None:
        self._library = library
        self._model = model
        self._booster = BoosterOracle(model)
        self._wrapper = WrapperOracle(model)
        self._rows: dict[str, int] = {}
        self._worst = self._judged = self._wrapped = 0

    def parity(self) -> Parity:
        """Return the result so far."""
        return Parity(self._rows, self._worst, self._judged, self._wrapped)

    def ask(self, kind: str, block: Rows) -> None:
        """Compare the answers to a block: features if the kind is thresholds, and else measurements."""
        model, derived = self._model, kind == "thresholds"
        features = block if derived else derive_rows(model.interface, block, model.missing)
        expected = self._booster.answer(features)
        self._ask_wrapper(kind, block if model.interface != CONTRACT else features, expected)
        for found in _all_answers(self._library, block, derived):
            self._worst = max(self._worst, compare(expected, found, block))
        if not derived:
            present = present_rows(block, model.missing)
            self._judged += check_judgements(self._library, model.uncertainty, block, present)
        self._rows[kind] = self._rows.get(kind, 0) + len(block)

    def _ask_wrapper(self, kind: str, rows: Rows, expected: Answers) -> None:
        """Compare the wrapper's answers to the first WRAPPER_ROWS of a kind. It gets rows as a user's."""
        count = min(len(rows), max(0, WRAPPER_ROWS - self._rows.get(kind, 0)))
        if count:
            missing = None if kind == "thresholds" else self._model.missing
            found = self._wrapper.answer(rows[:count], missing, expected.first(count))
            compare(found, expected.first(count), rows[:count], "Booster.predict", self._wrapper.name)
            self._wrapped += count


def _all_answers(library: Library, rows: Rows, derived: bool) -> Iterator[Answers]:
    """Yield answers to one row at a time, then to one batch on each instruction set of this processor."""
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


def golden(model: CompilableModel) -> Golden:
    """Return a row and XGBoost's answer: the contract's example, or the middle of each feature's thresholds."""
    row = _example(model)
    answers = BoosterOracle(model).answer(derive_rows(model.interface, row))
    return Golden(tuple(row[0].tolist()), tuple(answers.margins[0].tolist()), int(answers.labels[0]))


def _example(model: CompilableModel) -> Rows:
    if model.interface == CONTRACT:
        return np.array([[measurement.example for measurement in MEASUREMENTS]], dtype=np.float32)
    thresholds = [model.thresholds.get(i) for i in range(len(model.interface.features))]
    return np.array([[0.0 if t is None else t[len(t) // 2] for t in thresholds]], dtype=np.float32)


def _ask(entry: EntryPoint, library: Library, rows: Rows) -> Answers:
    margins = np.empty((len(rows), library.outputs), dtype=np.float32)
    probabilities = np.empty_like(margins)
    labels = np.empty(len(rows), dtype=np.int32)
    for i, row in enumerate(rows.tolist()):
        labels[i], shares = entry(tuple(row))[:2]
        probabilities[i] = list(shares.values())
        margins[i] = library.margins
    return Answers(margins, probabilities, labels)


def compare(
    expected: Answers, found: Answers, rows: Rows, judged: str = "the compiled model", judge: str = "XGBoost"
) -> int:
    """Return the largest difference of two probabilities in float32 steps. Raises Refusal at the first wrong row."""
    distance = ulp_distance(expected.probabilities, found.probabilities).max(axis=1)
    wrong = (
        (expected.margins.view(np.uint32) != found.margins.view(np.uint32)).any(axis=1)
        | (expected.labels != found.labels)
        | (distance > WORST_PROBABILITY_ULP)
    )
    if wrong.any():
        i = int(wrong.argmax())
        raise Refusal(
            f"{judged} differs from {judge} on {int(wrong.sum())} of {len(rows)} rows, first on "
            f"{_row(rows[i])}: expected margins {expected.margins[i].tolist()}, found {found.margins[i].tolist()}; "
            "try another compiler (CC=clang or CC=gcc) and report the model"
        )
    return int(distance.max())


def ulp_distance(a: Rows, b: Rows) -> npt.NDArray[np.int64]:
    """Return how many float32 steps are between each two values. -0 equals +0, and NaN equals NaN."""
    ordered = []
    for values in (a, b):
        bits = values.view(np.int32).astype(np.int64)
        ordered.append(np.where(bits < 0, -(bits & 0x7FFFFFFF), bits))
    return np.where(np.isnan(a) & np.isnan(b), 0, np.abs(ordered[0] - ordered[1]))


def _row(values: npt.NDArray[np.float32]) -> str:
    """Return a row for a message, shortened if it has many values."""
    shown = ", ".join(map(str, values[:20].tolist()))
    return f"[{shown}, ... {len(values)} values]" if len(values) > 20 else f"[{shown}]"
