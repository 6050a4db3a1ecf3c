"""Prediction sets: the species that cannot be excluded.

For each species a threshold on its own probability, from held-out birds of that species alone (label-conditional, or
Mondrian, conformal prediction: Vovk, Gammerman & Shafer 2005, section 4.5), with the nonconformity score 1 - p(species)
(Sadinle, Lei & Wasserman 2019). The scores come from the folds of a cross-validation, so that every bird calibrates
(Vovk 2015, "Cross-conformal predictors", Annals of Mathematics and Artificial Intelligence 74).

What is not claimed: the theorems on cross-conformal predictors, and on CV+ and the jackknife+ (Barber, Candès, Ramdas
& Tibshirani 2021, Annals of Statistics 49), hold for sets made with the models of the folds. Here one model, fitted to
all birds, is served with the folds' thresholds (the plain cross-validated variant there). So coverage is measured, on
birds that neither the model nor the thresholds have seen.
"""

import math

import numpy as np
import numpy.typing as npt

from contract.refusal import Refusal
from contract.species import SPECIES

LEVEL = 0.95
LEAST_LEVEL = 1 - 1 / len(SPECIES)  # above it the most probable species is in every set

Labels = npt.NDArray[np.int64]  # (answers,)
Probabilities = npt.NDArray[np.float32]  # (answers, len(SPECIES))
Sets = npt.NDArray[np.bool_]  # (answers, len(SPECIES))


def conformal_thresholds(labels: Labels, probabilities: Probabilities, level: float) -> dict[str, float]:
    """For each species the least probability that at least `level` of its birds, and one more, have: float32 values.

    Of n birds, the one whose score 1 - p has the rank ceil(level * (n + 1)). Raises Refusal where n is too small.
    """
    return {
        species: _threshold(probabilities[labels == label, label], level, species)
        for label, species in enumerate(SPECIES)
    }


def _threshold(own: npt.NDArray[np.float32], level: float, species: str) -> float:
    rank = math.ceil(round(level * (len(own) + 1), 9))  # 0.95 * 20 is 19, whatever binary fractions say
    if rank > len(own):
        raise Refusal(
            f"expected a level that {len(own)} birds of {species} can show, found {level:g}; "
            f"choose at most {len(own) / (len(own) + 1):.3f}"
        )
    return float(np.sort(own)[len(own) - rank])


def set_thresholds(conformal: dict[str, float], level: float) -> dict[str, float]:
    """What is served: a species is excluded where it is improbable, below 1 - level, and conformal prediction agrees.

    A model that is right more often than `level` has conformal thresholds so high that they exclude every species for
    some birds, or the most probable one. The second condition never does, and can only add species.
    """
    improbable = float(np.float32(1 - level))
    return {species: min(threshold, improbable) for species, threshold in conformal.items()}


def prediction_sets(probabilities: Probabilities, thresholds: dict[str, float]) -> Sets:
    """Which species are in the set of each answer."""
    members: Sets = probabilities >= np.array(list(thresholds.values()), np.float32)
    return members


def coverage(labels: Labels, sets: Sets) -> dict[str, float]:
    """For each species the share of its birds whose set holds it."""
    return {species: float(sets[labels == label, label].mean()) for label, species in enumerate(SPECIES)}
