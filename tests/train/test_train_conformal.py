import math

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.refusal import Refusal
from contract.species import SPECIES
from contract.uncertainty import Uncertainty
from train.conformal import LEVEL, conformal_thresholds, coverage, prediction_sets, set_thresholds
from train.evaluate import HeldOut
from train.penguins import Penguins
from train.uncertainty import fit_uncertainty

levels = st.floats(0.67, 0.99)


def simulated(seed: int, birds: int, confidence: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Draw labels and probabilities of a model that is better or worse than it thinks."""
    random = np.random.default_rng(seed)
    labels = np.arange(birds) % len(SPECIES)
    scores = random.normal(size=(birds, len(SPECIES))) + 2 * np.eye(len(SPECIES))[labels]
    shares = np.exp(confidence * scores)
    return labels, (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


@given(st.integers(0, 1000), levels)
def test_the_threshold_is_the_order_statistic(seed: int, level: float) -> None:
    """The threshold is the order statistic that the level asks for."""
    labels, probabilities = simulated(seed, 3 * 110, 1.0)
    for label, threshold in enumerate(conformal_thresholds(labels, probabilities, level).values()):
        own = probabilities[labels == label, label]
        assert (own >= threshold).sum() == math.ceil(round(level * 111, 9))


@pytest.mark.parametrize("confidence", [0.5, 1.0, 4.0])
def test_coverage_is_what_is_claimed(confidence: float) -> None:
    """Sets contain at least the claimed share of every species' new birds."""
    labels, probabilities = simulated(1, 3 * 40_000, confidence)
    half = np.arange(len(labels)) % 2 == 0
    thresholds = conformal_thresholds(labels[half], probabilities[half], LEVEL)
    alone = coverage(labels[~half], prediction_sets(probabilities[~half], thresholds))
    served = coverage(labels[~half], prediction_sets(probabilities[~half], set_thresholds(thresholds, LEVEL)))
    for species in SPECIES:
        assert alone[species] == pytest.approx(LEVEL, abs=0.006)
        assert served[species] >= alone[species]


@given(st.integers(0, 1000), levels, st.sampled_from([0.5, 1.0, 4.0]))
def test_the_most_probable_species_is_in_every_set(seed: int, level: float, confidence: float) -> None:
    """Every set has the most probable species."""
    labels, probabilities = simulated(seed, 3 * 110, confidence)
    sets = prediction_sets(probabilities, set_thresholds(conformal_thresholds(labels, probabilities, level), level))
    assert sets[np.arange(len(sets)), probabilities.argmax(axis=1)].all()


def test_too_few_birds_for_a_level_are_refused(penguins: Penguins, held_out: HeldOut) -> None:
    """A level that too few birds cannot show is refused."""
    with pytest.raises(Refusal, match=r"68 birds of Chinstrap.*at most 0\.986"):
        conformal_thresholds(penguins.labels, held_out.probabilities[0], 0.99)


def test_at_least_93_percent_of_every_species_are_covered(reference: Uncertainty) -> None:
    """Sets of unseen birds cover 93 % of every species and stay small."""
    assert min(reference.evidence.coverage.values()) >= 0.93
    assert min(reference.evidence.conformal_coverage.values()) >= 0.93
    assert reference.evidence.mean_set_size < 1.1


def test_the_same_bytes_again(
    reference: Uncertainty, penguins: Penguins, table: npt.NDArray[np.float32], held_out: HeldOut
) -> None:
    """Another level changes the thresholds and not the distances, and a reference survives JSON."""
    other = fit_uncertainty(penguins, table, b"model", held_out, 0.9)
    assert other.gaussians == reference.gaussians
    assert other.distance_limit == reference.distance_limit
    assert other.conformal_thresholds["Adelie"] > reference.conformal_thresholds["Adelie"]
    assert msgspec.json.decode(msgspec.json.encode(reference), type=Uncertainty) == reference
