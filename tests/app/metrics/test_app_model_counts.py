"""What is counted of predictions of every kind: numbers, labels, many classes, missing values."""

import json
import re
from collections.abc import Callable
from math import inf

import numpy as np
import pytest

from app.answers.bundle_answers import BundleAnswers
from app.core.prediction_record import PredictionRecord
from app.metrics.cells import Cells
from app.metrics.exposition import exposition
from app.metrics.families import OBSERVED, escaped
from app.metrics.request_counts import Metrics
from contract.drift import MAX_INPUTS, DriftBaseline, Variable
from contract.metrics import PREDICTIONS
from contract.schema import Contract, Input, Output
from evaluation.drift import drift_baseline
from score.bundle import Bundle
from tests.support.apples import KINDS, Compiled
from tests.support.telemetry import checked, samples, value

CONFIDENCE, SET_SIZE = "penguins_prediction_confidence", "penguins_prediction_set_size"
DISTANCE, OUTSIDE = "penguins_prediction_distance", "penguins_out_of_distribution_total"


def page_of(metrics: Metrics) -> str:
    metrics.flush()
    return exposition(metrics.cells.read()).decode()


def counted(contract: Contract, records: list[PredictionRecord], baseline: DriftBaseline | None = None) -> str:
    """Return the page after these predictions of one model."""
    metrics = Metrics(Cells())
    metrics.set_model("v", contract, baseline)
    metrics.predictions += records
    return page_of(metrics)


def records_of(bundle: Bundle, apple: Compiled, count: int) -> list[PredictionRecord]:
    """Return the records of predictions of random apples, some of them with missing values."""
    answers = BundleAnswers(bundle.library, bundle.contract, "v", None, bundle.uncertainty)
    found = [answers.predict(json.dumps(document).encode()).prediction for document in apple.documents(count)]
    return [record for record in found if record is not None]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_answer_is_counted(
    apples: Callable[[str], Compiled], apple_bundle: Callable[[str], Bundle], kind: str
) -> None:
    """Answers are counted by class, or as one number; only probabilities have a histogram, only distances another."""
    apple, output = apples(kind), apples(kind).contract.output
    records = records_of(apple_bundle(kind), apple, 50)
    page = counted(apple.contract, records)
    found = samples(page)
    assert checked(page) == ""
    assert value(found, PREDICTIONS) == 50
    for label, name in enumerate(output.classes):
        own = value(found, PREDICTIONS, **{output.label: name})
        assert own == sum(record.label == label for record in records)
    assert value(found, f"{CONFIDENCE}_count") == (50 if output.kind == "classes" else 0)
    assert (CONFIDENCE in page) == (output.kind == "classes")
    whole = [record.distance for record in records if 0 <= record.distance < inf]
    assert value(found, f"{DISTANCE}_count") == len(whole)
    assert value(found, f"{DISTANCE}_sum") == pytest.approx(sum(whole), abs=1e-3)
    judged = kind in ("classes", "label", "number")
    assert value(found, OUTSIDE) == sum(judged and not record.in_distribution for record in records)
    assert value(found, f"{SET_SIZE}_sum") == sum(record.set_size for record in records)


@pytest.mark.parametrize("kind", KINDS)
def test_drift_counts_what_is_there(
    apples: Callable[[str], Compiled], apple_bundle: Callable[[str], Bundle], kind: str
) -> None:
    """Each input is counted as often as it had a value, in the bin of its number; the answers are counted too."""
    apple, bundle = apples(kind), apple_bundle(kind)
    rows = apple.rows(200, seed=8)
    batch = bundle.library.predict_rows(rows.tobytes(), 0, len(rows))
    values = np.frombuffer(batch.values, np.float32).reshape(len(rows), -1)
    baseline = drift_baseline(apple.contract, rows, values)
    records = records_of(bundle, apple, 60)
    found = samples(counted(apple.contract, records, baseline))
    for place, each in enumerate(apple.contract.inputs):
        present = [float(record.row[place]) for record in records if record.row[place] is not None]
        assert value(found, OBSERVED, variable=each.name) == len(present)
        assert (len(present) < 60) == each.missing
        if each.categories:
            for number in range(len(each.categories)):
                assert value(found, OBSERVED, variable=each.name, bin=str(number)) == present.count(number)
    variables = {"classes": ("use", "confidence"), "binary": ("taste", "confidence"), "label": ("taste",)}
    for name in variables.get(kind, ("prediction",) if kind == "number" else ()):
        assert value(found, OBSERVED, variable=name) == 60


