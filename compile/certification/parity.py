"""The law of the project: a library answers as XGBoost does. It is checked on every library before it is packed.

Margins must be equal bit for bit, labels must be equal, and values may differ by one float32 step (ulp). Of two
probabilities that add up to 1, XGBoost answers the second; the first must be 1 less it, in float32.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from binding.library import Batch, FeaturePrediction, Library, RowPrediction
from compile.certification.judgements import check_judgements, score_columns
from compile.certification.oracle import Answers, BoosterOracle, WrapperOracle
from compile.certification.probes import (
    Rows,
    derive_rows,
    feature_probes,
    present_rows,
    random_inputs,
    special_inputs,
)
from compile.reading.booster import CompilableModel
from contract.manifest import Golden
from contract.refusal import Refusal
from contract.schema import Input

EntryPoint = Callable[[tuple[float, ...]], RowPrediction | FeaturePrediction]

WORST_VALUE_ULP = 1
WRAPPER_ROWS = 20_000  # rows of each kind
FEW = 7  # rows that are asked at once, besides one and all
PART = 187  # rows that are asked at once, too: a part of a block, and not the last one of many
SAMPLED_ROWS = 10_000  # rows of each kind that are asked singly and in few on instruction sets below the best one


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
    contract = model.contract
    wanted = (len(contract.inputs), len(contract.features), len(model.trees.base_margins), len(contract.output.values))
    if (library.inputs, library.features, library.outputs, library.values) != wanted:
        raise Refusal("the library was made for another contract than the model; compile the model again")
    kinds: dict[str, Iterable[Rows]] = {
        "thresholds": feature_probes(model),
        "random": random_inputs(model),
        "special values": special_inputs(model),
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
        """Compare the answers to a block: features if the kind is thresholds, and else inputs."""
        model, derived = self._model, kind == "thresholds"
        features = block if derived else derive_rows(model.contract, block, model.missing)
        expected = self._booster.answer(features)
        as_given = not (derived or model.contract.derived)  # what a user would ask the wrapper
        self._ask_wrapper(kind, block if as_given else features, model.missing if as_given else None, expected)
        sampled = min(len(block), max(0, SAMPLED_ROWS - self._rows.get(kind, 0)))
        for found in _all_answers(self._library, block, derived, sampled):
            asked = len(found.labels)
            self._worst = max(self._worst, compare(expected.at(np.arange(asked)), found, block[:asked]))
        if not derived:
            present = present_rows(block, model.missing)
            self._judged += check_judgements(self._library, model, block, present)
        self._rows[kind] = self._rows.get(kind, 0) + len(block)

    def _ask_wrapper(self, kind: str, rows: Rows, missing: float | None, expected: Answers) -> None:
        """Compare the wrapper's answers to the first WRAPPER_ROWS of a kind."""
        count = min(len(rows), max(0, WRAPPER_ROWS - self._rows.get(kind, 0)))
        asked = np.flatnonzero(self._wrapper.accepts(rows[:count]))
        if len(asked):
            known = expected.at(asked)
            found = self._wrapper.answer(rows[asked], missing, known)
            compare(found, known, rows[asked], "Booster.predict", self._wrapper.name)
            self._wrapped += len(asked)


def _all_answers(library: Library, rows: Rows, derived: bool, sampled: int) -> Iterator[Answers]:
    """Yield answers on each instruction set, the best one last: to one row at a time, few, parts, all, and columns.

    Below the best one, only the first `sampled` rows are asked one at a time and in few.
    """
    batch = library.predict_feature_rows if derived else library.predict_rows
    one = library.predict_features if derived else library.predict
    for instruction_set in range(library.instruction_sets):
        some = rows if instruction_set == library.instruction_sets - 1 else rows[:sampled]
        library.use_for_one_row(instruction_set)
        if len(some):
            yield _ask(one, library, some)
            yield _in_pieces(library, batch, some, FEW, instruction_set)
        yield _in_pieces(library, batch, rows, PART, instruction_set)
        yield _in_pieces(library, batch, rows, len(rows), instruction_set)
        if not derived:
            yield _answers(library, score_columns(library, rows, instruction_set).batch, len(rows))


