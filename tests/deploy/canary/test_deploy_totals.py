"""Counters of many instances, which come late, go, and are started again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.metrics import DURATION, STARTED, WORKER_ENDS
from deploy.canary.scrape import Samples, Series
from deploy.canary.totals import CounterTotals

BEGAN = 1000.0
COUNT = f"{DURATION}_count"


def instance(name: str, count: float, started: float | None, status: str = "200", ends: float = 0) -> Samples:
    """Return what one instance shows. A scraper adds its name; without one it is a page that was read directly."""
    own = (("instance", name), ("job", "p")) if name else ()
    found = {Series(COUNT, tuple(sorted((*own, ("http_response_status_code", status))))): count}
    found[Series(WORKER_ENDS, own)] = ends
    if started is not None:
        found[Series(STARTED, own)] = started
    return found


def counted(totals: CounterTotals) -> float:
    """Return all requests that were counted."""
    return sum(value for series, value in totals.total().items() if series.name == COUNT)


@pytest.mark.parametrize(
    ("started", "expected"),
    [(BEGAN - 500, 0), (None, 0), (BEGAN + 5, 9000)],
    ids=["started before", "nobody knows when", "started since"],
)
def test_a_late_instance_brings_only_what_it_did_since(started: float | None, expected: float) -> None:
    """An instance that appears late counts from then on, and from 0 only if it is younger than the canary."""
    totals = CounterTotals()
    totals.add(instance("a", 100, BEGAN - 900), BEGAN)
    totals.add({**instance("a", 110, BEGAN - 900), **instance("b", 9000, started)}, BEGAN + 10)
    assert counted(totals) == 10 + expected
    totals.add({**instance("a", 110, BEGAN - 900), **instance("b", 9007, started)}, BEGAN + 20)
    assert counted(totals) == 17 + expected
    assert totals.restarts == 0


def test_a_metric_that_comes_after_its_instance_brings_no_life() -> None:
    """An instance that is known by its start time only is not known by its counters."""
    totals = CounterTotals()
    totals.add({Series(STARTED, (("instance", "a"), ("job", "p"))): 1.0}, BEGAN)
    totals.add(instance("a", 9000, 1.0), BEGAN + 10)
    assert counted(totals) == 0


@pytest.mark.parametrize("name", ["a", ""], ids=["scraped", "read directly"])
def test_a_new_status_of_a_known_instance_counts_from_nothing(name: str) -> None:
    """The first 500 of an instance that was there counts."""
    totals = CounterTotals()
    totals.add(instance(name, 100, 1.0), BEGAN)
    totals.add({**instance(name, 100, 1.0), **instance(name, 3, 1.0, "500")}, BEGAN + 10)
    assert counted(totals) == 3


def test_a_dead_instance_that_lingers_adds_nothing() -> None:
    """Series that go, stay or come back with the same values add nothing."""
    totals = CounterTotals()
    both = {**instance("a", 100, 1.0), **instance("b", 50, 1.0)}
    for page in (both, instance("a", 100, 1.0), both, both):
        totals.add(page, BEGAN)
    assert counted(totals) == 0
    assert totals.restarts == 0


def test_a_process_that_is_started_again_is_counted() -> None:
    """Another start time of the same instance, and a worker that ended, are restarts. Another instance is none."""
    totals = CounterTotals()
    totals.add(instance("a", 100, 1.0), BEGAN)
    totals.add({**instance("a", 5, 1000.5), **instance("b", 5, 1001.0)}, BEGAN + 10)
    assert (totals.restarts, counted(totals)) == (1, 10)
    totals.add({**instance("a", 6, 1000.5, ends=2), **instance("b", 5, 1001.0)}, BEGAN + 20)
    assert totals.restarts == 3


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8), st.integers(0, 10**6))
def test_a_counter_adds_up(steps: list[int], life: int) -> None:
    """What is counted since the first page does not depend on what was counted before."""
    totals, value = CounterTotals(), life
    totals.add(instance("a", value, 1.0), BEGAN)
    for step in steps:
        value += step
        totals.add(instance("a", value, 1.0), BEGAN)
    assert counted(totals) == sum(steps)
    assert sum(v for s, v in totals.lifetime().items() if s.name == COUNT) == value
