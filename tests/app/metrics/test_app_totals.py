"""Sums over all workers, dead ones included."""

import os

import pytest

from app.core.prediction_record import PredictionRecord
from app.metrics.cells import Cells, new_file
from app.metrics.exposition import add_up
from app.metrics.families import ACTIVE, ERRORS, FALLBACK, MODEL, READY
from app.metrics.request_counts import Metrics
from app.metrics.totals import Totals
from contract.metrics import COMPARISONS, PREDICTIONS
from contract.reading import PENGUINS, read_contract
from tests.support.telemetry import samples, value

CONTRACT = read_contract(PENGUINS)


def test_counters_of_the_dead_stay_and_their_gauges_go() -> None:
    """Counters of dead workers stay, their gauges go, and some gauges take the maximum."""
    dead = {ERRORS: [3], ACTIVE: [1], MODEL: [1]}
    assert add_up([{ERRORS: [2], ACTIVE: [1], MODEL: [1]}, {ACTIVE: [1], MODEL: [1]}], dead) == {
        ERRORS: [5],
        ACTIVE: [2],
        MODEL: [1],
    }


@pytest.mark.parametrize(("one", "other"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_one_worker_is_enough_for_an_alarm(one: int, other: int) -> None:
    """Ready is the minimum over the workers, and a fallback is the maximum."""
    found = add_up([{READY: [one], FALLBACK: [one]}, {READY: [other], FALLBACK: [other]}])
    assert found == {READY: [one and other], FALLBACK: [one or other]}


def test_a_worker_that_is_not_there_is_not_ready() -> None:
    """The service is ready only when every wanted worker is ready."""
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


def test_models_that_nobody_serves_any_more_go_with_the_dead() -> None:
    """A supervisor keeps counts of few models after many swaps, and all other counts."""
    totals = Totals(2)
    for number in range(20):
        counters = new_file()
        totals.begin(number, counters)
        metrics = Metrics(Cells(counters))
        os.close(counters)
        metrics.set_model(f"v{number // 2}", CONTRACT)
        metrics.predictions.append(
            PredictionRecord((40.0, 15.0, 200.0, 4000.0), 0, 0.5, model_version=f"v{number // 2}")
        )
        metrics.set_challenger(f"v{number // 2}", f"c{number}", {"agree": 1})
        metrics.flush()
        metrics.error("rate")
        totals.end(number)
    found = samples(totals.render().decode())
    assert {dict(labels).get("version") for _, labels in found} == {None, "v9"}
    assert value(found, PREDICTIONS, version="v9") == 2
    assert value(found, ERRORS, kind="rate") == 20
    assert value(found, COMPARISONS) == 1
