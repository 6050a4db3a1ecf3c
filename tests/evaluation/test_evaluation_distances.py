"""Gaussians and distances: against numpy's double precision, and the limit against its definition."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from contract.refusal import Refusal
from evaluation.distances import BLOCK, FALSE_ALARMS, distance_limit, distances, fit_gaussians, held_out_distances

CLASSES = ("low", "middle", "high")
LABELS = np.arange(300) % 3


def drawn(seed: int = 0, rows: int = 300, inputs: int = 4) -> npt.NDArray[np.float32]:
    """Draw rows of three classes, whose inputs are correlated and of different sizes."""
    random = np.random.default_rng(seed)
    turned = np.linalg.qr(random.normal(size=(inputs, inputs)))[0]  # keeps every direction's variance
    mixed = random.normal(size=(rows, inputs)) @ turned * random.uniform(0.5, 2, inputs)
    moved = mixed + 3 * (np.arange(rows) % 3)[:, None]
    rows_drawn: npt.NDArray[np.float32] = (moved * 10.0 ** np.arange(inputs)).astype(np.float32)
    return rows_drawn


def test_a_distance_is_in_standard_deviations() -> None:
    """Squared distances have the mean of the chi-squared distribution."""
    rows = drawn()
    own, gaussian = rows[LABELS == 0], fit_gaussians(rows, LABELS, CLASSES)["low"]
    squared = distances(own, {"low": gaussian}).astype(np.float64) ** 2
    assert squared.mean() == pytest.approx(4 * (len(squared) - 1) / len(squared), rel=1e-4)


@given(st.integers(0, 1000), st.integers(1, 8))
def test_a_distance_is_that_of_mahalanobis(seed: int, inputs: int) -> None:
    """Each distance is scipy's, to the rounding of float32, in every block of rows."""
    rows = drawn(seed, inputs=inputs)
    known = rows[LABELS == 1].astype(np.float64)
    inverse = np.linalg.inv(np.atleast_2d(np.cov(known, rowvar=False)))
    asked = np.tile(rows, (BLOCK // len(rows) + 2, 1))
    expected = cdist(asked, known.mean(axis=0)[None], "mahalanobis", VI=inverse)[:, 0]
    found = distances(asked, {"middle": fit_gaussians(rows, LABELS, CLASSES)["middle"]})
    assert np.allclose(found, expected, rtol=2e-3, atol=2e-3)


def test_the_nearest_class_counts() -> None:
    """A row's distance is that to the nearest class."""
    rows = drawn()
    gaussians = fit_gaussians(rows, LABELS, CLASSES)
    each = [distances(rows, {name: gaussian}) for name, gaussian in gaussians.items()]
    assert np.array_equal(distances(rows, gaussians), np.min(each, axis=0))


def test_a_row_has_no_part_in_its_own_held_out_distance() -> None:
    """A row that is moved away is far, and the others of its fold keep their distance."""
    rows, folds = drawn(), np.arange(300) // 3 % 5
    before = held_out_distances(rows, LABELS, folds, CLASSES)
    moved = rows.copy()
    moved[0] *= -20
    after = held_out_distances(moved, LABELS, folds, CLASSES)
    same = folds == folds[0]
    same[0] = False
    assert np.array_equal(before[same], after[same])
    assert after[0] > 5 * before[0]


@given(st.lists(st.floats(0, 9, width=32), min_size=1, max_size=400))
def test_the_limit_lets_99_of_100_pass(values: list[float]) -> None:
    """One row in a hundred is above the limit, and the limit is no larger than needed."""
    found: npt.NDArray[np.float32] = np.array(values, np.float32)
    limit = distance_limit(found)
    assert limit in found
    assert (found > limit).sum() <= FALSE_ALARMS * (len(found) + 1)
    if len(found) >= 100:
        assert (found >= limit).sum() > FALSE_ALARMS * (len(found) + 1) - 1


def _constant(rows: npt.NDArray[np.float32]) -> None:
    rows[LABELS == 1, 2] = 200


def _determined(rows: npt.NDArray[np.float32]) -> None:
    rows[LABELS == 1, 2] = 2 * rows[LABELS == 1, 0] - rows[LABELS == 1, 1]


def _tiny(rows: npt.NDArray[np.float32]) -> None:
    rows[LABELS == 1, 2] = np.where(np.arange(100) % 2, np.float32(1e-42), 0)


@pytest.mark.parametrize("spoil", [_constant, _determined, _tiny])
def test_rows_that_do_not_vary_are_refused(spoil: object) -> None:
    """A class without spread in an input, or with an input that others determine, is refused."""
    rows = drawn()
    assert callable(spoil)
    spoil(rows)
    with pytest.raises(Refusal, match="birds of middle whose inputs vary independently, found 100"):
        fit_gaussians(rows, LABELS, CLASSES, "bird")


def test_a_class_of_one_row_is_refused() -> None:
    """One row has no covariance."""
    with pytest.raises(Refusal, match="found 1 that do not"):
        fit_gaussians(drawn(rows=1), np.array([0]), ["low"])


def test_a_row_beyond_float32_is_infinitely_far() -> None:
    """A square that float32 cannot hold is infinite, without a warning."""
    rows = drawn()
    far = np.full((1, 4), 3e38, np.float32)
    assert distances(far, fit_gaussians(rows, LABELS, CLASSES))[0] == np.inf