def many(classes: int) -> Contract:
    names = tuple(f'class "{number}"\\\n' for number in range(classes))
    return Contract(name="many", inputs=(Input("x"),), output=Output(classes=names, label="kind"))


def test_a_hundred_classes_have_a_series_each() -> None:
    """A model of a hundred classes has a series for each, with its name escaped, and sets of any size."""
    contract = many(100)
    records = [PredictionRecord((1.0,), label, 0.5, -1.0, False, label + 1, "v") for label in range(100)]
    page = counted(contract, records)
    assert checked(page) == ""
    found = samples(page)
    for name in contract.output.classes:
        assert value(found, PREDICTIONS, kind=escaped(name)) == 1
    assert value(found, f"{SET_SIZE}_bucket", le="10.0") == 10
    assert value(found, f"{SET_SIZE}_bucket", le="100.0") == 100


def test_a_distance_of_any_size_is_counted() -> None:
    """Huge distances are counted in the last bucket, those that are infinite are not; no sum overflows."""
    contract = Contract(name="far", inputs=(Input("x"),), output=Output(kind="number"))
    records = [PredictionRecord((1e30,), 0, 1.0, distance, False, 0, "v") for distance in (0.25, 1e30, 3e38, inf)]
    found = samples(counted(contract, records))
    assert value(found, f"{DISTANCE}_count") == 3
    assert value(found, f"{DISTANCE}_bucket", le="50.0") == 1
    assert value(found, PREDICTIONS) == value(found, OUTSIDE) == 4


@pytest.mark.parametrize("number", [inf, -inf, float("nan"), 1e308, 0.0])
def test_a_number_of_any_size_is_counted(number: float) -> None:
    """Whatever the model answers, the prediction is counted."""
    contract = Contract(name="odd", inputs=(Input("x"),), output=Output(kind="number"))
    baseline = DriftBaseline({"prediction": Variable((0.0, 1.0), (5, 5, 5), 20.0), "x": Variable((1.0,), (5, 5), 20.0)})
    records = [PredictionRecord((2.0,), 0, each, -1.0, False, 0, "v") for each in (number, 0.5, number)]
    found = samples(counted(contract, records, baseline))
    assert value(found, PREDICTIONS) == 3
    assert value(found, OBSERVED, variable="x", bin="1") == 3
    assert value(found, OBSERVED, variable="prediction") == 3


def test_an_answer_may_have_the_name_of_an_input() -> None:
    """A class and an input of the same name are two variables."""
    contract = Contract(name="same", inputs=(Input("kind"), Input("confidence")), output=many(2).output)
    rows = np.random.default_rng(1).normal(size=(50, 2)).astype(np.float32)
    baseline = drift_baseline(contract, rows, np.array([[0.25, 0.75]] * 50, np.float32))
    assert set(baseline.variables) == {"kind", "confidence", "kind_of_answer", "confidence_of_answer"}
    records = [PredictionRecord((0.0, 0.0), 1, 0.75, -1.0, False, 0, "v")] * 3
    found = samples(counted(contract, records, baseline))
    for variable in baseline.variables:
        assert value(found, OBSERVED, variable=variable) == 3
    assert value(found, OBSERVED, variable="kind_of_answer", bin="1") == 3


def test_the_memory_of_two_wide_models_suffices() -> None:
    """The series of two models with as many inputs and classes as are watched find room."""
    inputs = tuple(Input(f"a rather long name of an input {number}") for number in range(2_000))
    contract = Contract(name="wide", inputs=inputs, output=many(100).output)
    rows = np.random.default_rng(1).normal(size=(60, 2_000)).astype(np.float32)
    shares = np.full((60, 100), 0.01, np.float32)
    shares[:, 0] += np.linspace(0, 0.001, 60, dtype=np.float32)
    metrics, baseline = Metrics(Cells()), drift_baseline(contract, rows, shares)
    assert len(baseline.variables) == MAX_INPUTS + 2
    for version in ("one", "two"):
        metrics.set_model(version, contract, baseline)
        row = tuple(map(float, range(2_000)))
        metrics.predictions.append(PredictionRecord(row, 7, 0.01, -1.0, False, 0, version))
        found = samples(re.sub(r"\\.", "_", page_of(metrics)))
        assert value(found, OBSERVED, version=version) == MAX_INPUTS + 2
