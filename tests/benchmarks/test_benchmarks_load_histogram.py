import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load.histogram import RELATIVE_ERROR, Histogram, bucket_of, merged, middle_of

MICROSECONDS = st.integers(0, 10**9)


def filled(values: list[int]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


@given(MICROSECONDS)
def test_a_bucket_stands_for_its_values(value: int) -> None:
    """Within the relative error; below 128 exactly."""
    assert abs(middle_of(bucket_of(value)) - value) <= RELATIVE_ERROR * value
    assert value >= 128 or middle_of(bucket_of(value)) == value


@given(MICROSECONDS)
def test_buckets_are_in_the_order_of_values(value: int) -> None:
    """Without gaps: the next value is in the same bucket or the next one."""
    assert bucket_of(value + 1) - bucket_of(value) in (0, 1)


@given(st.lists(MICROSECONDS, min_size=1), st.floats(0, 1))
def test_quantiles_are_those_of_the_values(values: list[int], share: float) -> None:
    """The nearest rank, within the relative error; the highest is exact."""
    right = sorted(values)[max(1, math.ceil(share * len(values) - 1e-9)) - 1]
    histogram = filled(values)
    assert histogram.quantile(share) == pytest.approx(right, rel=RELATIVE_ERROR)
    assert histogram.highest_us == max(values)
    assert histogram.mean() == pytest.approx(sum(values) / len(values), rel=RELATIVE_ERROR)


@given(st.lists(st.lists(MICROSECONDS)))
def test_merging_is_adding(parts: list[list[int]]) -> None:
    """All at once, or in parts that are merged after a journey as JSON: the same histogram."""
    travelled = [msgspec.json.decode(msgspec.json.encode(filled(part)), type=Histogram) for part in parts]
    assert merged(travelled) == filled([value for part in parts for value in part])


def test_of_nothing_there_is_no_latency() -> None:
    """Not an error, as a run may have been broken off."""
    assert Histogram().quantile(0.5) == 0
    assert Histogram().mean() == 0
    assert Histogram().requests == 0
