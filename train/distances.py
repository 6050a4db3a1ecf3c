"""How far a bird is from the birds of each species: Gaussians of the measurements, and the smallest distance to one.

Each species has at least 68 birds for the 14 numbers of its Gaussian, so covariances are not shrunk.
"""

import math

import numpy as np
import numpy.typing as npt

from contract.reference import Gaussian, squared_distance
from contract.refusal import Refusal
from contract.species import SPECIES

FALSE_ALARMS = 0.01  # the share of birds of the three species that may be called out of distribution

Rows = npt.NDArray[np.float32]  # (rows, measurements)
Labels = npt.NDArray[np.int64]  # (rows,)


def fit_gaussians(measurements: Rows, labels: Labels) -> dict[str, Gaussian]:
    """One for each species, in float64, then rounded to the float32 values that distances are computed with.

    Raises Refusal where a species' birds have no covariance that can be inverted.
    """
    return {species: _gaussian(species, measurements[labels == label]) for label, species in enumerate(SPECIES)}


def _gaussian(species: str, birds: Rows) -> Gaussian:
    values = birds.astype(np.float64)
    try:
        whitening = np.linalg.inv(np.linalg.cholesky(np.cov(values, rowvar=False))).astype(np.float32)
    except np.linalg.LinAlgError as error:
        raise Refusal(
            f"expected birds of {species} whose measurements vary independently, found {len(birds)} that do not; "
            "add some, or leave out a measurement that others determine"
        ) from error
    mean = values.mean(axis=0).astype(np.float32)
    return Gaussian(tuple(mean.tolist()), tuple(tuple(row[: i + 1].tolist()) for i, row in enumerate(whitening)))


def distances(measurements: Rows, gaussians: dict[str, Gaussian]) -> npt.NDArray[np.float32]:
    """The smallest Mahalanobis distance to a species: float32 (rows,), by the contract's arithmetic."""
    columns = list(measurements.T)
    squared = [squared_distance(columns, gaussian) for gaussian in gaussians.values()]
    nearest: npt.NDArray[np.float32] = np.sqrt(np.minimum.reduce(squared))
    return nearest


def held_out_distances(measurements: Rows, labels: Labels, folds: Labels) -> npt.NDArray[np.float32]:
    """The distance of every bird to the birds of the other folds. `folds` is (rows,)."""
    found = np.empty(len(labels), np.float32)
    for fold in np.unique(folds):
        unseen = folds == fold
        found[unseen] = distances(measurements[unseen], fit_gaussians(measurements[~unseen], labels[~unseen]))
    return found


def distance_limit(held_out: npt.NDArray[np.float32]) -> float:
    """The distance that one more bird exceeds with a probability of at most FALSE_ALARMS, were they exchangeable.

    The order statistic of split conformal prediction; the largest distance where there are too few birds.
    """
    rank = math.ceil((1 - FALSE_ALARMS) * (len(held_out) + 1))
    return float(np.sort(held_out)[min(rank, len(held_out)) - 1])
