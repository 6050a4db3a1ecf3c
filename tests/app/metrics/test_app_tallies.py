"""Histograms: many values are counted as each would be."""

from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from app.metrics.cells import Cells
from app.metrics.families import (
    DURATIONS,
    FAMILIES,
)
from app.metrics.tallies import tally, tally_one

VALUES = st.lists(st.floats(0, 20) | st.sampled_from(DURATIONS), min_size=1, max_size=300)


@given(VALUES)
def test_many_are_counted_as_each_would_be(values: list[float]) -> None:
    """A value on a bound is in that bound's bucket, and a larger one in the last bucket."""
    together, each = Cells().take("x", len(DURATIONS) + 2), Cells().take("x", len(DURATIONS) + 2)
    for number in values:
        tally_one(number, DURATIONS, each)
    tally(list(values), DURATIONS, together)
    assert together.tolist() == each.tolist()
    assert sum(together) == len(values)


def test_buckets_go_from_ten_microseconds_to_ten_seconds() -> None:
    """The buckets are sorted, from ten microseconds to ten seconds."""
    assert (DURATIONS[0], DURATIONS[-1]) == (1e-5, 10)
    assert all(list(family.bounds) == sorted(set(family.bounds)) for family in FAMILIES.values())


@given(st.floats(0, 1))
def test_the_bin_of_a_value(probability: float) -> None:
    """A live value is in the bin in which training put it."""
    edges = (0.25, 0.5, 0.75)
    cells = Cells().take("x", 4)
    tally([probability], edges, cells)
    assert cells.tolist().index(1) == bisect_left(edges, probability)
