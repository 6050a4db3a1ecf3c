"""What a worker counts, and the page that shows it."""

import random

from app.core.prediction_record import PredictionRecord
from app.http.deadlines import FIRST, IDLE
from app.metrics.cells import Cells
from app.metrics.exposition import exposition
from app.metrics.families import CONFIDENCES, MODEL, series
from app.metrics.request_counts import Metrics
from contract.drift import DriftBaseline, Variable
from contract.metrics import COMPARISONS, DURATION, PREDICTIONS
from contract.reading import PENGUINS, read_contract
from tests.app.metrics.names import names_models
from tests.support.telemetry import checked, samples, value

CONTRACT = read_contract(PENGUINS)
SPECIES = CONTRACT.output.classes


def watched() -> Metrics:
    """Count everything that can be counted."""
    metrics = Metrics(Cells())
    variable = Variable((40.0,), (10, 20), 30.0)
    metrics.set_model('1"\\\n2', CONTRACT, DriftBaseline({"bill_length_mm": variable, "confidence": variable}))
    generator = random.Random(1)  # noqa: S311  # not secrets
    for _ in range(1000):
        row = (generator.uniform(30, 60), 15.0, 200.0, 4000.0)
        metrics.predictions.append(
            PredictionRecord(row, generator.randrange(3), generator.random(), 1.5, True, 2, '1"\\\n2')
        )
    metrics.watch_route("POST", "/predict").extend(generator.random() for _ in range(100))
    metrics.request("BREW", "", 405, 0.001)
    metrics.error("method")
    metrics.rejected("rate")
    metrics.set_startup(0.25)
    metrics.set_outcome("bundle", "load", "ok", 3)
    metrics.set_challenger("1", "2", {"agree": 12})
    metrics.set_fallback(True)
    metrics.set_connections([FIRST, IDLE, IDLE], 1, ready=True)
    metrics.set_log_lines("written", 7)
    metrics.flush()
    return metrics


def test_promtool_accepts_the_page_of_all_counters() -> None:
    """promtool accepts the page's names, help and kinds."""
    assert checked(exposition(watched().cells.read()).decode()) == ""


def test_the_page_says_what_was_counted() -> None:
    """Buckets are cumulative, and sums and counts agree."""
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
    """The page shows one model as served."""
    metrics = Metrics(Cells())
    for version in ("1", "2"):
        metrics.set_model(version, CONTRACT)
    assert [metrics.cells.read()[series(MODEL, version=version)] for version in ("1", "2")] == [[0], [1]]


def answers_of(*versions: str) -> list[PredictionRecord]:
    """Make a prediction of each version."""
    return [PredictionRecord((40.0, 15.0, 200.0, 4000.0), 0, 0.9, 1.5, True, 1, version) for version in versions]


def test_an_answer_is_counted_for_the_model_that_gave_it() -> None:
    """An answer counts for its own model, before or after the swap is known."""
    reference = DriftBaseline({"bill_length_mm": Variable((45.0,), (10, 20), 30.0)})
    metrics = Metrics(Cells())
    metrics.set_model("1", CONTRACT, reference)
    metrics.predictions += answers_of("1", "1", "2", "1")
    metrics.set_model("2", CONTRACT, reference)
    metrics.predictions += answers_of("2", "1")
    metrics.flush()
    found = samples(exposition(metrics.cells.read()).decode())
    for family in (
        *("penguins_predictions_total", "penguins_prediction_confidence_count", "penguins_prediction_distance_count"),
        *("penguins_prediction_set_size_count", "penguins_drift_observations_total"),
    ):
        assert [value(found, family, version=version) for version in ("1", "2")] == [4, 2], family
    metrics.predictions += answers_of("3")
    metrics.flush()
    metrics.set_model("3", CONTRACT, reference)
    assert metrics.cells.read()[series(PREDICTIONS, version="3", species=SPECIES[0])] == [1]


def test_many_swaps_leave_series_of_few_models() -> None:
    """Hundreds of swaps leave as many series as the first, and the served model is among them."""
    reference = DriftBaseline({"bill_length_mm": Variable((45.0,), (10, 20), 30.0)})
    metrics = Metrics(Cells())
    sizes = set()
    for number in range(500):
        version = f"{number:064}"
        metrics.set_model(version, CONTRACT, reference)
        metrics.predictions += answers_of(version)
        metrics.flush()
        metrics.set_challenger(version, f"{number + 1:064}", {"agree": 5})
        found = metrics.cells.read()
        assert found[series(MODEL, version=version)] == [1]
        assert found[series(PREDICTIONS, version=version, species=SPECIES[0])] == [1]
        if number:
            sizes.add(sum(map(names_models, found)))
    assert len(sizes) == 1
    for stray in range(5):  # of models that were swapped away before anybody looked
        metrics.predictions += answers_of(f"stray{stray}")
        metrics.flush()
    assert metrics.cells.read()[series(PREDICTIONS, version=version, species=SPECIES[0])] == [1]


def test_comparisons_are_of_two_models_and_never_go_back() -> None:
    """A repeated comparison counts on; a comparison of others replaces the old series."""
    metrics = Metrics(Cells())
    for count in (3, 5, 2):  # the last of a comparison that began anew
        metrics.set_challenger("1", "2", {"agree": count})
    assert metrics.cells.read()[series(COMPARISONS, version="1", challenger="2", result="agree")] == [7]
    metrics.set_challenger("1", "3", {"agree": 1})
    found = {name: cells for name, cells in metrics.cells.read().items() if name.startswith(COMPARISONS)}
    assert found == {series(COMPARISONS, version="1", challenger="3", result="agree"): [1]}
