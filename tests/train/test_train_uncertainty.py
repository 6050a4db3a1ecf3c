"""reference.json: what it claims about birds that were not seen, and that its bytes are the same again."""

import msgspec
import numpy as np
import pytest
from crepes import WrapClassifier

from contract.refusal import Refusal
from contract.uncertainty import Uncertainty
from evaluation.p_values import p_values
from tests.support.told import Told
from train.evaluate import HeldOut
from train.penguins import Penguins
from train.uncertainty import fit_uncertainty


def test_at_least_93_percent_of_every_species_are_covered(reference: Uncertainty) -> None:
    """Sets of unseen birds cover 93 % of every species and stay small."""
    assert min(reference.evidence.coverage.values()) >= 0.93
    assert min(reference.evidence.conformal_coverage.values()) >= 0.93
    assert reference.evidence.mean_set_size is not None
    assert reference.evidence.mean_set_size < 1.1


def test_false_alarms_are_about_one_in_a_hundred(reference: Uncertainty) -> None:
    """About one in a hundred unseen birds is above the limit."""
    assert reference.evidence.false_alarms is not None
    assert 0 < reference.evidence.false_alarms <= 0.015


@pytest.mark.long
def test_the_same_bytes_again(reference: Uncertainty, penguins: Penguins, held_out: HeldOut) -> None:
    """Another level changes the thresholds and not the distances, and a reference survives JSON."""
    other, _ = fit_uncertainty(penguins, b"model", held_out, 0.9)
    assert other.gaussians == reference.gaussians
    assert other.distance_limit == reference.distance_limit
    assert other.conformal_thresholds["Adelie"] > reference.conformal_thresholds["Adelie"]
    assert msgspec.json.decode(msgspec.json.encode(reference), type=Uncertainty) == reference


def test_too_few_birds_for_a_level_are_refused(penguins: Penguins, held_out: HeldOut) -> None:
    """A level that too few birds cannot show is refused."""
    with pytest.raises(Refusal, match=r"68 birds of Chinstrap.*needs 99.*at most 0\.985"):
        fit_uncertainty(penguins, b"model", held_out, 0.99)


def test_p_values_of_birds_are_those_of_crepes(penguins: Penguins, held_out: HeldOut, reference: Uncertainty) -> None:
    """The held-out birds of another repeat get the p-values of crepes, from the bytes that a bundle holds."""
    first, second = held_out.probabilities[0].astype(np.float64), held_out.probabilities[1]
    oracle = WrapClassifier(Told().fit(first, penguins.labels))
    oracle.calibrate(first, penguins.labels, class_cond=True)
    expected = oracle.predict_p(second.astype(np.float64), smoothing=False)
    assert np.array_equal(p_values(second, reference.calibration), expected)


def test_the_levels_agree_with_the_served_one(reference: Uncertainty) -> None:
    """At the level that is served, sets from p-values are those of conformal prediction alone, and the others served.

    Of four levels, each covers about what it says, and sets grow with the level.
    """
    evidence = reference.evidence
    (served,) = [each for each in evidence.levels if each.level == reference.level]
    assert served.coverage == evidence.conformal_coverage
    assert served.served_coverage == evidence.coverage
    assert served.served_mean_size == evidence.mean_set_size
    assert [each.level for each in evidence.levels] == [0.8, 0.9, 0.95, 0.99]
    assert [each.mean_size for each in evidence.levels] == sorted(each.mean_size for each in evidence.levels)
    for each in evidence.levels:
        assert min(each.coverage.values()) >= each.level - 0.05  # of 68 birds, 0.05 is one standard error
        assert all(each.served_coverage[name] >= share for name, share in each.coverage.items())


def test_a_bundle_keeps_the_birds_that_calibrate(reference: Uncertainty, penguins: Penguins, held_out: HeldOut) -> None:
    """Each species has the sorted probabilities of its held-out birds, as float32 values."""
    for label, own in enumerate(reference.calibration.values()):
        expected = held_out.probabilities[0][penguins.labels == label, label]
        assert own == tuple(sorted(expected.tolist()))
        assert [float(np.float32(share)) for share in own] == [*own]
