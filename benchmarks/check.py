"""No contender is timed before it has given the right answers: XGBoost's."""

import math
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.entry import Answers, Entry
from benchmarks.models import Model, Rows

TOLERANCE = 1e-5  # of a probability
MOST_CALLS = 256


class Wrong(Exception):
    """A contender's answers are not XGBoost's."""


class Expected(NamedTuple):
    """XGBoost's answers, all of them."""

    probabilities: Rows
    margins: Rows
    labels: npt.NDArray[np.int32]


def xgboost_answers(model: Model, batches: Sequence[Rows]) -> list[Expected]:
    """The oracle, on as many batches as are checked."""
    return [_ask(model, rows) for rows in batches[:MOST_CALLS]]


def _ask(model: Model, rows: Rows) -> Expected:
    features, ask = model.features(rows), model.booster.inplace_predict
    shape = (len(rows), model.library.outputs)
    margins = np.asarray(ask(features, predict_type="margin", validate_features=False)).reshape(shape)
    probabilities = np.asarray(ask(features, validate_features=False)).reshape(shape)
    labels = probabilities.argmax(axis=1) if shape[1] > 1 else probabilities[:, 0] > 0.5
    return Expected(probabilities, margins, labels.astype(np.int32))


def check(entry: Entry, batches: Sequence[Rows], expected: Sequence[Expected], exact: bool) -> float:
    """The microseconds of its quickest call. Raises Wrong at the first batch that differs.

    Where exact, margins must have XGBoost's very bits.
    """
    quickest = math.inf
    for rows, answers in zip(batches, expected, strict=False):
        taken = entry.take(rows)
        started = time.perf_counter_ns()
        answer = entry.call(taken)
        quickest = min(quickest, (time.perf_counter_ns() - started) / 1000)
        problem = difference(answers, entry.read(answer), exact)
        if problem:
            raise Wrong(problem)
    return quickest


def difference(expected: Expected, found: Answers, exact: bool) -> str | None:
    """What is wrong with an answer, in words, or None."""
    if found.labels is None and found.probabilities is None:
        return "no answer that could be compared"
    if exact and found.margins is not None and found.margins.tobytes() != expected.margins.tobytes():
        return "margins have other bits than XGBoost's"
    if found.labels is not None and not np.array_equal(found.labels, expected.labels):
        return "labels are not XGBoost's"
    return None if found.probabilities is None else _far(expected.probabilities, found.probabilities)


def _far(expected: Rows, found: Rows) -> str | None:
    if found.shape != expected.shape:
        return f"expected probabilities of shape {expected.shape}, found {found.shape}"
    distance = float(np.abs(found - expected).max())
    return None if distance <= TOLERANCE else f"probabilities are off by up to {distance:.2g}"
