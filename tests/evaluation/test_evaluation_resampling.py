"""Resampling: intervals, chances and corrections as other ways to compute them give them."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from evaluation.resampling import RESAMPLES, chances, corrected, interval, resampled_means


def test_intervals_are_those_of_scipy() -> None:
    """The interval is close to scipy's percentile bootstrap, of other random numbers."""
    values = np.random.default_rng(7).exponential(size=342)
    low, high = interval(resampled_means(values[:, None])[:, 0])
    expected = scipy.stats.bootstrap((values,), np.mean, method="percentile", rng=1).confidence_interval
    width = high - low
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=0.05 * width)


def test_columns_are_resampled_together() -> None:
    """Columns that differ by a constant differ by it in every resample: differences are paired."""
    values = np.random.default_rng(3).normal(size=(50, 1))
    means = resampled_means(np.hstack([values, values + 2]))
    np.testing.assert_allclose(means[:, 1] - means[:, 0], 2)
    assert means.shape == (RESAMPLES, 2)


def test_the_same_again() -> None:
    """Nothing is drawn anew: two calls give the same bits."""
    values = np.arange(20.0)[:, None]
    assert resampled_means(values).tobytes() == resampled_means(values).tobytes()


@pytest.mark.parametrize(("rows", "bad", "size", "within"), [(100, 20, 30, 12), (342, 3, 51, 2), (40, 10, 40, 10)])
def test_chances_are_hypergeometric(rows: int, bad: int, size: int, within: int) -> None:
    """For figures of 0 and 1, the chance is that of drawing as many bad rows from an urn."""
    values, members = np.zeros(rows), np.zeros(rows, np.bool_)
    members[:size] = True
    values[:within] = values[rows - (bad - within) :] = 1.0
    exact = scipy.stats.hypergeom(rows, bad, size).sf(within - 1)
    (found,) = chances(values[:, None], [members])
    assert found[0] == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / RESAMPLES) + 2 / RESAMPLES)


def test_blocks_are_drawn_apart() -> None:
    """If all that is bad is in the block that the group is, the group is as any other of its block."""
    blocks = np.repeat([0, 1], 50)
    members, values = np.arange(100) < 50, (np.arange(100) < 50).astype(float)
    assert chances(values[:, None], [members])[0, 0] < 0.001
    assert chances(values[:, None], [members], blocks)[0, 0] == 1.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_correction_is_holms(p_values: list[float]) -> None:
    """What is below 0.05 is what Holm's steps reject: p(1) <= a/m, p(2) <= a/(m-1), ..., until one is not."""
    found = corrected(np.array(p_values))
    for level in (0.01, 0.05, 0.5):
        rejected: list[int] = []
        for step, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
            if p_values[place] * (len(p_values) - step) > level:
                break
            rejected.append(place)
        assert set(rejected) == set(np.flatnonzero(found <= level).tolist())
    assert (found >= np.array(p_values) - 1e-12).all()
    assert found.max() <= 1


def test_correction_keeps_the_shape() -> None:
    """A table of p-values stays a table."""
    assert corrected(np.full((3, 4), 0.01)).shape == (3, 4)
    assert corrected(np.array([[0.01, 0.04]])).tolist() == [[0.02, 0.04]]
