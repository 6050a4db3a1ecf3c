"""Prediction sets: the species that cannot be excluded.

Each species has a threshold on its own probability, from held-out birds of that species alone. This is
label-conditional, or Mondrian, conformal prediction (Vovk, Gammerman & Shafer 2005, section 4.5) with the nonconformity
score 1 - p(species) (Sadinle, Lei & Wasserman 2019). The scores come from the folds of a cross-validation, so that
every bird is used for calibration (Vovk 2015, "Cross-conformal predictors", Annals of Mathematics and Artificial
Intelligence 74).

The theorems do not cover this use. Those on cross-conformal predictors, and on CV+ and the jackknife+ (Barber, Candès,
Ramdas & Tibshirani 2021, Annals of Statistics 49), hold for sets that the models of the folds make. Here one model,
fitted to all birds, is served with the thresholds of the folds (the plain cross-validated variant in that paper). So
coverage is measured, on birds that neither the model nor the thresholds have seen.
"""

import math

import numpy as np
import numpy.typing as npt

from contract.refusal import Refusal
from contract.species import SPECIES

LEVEL = 0.95
MIN_LEVEL = 1 - 1 / len(SPECIES)  # above this level, every set contains the most probable species

Labels = npt.NDArray[np.int64]  # (answers,)
Probabilities = npt.NDArray[np.float32]  # (answers, len(SPECIES))
Sets = npt.NDArray[np.bool_]  # (answers, len(SPECIES))


def conformal_thresholds(labels: Labels, probabilities: Probabilities, level: float) -> dict[str, float]:
    """Return each species' threshold on its probability, as a float32 value.

    The score of a bird is 1 - p(its species). Of the n birds of a species, sorted by score, the bird of rank ceil(level
    * (n + 1)) sets the threshold: its own probability. Raises Refusal if n is too small for the level. `labels` and
    `probabilities` have the shapes of Labels and Probabilities.
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
    """Return the thresholds that are served: the smaller of the conformal threshold and 1 - level, as float32 values.

    A species is excluded only if its probability is below 1 - level and conformal prediction excludes it too. If a
    model is right more often than `level`, its conformal thresholds are so high that some birds have an empty set, or a
    set without the most probable species. The limit 1 - level prevents that, and it can only add species.
    """
    improbable = float(np.float32(1 - level))
    return {species: min(threshold, improbable) for species, threshold in conformal.items()}


def prediction_sets(probabilities: Probabilities, thresholds: dict[str, float]) -> Sets:
    """Return which species are in the set of each answer: Sets."""
    members: Sets = probabilities >= np.array(list(thresholds.values()), np.float32)
    return members


def coverage(labels: Labels, sets: Sets) -> dict[str, float]:
    """Return, for each species, the share of its birds whose set contains it."""
    return {species: float(sets[labels == label, label].mean()) for label, species in enumerate(SPECIES)}
