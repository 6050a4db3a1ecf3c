"""reference.json: what it claims about birds that were not seen, and that its bytes are the same again."""

import msgspec
import pytest

from contract.refusal import Refusal
from contract.uncertainty import Uncertainty
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
