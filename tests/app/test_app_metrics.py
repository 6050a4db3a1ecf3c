"""Counters and their page: added up rightly, in memory that outlives who counts."""

import os
import random
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cells import SIZE, WORD, Cells, new_file
from app.exposition import add_up, exposition
from app.families import ACTIVE, CONFIDENCES, DURATION, DURATIONS, ERRORS, FALLBACK, FAMILIES, MODEL, READY, series
from app.metrics import Metrics
from app.observed import Prediction
from app.tallies import tally, tally_one
from app.totals import Totals
from contract.drift import Reference, Variable
from tests.telemetry import checked, samples, value

VALUES = st.lists(st.floats(0, 20) | st.sampled_from(DURATIONS), min_size=1, max_size=300)


@given(VALUES)
def test_many_are_counted_as_each_would_be(values: list[float]) -> None:
    """Values on a bound are in its bucket; those beyond the last one in a bucket of their own."""
    together, each = Cells().take("x", len(DURATIONS) + 2), Cells().take("x", len(DURATIONS) + 2)
    for number in values:
        tally_one(number, DURATIONS, each)
    tally(list(values), DURATIONS, together)
    assert together.tolist() == each.tolist()
    assert sum(together) == len(values)


def test_buckets_go_from_ten_microseconds_to_ten_seconds() -> None:
    """And are sorted."""
    assert (DURATIONS[0], DURATIONS[-1]) == (1e-5, 10)
    assert all(list(family.bounds) == sorted(set(family.bounds)) for family in FAMILIES.values())


@given(st.dictionaries(st.text(min_size=1, max_size=40), st.integers(0, 2**64 - 1), max_size=30))
def test_a_reader_elsewhere_sees_what_was_counted(wanted: dict[str, int]) -> None:
    """Through the descriptor alone, whatever the names."""
    descriptor = new_file()
    writer, reader = Cells(descriptor), Cells(descriptor)
    os.close(descriptor)
    for name, number in wanted.items():
        writer.take(name, 1)[0] = number
    assert reader.read() == {name: [number] for name, number in wanted.items()}


def test_memory_that_is_full_harms_nobody() -> None:
    """What comes too late is not shown."""
    cells = Cells()
    for number in range(SIZE // WORD // 20):
        cells.take(f"series_{number}", 25)[0] += 1
    found = cells.read()
    assert 0 < len(found) < SIZE // WORD // 20
    assert all(counts[0] == 1 for counts in found.values())


def test_counters_of_the_dead_stay_and_their_gauges_go() -> None:
    """And of the living the most is taken where adding up makes no sense."""
    dead = {ERRORS: [3], ACTIVE: [1], MODEL: [1]}
    assert add_up([{ERRORS: [2], ACTIVE: [1], MODEL: [1]}, {ACTIVE: [1], MODEL: [1]}], dead) == {
        ERRORS: [5],
        ACTIVE: [2],
        MODEL: [1],
    }


@pytest.mark.parametrize(("one", "other"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_one_worker_is_enough_for_an_alarm(one: int, other: int) -> None:
    """Ready is the least of them, a fallback in use the most."""
    found = add_up([{READY: [one], FALLBACK: [one]}, {READY: [other], FALLBACK: [other]}])
    assert found == {READY: [one and other], FALLBACK: [one or other]}


def test_a_worker_that_is_not_there_is_not_ready() -> None:
    """Not started yet, started without a word yet, ended: the service is ready when all that are wanted are."""
    totals = Totals(2)
    assert b"penguins_ready 0\n" in totals.render()
    workers = {process: new_file() for process in (os.getpid(), os.getppid())}
    ready = []
    for process, counters in workers.items():
        totals.begin(process, counters)
        assert b"penguins_ready 0\n" in totals.render()
        ready.append(Cells(counters).take(READY, 1))
        os.close(counters)
        ready[-1][0] = 1
    assert b"penguins_ready 1\n" in totals.render()
    totals.end(os.getppid())
    assert b"penguins_ready 0\n" in totals.render()


def watched() -> Metrics:
    """All that can be counted, counted."""
    metrics = Metrics(Cells())
    variable = Variable((40.0,), (10, 20), 30.0)
    metrics.set_model('1"\\\n2', Reference({"bill_length_mm": variable, "confidence": variable}), name="penguin")
    generator = random.Random(1)  # noqa: S311  # not secrets
    for _ in range(1000):
        row = (generator.uniform(30, 60), 15.0, 200.0, 4000.0)
        metrics.predictions.append(Prediction(row, generator.randrange(3), generator.random(), 1.5, True, 2))
    metrics.watch_route("POST", "/predict").extend(generator.random() for _ in range(100))
    metrics.request("BREW", "", 405, 0.001)
    metrics.error("method")
    metrics.rejected("rate")
    metrics.set_startup(0.25)
    metrics.set_outcome("bundle", "load", "ok", 3)
    metrics.set_challenger("agree", 12)
    metrics.set_fallback(True)
    metrics.set_connections([0, 4, 4], 1, ready=True)
    metrics.set_log_lines("written", 7)
    metrics.flush()
    return metrics


def test_the_page_is_what_prometheus_reads() -> None:
    """promtool finds nothing wrong with names, help and kinds."""
    assert checked(exposition(watched().cells.read()).decode()) == ""


def test_the_page_says_what_was_counted() -> None:
    """Buckets are cumulative; sums and counts agree."""
    found = samples(exposition(watched().cells.read()).decode())
    assert value(found, f"{DURATION}_count", http_route="/predict") == 100
    assert value(found, f"{DURATION}_count", http_request_method="_OTHER", http_response_status_code="405") == 1
    assert value(found, f"{DURATION}_bucket", le="10.0") == 101
    assert 0 < value(found, f"{DURATION}_sum", http_route="/predict") < 100
    assert value(found, "penguins_predictions_total") == 1000
    assert value(found, "penguins_prediction_set_size_bucket", le="1.0") == 0
    assert value(found, "penguins_prediction_set_size_bucket", le="2.0") == 1000
    assert value(found, "penguins_drift_observations_total", variable="bill_length_mm") == 1000
    assert value(found, "penguins_drift_observations_total", variable="bill_length_mm", bin="0") < 600
    assert value(found, "penguins_connections", state="idle") == 2
    assert value(found, "penguins_startup_seconds") == 0.25
    bounds = [value(found, "penguins_prediction_confidence_bucket", le=str(bound)) for bound in CONFIDENCES]
    assert bounds == sorted(bounds)


def test_another_model_takes_the_place_of_the_first() -> None:
    """One is served at a time."""
    metrics = Metrics(Cells())
    for version in ("1", "2"):
        metrics.set_model(version)
    assert [metrics.cells.read()[series(MODEL, version=version)] for version in ("1", "2")] == [[0], [1]]


@given(st.floats(0, 1))
def test_the_bin_of_a_value(probability: float) -> None:
    """Live values go to the bin where training put the same ones."""
    edges = (0.25, 0.5, 0.75)
    cells = Cells().take("x", 4)
    tally([probability], edges, cells)
    assert cells.tolist().index(1) == bisect_left(edges, probability)
