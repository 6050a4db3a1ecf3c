"""A p-value for each class, from held-out rows: how unusual a row would be for a bird of that class.

The p-value of a class is (1 + the number of held-out rows of the class that are at least as strange) / (1 + their
number): label-conditional, or Mondrian, conformal prediction (Vovk, Gammerman & Shafer 2005, section 4.5), without
smoothing. How strange a row is says the score of evaluation/conformal.py, 1 - p(class). The subtraction would only
round, so probabilities are compared: a lower one is stranger.

If the rows are exchangeable and the model has seen none of them, the p-value of a row's own class is at most a with a
probability of at most a. The set {class: p-value > 1 - level} is that of `conformal_thresholds`, for any level. What
that module says about the folds of a cross-validation is true here, too.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from contract.refusal import Refusal
from contract.uncertainty import PERCENTS, LevelEvidence
from evaluation.conformal import Labels, Probabilities, Sets, coverage, set_thresholds

Calibration = Mapping[str, Sequence[float]]  # as in contract/uncertainty.py

# A bundle keeps so many rows a class. One more is a multiple of 100, so that the sets of PERCENTS stay the same.
MOST_ROWS, FEWER_ROWS = 1_999, 199
FEW_CLASSES, MOST_CLASSES = 100, 1_000  # up to how many classes there is the first number, and the second


def calibrate(labels: Labels, probabilities: Probabilities, classes: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Return, for each class, the probability of it for its own rows, in ascending order: float32 values.

    Of more than MOST_ROWS rows, `thinned` are kept. Raises Refusal if there are too many classes, or a class has no
    row.
    """
    if len(classes) > MOST_CLASSES:
        raise Refusal(f"expected at most {MOST_CLASSES:,} classes, found {len(classes):,}")
    most = MOST_ROWS if len(classes) <= FEW_CLASSES else FEWER_ROWS
    found = {}
    for label, name in enumerate(classes):
        own = np.sort(probabilities[labels == label, label])
        if not len(own):
            raise Refusal(f"expected a row of each class, found none of {name}")
        found[name] = tuple(thinned(own, most).tolist())
    return found


def thinned(own: npt.NDArray[np.float32], most: int) -> npt.NDArray[np.float32]:
    """Return at most `most` of a class's probabilities, which are in ascending order: (rows,).

    Of n rows, m are kept: those of rank floor(j (n + 1) / (m + 1)), for j = 1 to m. A p-value from them is never
    smaller than that from all rows, and larger by at most 1 / (m + 1). It is above a multiple of 1 / (m + 1) where that
    from all rows is, so sets at such levels are the same.
    """
    rows = len(own)
    if rows <= most:
        return own
    ranks = np.arange(1, most + 1) * (rows + 1) // (most + 1)
    return own[ranks - 1]


def as_strange(probabilities: Probabilities, calibration: Calibration) -> tuple[npt.NDArray[np.int64], Labels]:
    """Return 1 + how many held-out rows of each class are at least as strange, (rows, classes), and 1 + their number.

    The p-value is the first divided by the second, which is (classes,).
    """
    columns = [
        1 + np.searchsorted(np.array(own, np.float32), probabilities[:, place], side="right")
        for place, own in enumerate(calibration.values())
    ]
    return np.stack(columns, axis=1), np.array([len(own) + 1 for own in calibration.values()])


def p_values(probabilities: Probabilities, calibration: Calibration) -> npt.NDArray[np.float64]:
    """Return the p-value of each class for each row: (rows, classes)."""
    stranger, rows = as_strange(probabilities, calibration)
    return stranger / rows


def p_value_sets(probabilities: Probabilities, calibration: Calibration, percent: int) -> Sets:
    """Return which classes have a p-value above 1 - `percent` / 100. Whole numbers are compared: nothing is rounded."""
    stranger, rows = as_strange(probabilities, calibration)
    members: Sets = 100 * stranger > (100 - percent) * rows
    return members


def served_thresholds(calibration: Calibration, percent: int) -> npt.NDArray[np.float32]:
    """Return what `set_thresholds` would serve at this level, (classes,). If a class has too few rows, it is 0."""
    conformal = {}
    for name, own in calibration.items():
        place = (100 - percent) * (len(own) + 1) // 100
        conformal[name] = own[place - 1] if place else 0.0
    return np.array([*set_thresholds(conformal, percent / 100).values()], np.float32)


class LevelSets:
    """The sets of held-out rows at each level of PERCENTS, put together part by part. `labels` are all of them."""

    def __init__(self, labels: Labels, classes: Sequence[str]) -> None:
        self._labels, self._classes = labels, classes
        shape = (len(PERCENTS), len(labels), len(classes))
        self._sets, self._served = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)

    def judge(self, rows: npt.NDArray[np.intp], probabilities: Probabilities, calibration: Calibration) -> None:
        """Make the sets of some rows, by their numbers, from a calibration that they have no part in."""
        for place, percent in enumerate(PERCENTS):
            self._sets[place, rows] = p_value_sets(probabilities, calibration, percent)
            self._served[place, rows] = probabilities >= served_thresholds(calibration, percent)

    def evidence(self) -> tuple[LevelEvidence, ...]:
        """Return the figures of all rows."""
        return tuple(
            LevelEvidence(
                level=percent / 100,
                coverage=coverage(self._labels, sets, self._classes),
                mean_size=float(sets.sum(axis=1).mean()),
                empty=float((~sets.any(axis=1)).mean()),
                served_coverage=coverage(self._labels, served, self._classes),
                served_mean_size=float(served.sum(axis=1).mean()),
            )
            for percent, sets, served in zip(PERCENTS, self._sets, self._served, strict=True)
        )
