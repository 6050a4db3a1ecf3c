"""No contender is timed before it has given XGBoost's answers."""

import math
import time
from collections.abc import Sequence

import numpy as np

from benchmarks.contenders.entry import Answers, Entry
from benchmarks.contenders.models import Model, Rows

TOLERANCE = 1e-5  # of a probability
MOST_CALLS = 256


class Wrong(Exception):
    """A contender's answers are not XGBoost's."""


def xgboost_answers(model: Model, batches: Sequence[Rows]) -> list[Answers]:
    """Ask XGBoost, the oracle, about as many batches as are checked."""
    found, ask = [], model.booster.inplace_predict
    for rows in batches[:MOST_CALLS]:
        features, shape = model.features(rows), (len(rows), model.library.outputs)
        margins = np.asarray(ask(features, predict_type="margin", validate_features=False)).reshape(shape)
        probabilities = np.asarray(ask(features, validate_features=False)).reshape(shape)
        labels = probabilities.argmax(axis=1) if shape[1] > 1 else probabilities[:, 0] > 0.5
        found.append(Answers(probabilities, margins, labels.astype(np.int32)))
    return found


def check(entry: Entry, batches: Sequence[Rows], expected: Sequence[Answers], exact: bool) -> float:
    """Return the seconds of its quickest call. Raises Wrong at the first batch that differs.

    If exact, margins must equal XGBoost's bit for bit.
    """
    quickest = math.inf
    for rows, answers in zip(batches, expected, strict=False):
        taken = entry.take(rows)
        started = time.perf_counter()
        answer = entry.call(taken)
        quickest = min(quickest, time.perf_counter() - started)
        if problem := _difference(answers, entry.read(answer), exact):
            raise Wrong(problem)
    return quickest


def _difference(expected: Answers, found: Answers, exact: bool) -> str | None:
    """Return what is wrong with an answer, in words, or None."""
    assert expected.probabilities is not None
    assert expected.margins is not None
    if found.labels is None and found.probabilities is None:
        return "no answer that could be compared"
    if exact and found.margins is not None and found.margins.tobytes() != expected.margins.tobytes():
        return "margins have other bits than XGBoost's"
    if found.labels is not None and not np.array_equal(found.labels, expected.labels):  # type: ignore[arg-type]
        return "labels are not XGBoost's"
    if found.probabilities is None:
        return None
    if found.probabilities.shape != expected.probabilities.shape:
        return f"expected probabilities of shape {expected.probabilities.shape}, found {found.probabilities.shape}"
    distance = float(np.abs(found.probabilities - expected.probabilities).max())
    return None if distance <= TOLERANCE else f"probabilities are off by up to {distance:.2g}"
