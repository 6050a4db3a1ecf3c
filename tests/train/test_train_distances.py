import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.refusal import Refusal
from contract.uncertainty import Uncertainty
from train.distances import FALSE_ALARMS, distance_limit, distances, fit_gaussians, held_out_distances
from train.evaluate import HeldOut
from train.penguins import Penguins


def test_a_distance_is_in_standard_deviations(penguins: Penguins) -> None:
    """Squared distances have the mean of the chi-squared distribution."""
    own = {0: penguins.measurements[penguins.labels == 0]}
    gaussian = fit_gaussians(penguins.measurements, penguins.labels)["Gentoo"]
    squared = distances(own[0], {"Gentoo": gaussian}).astype(np.float64) ** 2
    assert squared.mean() == pytest.approx(4 * (len(squared) - 1) / len(squared), rel=1e-4)


def test_the_nearest_species_counts(penguins: Penguins) -> None:
    """A bird's distance is that to the nearest species."""
    gaussians = fit_gaussians(penguins.measurements, penguins.labels)
    each = [distances(penguins.measurements, {name: gaussian}) for name, gaussian in gaussians.items()]
    assert np.array_equal(distances(penguins.measurements, gaussians), np.min(each, axis=0))


def test_a_bird_has_no_part_in_its_own_held_out_distance(penguins: Penguins, held_out: HeldOut) -> None:
    """A bird that is moved away is far, and the others of its fold keep their distance."""
    folds = held_out.folds[0]
    before = held_out_distances(penguins.measurements, penguins.labels, folds)
    moved = penguins.measurements.copy()
    moved[0] *= 2
    after = held_out_distances(moved, penguins.labels, folds)
    same = folds == folds[0]
    same[0] = False
    assert np.array_equal(before[same], after[same])
    assert after[0] > 5 * before[0]


@given(st.lists(st.floats(0, 9, width=32), min_size=1, max_size=400))
def test_the_limit_lets_99_of_100_pass(values: list[float]) -> None:
    """One bird in a hundred is above the limit, and the limit is no larger than needed."""
    found: npt.NDArray[np.float32] = np.array(values, np.float32)
    limit = distance_limit(found)
    assert limit in found
    assert (found > limit).sum() <= FALSE_ALARMS * (len(found) + 1)
    if len(found) >= 100:
        assert (found >= limit).sum() > FALSE_ALARMS * (len(found) + 1) - 1


def test_false_alarms_are_about_one_in_a_hundred(reference: Uncertainty) -> None:
    """About one in a hundred unseen birds is above the limit."""
    assert 0 < reference.evidence.false_alarms <= 0.015


def test_birds_that_do_not_vary_are_refused(penguins: Penguins) -> None:
    """A species without spread in a measurement is refused."""
    same = penguins.measurements.copy()
    same[penguins.labels == 1, 2] = 200
    with pytest.raises(Refusal, match="birds of Chinstrap whose measurements vary"):
        fit_gaussians(same, penguins.labels)
