"""How far a row is from the known rows: a Gaussian of the inputs for each class, and the smallest distance.

The distance is that of Mahalanobis (1936, "On the generalised distance in statistics"). Covariances are not shrunk, so
a Gaussian needs several times as many rows as it has inputs.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from contract.refusal import Refusal
from contract.uncertainty import Gaussian, squared_distance

FALSE_ALARMS = 0.01  # the share of rows like the known ones that may be called out of distribution
# The share of an input's variance that the inputs before it leave. Below it, what remains is rounding of float32.
UNEXPLAINED = 1e-6
BLOCK = 4096  # rows whose distances are computed at once: their columns stay in the processor's cache

Rows = npt.NDArray[np.float32]  # (rows, inputs), none missing
Labels = npt.NDArray[np.int64]  # (rows,), indices into the classes


def fit_gaussians(rows: Rows, labels: Labels, classes: Sequence[str], row: str = "row") -> dict[str, Gaussian]:
    """Fit one Gaussian to the rows of each class, in float64, and round it to float32 values.

    `rows` and `labels` have the shapes of Rows and Labels. Raises Refusal, in which a row is called `row`, if a
    covariance cannot be inverted.
    """
    return {name: _gaussian(rows[labels == label], f"{row}s of {name}") for label, name in enumerate(classes)}


def _gaussian(rows: Rows, named: str) -> Gaussian:
    whitening = _whitening(rows.astype(np.float64))
    if whitening is None or not np.isfinite(whitening).all():
        raise Refusal(
            f"expected {named} whose inputs vary independently, found {len(rows)} that do not; "
            "add some, or leave out an input that others determine"
        )
    mean = rows.astype(np.float64).mean(axis=0).astype(np.float32)
    return Gaussian(tuple(mean.tolist()), tuple(tuple(line[: i + 1].tolist()) for i, line in enumerate(whitening)))


def _whitening(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32] | None:
    """Return the inverse of the covariance's Cholesky factor, (inputs, inputs), or None if there is none.

    The squared diagonal of the factor is what the inputs before each one leave of its variance.
    """
    if len(values) < 2:
        return None
    covariance = np.atleast_2d(np.cov(values, rowvar=False))
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return None
    if (np.diag(factor) ** 2 <= UNEXPLAINED * np.diag(covariance)).any():
        return None
    with np.errstate(over="ignore"):
        return np.linalg.inv(factor).astype(np.float32)


def distances(rows: Rows, gaussians: dict[str, Gaussian]) -> npt.NDArray[np.float32]:
    """Return the smallest Mahalanobis distance to a Gaussian as float32 (rows,), with the contract's arithmetic."""
    nearest = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), BLOCK):
        columns = list(np.ascontiguousarray(rows[start : start + BLOCK].T))
        with np.errstate(over="ignore", invalid="ignore"):  # so far away, the distance is infinite or NaN
            squared = [squared_distance(columns, gaussian) for gaussian in gaussians.values()]
        nearest[start : start + BLOCK] = np.sqrt(np.minimum.reduce(squared))
    return nearest


def held_out_distances(
    rows: Rows, labels: Labels, folds: Labels, classes: Sequence[str], row: str = "row"
) -> npt.NDArray[np.float32]:
    """Return the distance of every row to the rows of the other folds as float32 (rows,). `folds` is (rows,)."""
    found = np.empty(len(labels), np.float32)
    for fold in np.unique(folds):
        unseen = folds == fold
        found[unseen] = distances(rows[unseen], fit_gaussians(rows[~unseen], labels[~unseen], classes, row))
    return found


def distance_limit(held_out: npt.NDArray[np.float32]) -> float:
    """Return the distance that one more row exceeds with a probability of at most FALSE_ALARMS.

    This holds if the rows are exchangeable. The limit is the order statistic of split conformal prediction, or the
    largest distance if there are too few rows.
    """
    rank = math.ceil((1 - FALSE_ALARMS) * (len(held_out) + 1))
    return float(np.sort(held_out)[min(rank, len(held_out)) - 1])