def _in_pieces(
    library: Library, batch: Callable[[bytes, int, int, int], Batch], rows: Rows, size: int, instruction_set: int
) -> Answers:
    data = rows.tobytes()
    pieces = [
        batch(data, rows[:start].nbytes, min(size, len(rows) - start), instruction_set)
        for start in range(0, len(rows), size)
    ]
    return _answers(library, Batch(*map(bytearray().join, zip(*pieces, strict=True))), len(rows))


def _answers(library: Library, batch: Batch, rows: int) -> Answers:
    return Answers(
        np.frombuffer(batch.margins, dtype=np.float32).reshape(rows, library.outputs),
        np.frombuffer(batch.values, dtype=np.float32).reshape(rows, library.values),
        np.frombuffer(batch.labels, dtype=np.int32),
    )


def golden(model: CompilableModel) -> Golden:
    """Return a row and XGBoost's answer: each input's example, or the middle of its thresholds."""
    row = _example(model)
    answers = BoosterOracle(model).answer(derive_rows(model.contract, row))
    return Golden(tuple(row[0].tolist()), tuple(answers.margins[0].tolist()), int(answers.labels[0]))


def _example(model: CompilableModel) -> Rows:
    row = [_example_of(each, model.thresholds.get(i)) for i, each in enumerate(model.contract.inputs)]
    return np.array([row], dtype=np.float32)


def _example_of(each: Input, thresholds: Rows | None) -> float:
    if each.example is not None or thresholds is None or each.kind in ("boolean", "category"):
        return each.number(each.sample)
    low, high = each.bounds
    middle = min(max(float(thresholds[len(thresholds) // 2]), low), high)
    return middle if each.kind == "number" else float(math.floor(middle))


def _ask(entry: EntryPoint, library: Library, rows: Rows) -> Answers:
    margins = np.empty((len(rows), library.outputs), dtype=np.float32)
    values = np.empty((len(rows), library.values), dtype=np.float32)
    labels = np.empty(len(rows), dtype=np.int32)
    for i, row in enumerate(rows.tolist()):
        labels[i], named = entry(tuple(row))[:2]
        values[i] = list(named.values())
        margins[i] = library.margins
    return Answers(margins, values, labels)


def compare(
    expected: Answers, found: Answers, rows: Rows, judged: str = "the compiled model", judge: str = "XGBoost"
) -> int:
    """Return the largest difference of two values in float32 steps. Raises Refusal at the first wrong row."""
    own, inconsistent = _own_values(found)
    distance = ulp_distance(_own_values(expected)[0], own).max(axis=1)
    wrong = (
        inconsistent
        | (expected.margins.view(np.uint32) != found.margins.view(np.uint32)).any(axis=1)
        | (expected.labels != found.labels)
        | (distance > WORST_VALUE_ULP)
    )
    if wrong.any():
        i = int(wrong.argmax())
        raise Refusal(
            f"{judged} differs from {judge} on {int(wrong.sum())} of {len(rows)} rows, first on "
            f"{_row(rows[i])}: expected {_answer(expected, i)}, found {_answer(found, i)}; "
            "try another compiler (CC=clang or CC=gcc) and report the model"
        )
    return int(distance.max())


def _own_values(answers: Answers) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """Return the values that are compared with XGBoost's, and which rows have others that do not follow from them.

    If one margin decides between two classes, the first probability follows from the second. A step in the second can
    be many steps in the first, which may be much smaller.
    """
    if answers.values.shape == answers.margins.shape:
        return answers.values, np.zeros(len(answers.values), dtype=np.bool_)
    first, second = answers.values.T
    return answers.values[:, 1:], first != np.float32(1) - second


def ulp_distance(a: Rows, b: Rows) -> npt.NDArray[np.int64]:
    """Return how many float32 steps are between each two values. -0 equals +0, and NaN equals NaN."""
    ordered = []
    for values in (a, b):
        bits = values.view(np.int32).astype(np.int64)
        ordered.append(np.where(bits < 0, -(bits & 0x7FFFFFFF), bits))
    return np.where(np.isnan(a) & np.isnan(b), 0, np.abs(ordered[0] - ordered[1]))


def _answer(answers: Answers, i: int) -> str:
    return f"margins {answers.margins[i].tolist()}, values {answers.values[i].tolist()}, label {answers.labels[i]}"


def _row(values: npt.NDArray[np.float32]) -> str:
    """Return a row for a message, shortened if it has many values."""
    shown = ", ".join(map(str, values[:20].tolist()))
    return f"[{shown}, ... {len(values)} values]" if len(values) > 20 else f"[{shown}]"
