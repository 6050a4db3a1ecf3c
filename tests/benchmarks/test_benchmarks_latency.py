import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.latency import Latency, decode, encode

MICROSECONDS = st.integers(1, 10**9)


def filled(values: list[int]) -> Latency:
    latency = Latency()
    for value in values:
        latency.add(value)
    return latency


@given(st.lists(MICROSECONDS, min_size=1), st.floats(0.01, 1))
def test_quantiles_are_those_of_the_values(values: list[int], share: float) -> None:
    """A quantile is the value of the nearest rank, to 0.1 %."""
    right = sorted(values)[max(1, math.ceil(share * len(values) - 1e-9)) - 1]
    nearest = {right, sorted(values)[min(len(values), round(share * len(values)) or 1) - 1]}  # it rounds the rank
    assert any(filled(values).quantile(share) == pytest.approx(one, rel=2e-3, abs=1) for one in nearest)
    assert filled(values).mean() == pytest.approx(sum(values) / len(values), rel=2e-3, abs=1)


@given(st.lists(st.lists(MICROSECONDS, max_size=9), max_size=4))
def test_parts_add_up(parts: list[list[int]]) -> None:
    """Histograms add up after a journey in JSON."""
    total = Latency()
    for part in parts:
        total.counts.add(decode(encode(filled(part)), Latency).counts)
    assert encode(total) == encode(filled([value for part in parts for value in part]))


def test_without_requests_there_is_no_latency() -> None:
    """A run without requests is no error. A longer latency than an hour counts as an hour."""
    assert (Latency().quantile(0.5), Latency().mean(), Latency().requests) == (0, 0, 0)
    assert filled([-1, 10**15]).requests == 2
