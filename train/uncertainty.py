"""How far to trust answers, measured on birds that had no part in it: the content of reference.json."""

from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from contract.uncertainty import Evidence, Uncertainty
from evaluation.conformal import LEVEL, conformal_thresholds, coverage, prediction_sets, set_thresholds
from evaluation.distances import distance_limit, distances, fit_gaussians, held_out_distances
from train.contract import CLASSES, CONTRACT
from train.evaluate import FOLDS, REPEATS, HeldOut, hold_out
from train.penguins import Penguins

ROW = CONTRACT.row  # what a row is called
EVIDENCE_REPEATS = 2  # repeats of the cross-validation; each repeat judges every bird once
PROTOCOL = (
    f"nested cross-validation: in each of {EVIDENCE_REPEATS} x {FOLDS} folds, model, Gaussians and thresholds are made "
    f"from the other birds alone, the thresholds by a {FOLDS}-fold cross-validation of those"
)


class Judged(NamedTuple):
    """What became of each held-out bird in each judged repeat: both bool (EVIDENCE_REPEATS, rows)."""

    covered: npt.NDArray[np.bool_]  # the true species is in the prediction set
    alarms: npt.NDArray[np.bool_]  # the bird is called out of distribution


def fit_uncertainty(
    penguins: Penguins, model: bytes, held_out: HeldOut, level: float = LEVEL
) -> tuple[Uncertainty, Judged]:
    """Return the uncertainty of `model`, the bytes of the penguin_model.json that was fitted to the birds.

    The second is what its evidence is the mean of.

    The thresholds come from the first repeat of the cross-validation, which holds out each bird once. Raises Refusal
    if the level is too high.
    """
    birds, labels = penguins.measurements, penguins.labels
    conformal = conformal_thresholds(labels, held_out.probabilities[0], level, CLASSES, ROW)
    evidence, judged = _evidence(penguins, held_out, level)
    known = Uncertainty(
        model_sha256=sha256(model).hexdigest(),
        level=level,
        conformal_thresholds=conformal,
        set_thresholds=set_thresholds(conformal, level),
        gaussians=fit_gaussians(birds, labels, CLASSES, ROW),
        distance_limit=distance_limit(held_out_distances(birds, labels, held_out.folds[0], CLASSES, ROW)),
        evidence=evidence,
    )
    return known, judged


def _evidence(penguins: Penguins, held_out: HeldOut, level: float) -> tuple[Evidence, Judged]:
    """Return what PROTOCOL measures, over all birds and repeats, and for each."""
    shape = held_out.probabilities.shape
    served, conformal = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    alarms = np.zeros(shape[:2], np.bool_)
    for repeat, unseen in _folds(held_out):
        seen = ~unseen
        birds, labels = penguins.measurements[seen], penguins.labels[seen]
        inner = hold_out(birds, labels, repeats=1)
        thresholds = conformal_thresholds(labels, inner.probabilities[0], level, CLASSES, ROW)
        probabilities = held_out.probabilities[repeat, unseen]
        conformal[repeat, unseen] = prediction_sets(probabilities, thresholds)
        served[repeat, unseen] = prediction_sets(probabilities, set_thresholds(thresholds, level))
        limit = distance_limit(held_out_distances(birds, labels, inner.folds[0], CLASSES, ROW))
        gaussians = fit_gaussians(birds, labels, CLASSES, ROW)
        alarms[repeat, unseen] = distances(penguins.measurements[unseen], gaussians) > limit
    judged = slice(0, EVIDENCE_REPEATS)
    truth, sets = held_out.labels[judged].ravel(), served[judged].reshape(-1, shape[2])
    evidence = Evidence(
        protocol=PROTOCOL,
        coverage=coverage(truth, sets, CLASSES),
        conformal_coverage=coverage(truth, conformal[judged].reshape(-1, shape[2]), CLASSES),
        mean_set_size=float(sets.sum(axis=1).mean()),
        false_alarms=float(alarms[judged].mean()),
    )
    covered = np.take_along_axis(served[judged], held_out.labels[judged][..., None], axis=2)[..., 0]
    return evidence, Judged(covered, alarms[judged])


def _folds(held_out: HeldOut) -> Iterator[tuple[int, npt.NDArray[np.bool_]]]:
    """Yield a repeat, and which birds one of its folds leaves out: bool (rows,)."""
    assert EVIDENCE_REPEATS <= REPEATS
    for repeat in range(EVIDENCE_REPEATS):
        for fold in np.unique(held_out.folds[repeat]):
            yield repeat, held_out.folds[repeat] == fold
