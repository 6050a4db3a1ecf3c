"""How far a bird is from the birds of each species: a Gaussian of the measurements for each, and the smallest distance.

Each species has at least 68 birds for the 14 numbers of its Gaussian, so the covariances are not shrunk.
"""

import math

import numpy as np
import numpy.typing as npt

from contract.refusal import Refusal
from contract.species import SPECIES
from contract.uncertainty import Gaussian, squared_distance

FALSE_ALARMS = 0.01  # the share of birds of these species that may be called out of distribution

Rows = npt.NDArray[np.float32]  # (rows, measurements)
Labels = npt.NDArray[np.int64]  # (rows,)


def fit_gaussians(measurements: Rows, labels: Labels) -> dict[str, Gaussian]:
    """Fit one Gaussian to each species, in float64, and round it to float32 values.

    `measurements` is (rows, measurements), `labels` is (rows,). Raises Refusal if a covariance cannot be inverted.
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
    """Return the smallest Mahalanobis distance to a species as float32 (rows,), with the contract's arithmetic."""
    columns = list(measurements.T)
    squared = [squared_distance(columns, gaussian) for gaussian in gaussians.values()]
    nearest: npt.NDArray[np.float32] = np.sqrt(np.minimum.reduce(squared))
    return nearest


def held_out_distances(measurements: Rows, labels: Labels, folds: Labels) -> npt.NDArray[np.float32]:
    """Return the distance of every bird to the birds of the other folds as float32 (rows,). `folds` is (rows,)."""
    found = np.empty(len(labels), np.float32)
    for fold in np.unique(folds):
        unseen = folds == fold
        found[unseen] = distances(measurements[unseen], fit_gaussians(measurements[~unseen], labels[~unseen]))
    return found


def distance_limit(held_out: npt.NDArray[np.float32]) -> float:
    """Return the distance that one more bird exceeds with a probability of at most FALSE_ALARMS.

    This holds if the birds are exchangeable. The limit is the order statistic of split conformal prediction, or the
    largest distance if there are too few birds.
    """
    rank = math.ceil((1 - FALSE_ALARMS) * (len(held_out) + 1))
    return float(np.sort(held_out)[min(rank, len(held_out)) - 1])
