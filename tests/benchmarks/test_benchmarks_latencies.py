import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.latencies import quantile, shown


@given(st.lists(st.floats(0, 1e9), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_the_value_of_the_nearest_rank(values: list[float], share: float) -> None:
    """At least this share of the values is not above it, and less is below it."""
    found = quantile(sorted(values), share)
    assert found in values
    assert sum(value <= found for value in values) >= math.floor(share * len(values))
    assert sum(value < found for value in values) <= share * len(values)


def test_without_requests_there_is_no_latency() -> None:
    """A run without requests is no error."""
    assert quantile([], 0.5) == 0


@pytest.mark.parametrize(("count", "found"), [(1_000, 989.0), (999, None)])
def test_a_quantile_is_shown_if_ten_values_are_beyond_it(count: int, found: float | None) -> None:
    """Of fewer than a thousand requests, no p99 is shown."""
    assert shown([float(value) for value in range(count)], 0.99) == found
