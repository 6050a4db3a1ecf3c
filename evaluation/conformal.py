"""Prediction sets and intervals from held-out rows, by conformal prediction.

A set holds the classes that cannot be excluded. Each class has a threshold on its own probability, from held-out rows
of that class alone. This is label-conditional, or Mondrian, conformal prediction (Vovk, Gammerman & Shafer 2005,
section 4.5) with the nonconformity score 1 - p(class) (Sadinle, Lei & Wasserman 2019).

If the rows are exchangeable and the model has seen none of them, new rows of a class are in its set with a probability
of at least the level (split conformal prediction). If the scores come from the folds of a cross-validation (Vovk 2015,
"Cross-conformal predictors", Annals of Mathematics and Artificial Intelligence 74), the theorems do not cover one model
that is fitted to all rows and served with the thresholds of the folds: those on cross-conformal predictors, and on CV+
and the jackknife+ (Barber, Candès, Ramdas & Tibshirani 2021, Annals of Statistics 49), hold for sets that the models of
the folds make. So coverage is always measured, on rows that had no part in the thresholds.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from contract.refusal import Refusal

LEVEL = 0.95

Labels = npt.NDArray[np.int64]  # (rows,), indices into the classes
Probabilities = npt.NDArray[np.float32]  # (rows, classes)
Sets = npt.NDArray[np.bool_]  # (rows, classes)


def rank(level: float, rows: int) -> int:
    """Return ceil(level * (rows + 1)): the rank of the score, among those of `rows` rows, that bounds the next one.

    It is larger than `rows` if they are too few for the level.
    """
    return math.ceil(round(level * (rows + 1), 9))  # 0.95 * 20 is 19, whatever binary fractions say


def rows_needed(level: float) -> int:
    """Return the least number of rows that can show the level: 19 for 0.95."""
    rows = max(1, math.floor(level / (1 - level)) - 1)
    while rank(level, rows) > rows:
        rows += 1
    return rows


def conformal_thresholds(
    labels: Labels, probabilities: Probabilities, level: float, classes: Sequence[str], row: str = "row"
) -> dict[str, float]:
    """Return each class's threshold on its probability, as a float32 value.

    The score of a row is 1 - p(its class). Of the n rows of a class, sorted by score, the row of rank ceil(level * (n +
    1)) sets the threshold: its own probability. Raises Refusal, in which a row is called `row`, if n is too small for
    the level. `labels` and `probabilities` have the shapes of Labels and Probabilities.
    """
    return {
        name: _threshold(probabilities[labels == label, label], level, f"{row}s of {name}")
        for label, name in enumerate(classes)
    }


def _threshold(own: npt.NDArray[np.float32], level: float, rows: str) -> float:
    place = rank(level, len(own))
    if place > len(own):
        largest = math.floor(1000 * len(own) / (len(own) + 1)) / 1000
        raise Refusal(
            f"expected a level that {len(own)} {rows} can show, found {level:g}, which needs {rows_needed(level)}; "
            f"choose at most {largest:.3f}"
        )
    return float(np.sort(own)[len(own) - place])


def half_width(residuals: npt.NDArray[np.float64], level: float) -> float:
    """Return how far the interval of a number reaches to either side, as a float32 value.

    It is the residual of rank ceil(level * (n + 1)) of the n `residuals` |true number - answer|, (rows,), in the unit
    of the number, rounded up: split conformal prediction (Lei, G'Sell, Rinaldo, Tibshirani & Wasserman 2018,
    "Distribution-free predictive inference for regression", Journal of the American Statistical Association 113).
    Expects enough rows for the level.
    """
    exact = float(np.sort(residuals)[rank(level, len(residuals)) - 1])
    with np.errstate(over="ignore"):
        rounded = np.float32(exact)
        # float(): beside a float32, numpy would round `exact` too.
        return float(rounded if float(rounded) >= exact else np.nextafter(rounded, np.float32(np.inf)))


def set_thresholds(conformal: dict[str, float], level: float) -> dict[str, float]:
    """Return the thresholds that are served: the smaller of the conformal threshold and 1 - level, as float32 values.

    A class is excluded only if its probability is below 1 - level and conformal prediction excludes it too. If a model
    is right more often than `level`, its conformal thresholds are so high that some rows have an empty set, or a set
    without the most probable class. The limit 1 - level prevents that, and it can only add classes. With more than 1 /
    (1 - level) classes the most probable one may be below 1 - level, so the limit is then the least that it can be: 1 /
    classes, less the rounding of their sum.
    """
    improbable = float(np.float32(min(1 - level, (1 - 1e-6) / len(conformal))))
    return {name: min(threshold, improbable) for name, threshold in conformal.items()}


def prediction_sets(probabilities: Probabilities, thresholds: dict[str, float]) -> Sets:
    """Return which classes are in the set of each answer: Sets."""
    members: Sets = probabilities >= np.array(list(thresholds.values()), np.float32)
    return members


def coverage(labels: Labels, sets: Sets, classes: Sequence[str]) -> dict[str, float]:
    """Return, for each class, the share of its rows whose set contains it. Every class needs a row."""
    return {name: float(sets[labels == label, label].mean()) for label, name in enumerate(classes)}
