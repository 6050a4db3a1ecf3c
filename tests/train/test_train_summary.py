"""training.json and training_rows.csv: what the next stages read."""

import csv
import json
from hashlib import sha256
from io import StringIO
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import xgboost
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from contract.training import TrainingSummary
from train.contract import CLASSES, CONTRACT
from train.model import PARAMETERS, ROUNDS
from train.penguins import Penguins
from train.summary import rows_csv


def test_names_its_data_and_model(summary: TrainingSummary, data: Path, booster: xgboost.Booster) -> None:
    """The summary has the digests of the data and the model."""
    assert summary.data_sha256 == sha256(data.read_bytes()).hexdigest()
    assert summary.model_sha256 == sha256(booster.save_raw("json")).hexdigest()


def test_states_the_rows_and_parameters(summary: TrainingSummary) -> None:
    """The rows add up, and the parameters are the model's."""
    assert summary.rows_read - summary.rows_dropped == summary.rows_trained == sum(summary.species_counts.values())
    assert (summary.parameters, summary.rounds) == (PARAMETERS, ROUNDS)
    assert summary.xgboost_version == xgboost.__version__


def test_ranges_are_the_decimals_of_the_data(summary: TrainingSummary) -> None:
    """Ranges are the decimals of the data, not float32's, and the deviation is the sample's."""
    bill = summary.measurement_ranges["bill_length_mm"]
    assert (bill.minimum, bill.maximum) == (32.1, 59.6)
    assert (round(bill.mean, 2), round(bill.deviation, 2)) == (43.92, 5.46)  # as palmerpenguins publishes
    assert set(summary.measurement_ranges) == set(CONTRACT.input_names)


def test_survives_json(summary: TrainingSummary) -> None:
    """A summary that is written and read is the same."""
    assert msgspec.json.decode(json.dumps(msgspec.to_builtins(summary)), type=TrainingSummary) == summary


def test_rows_are_the_birds(penguins: Penguins) -> None:
    """The rows file has a header and then the birds in order."""
    header, *rows = csv.reader(StringIO(rows_csv(penguins).decode()))
    assert header == [*CONTRACT.input_names, "species"]
    assert rows[0] == ["39.1", "18.7", "181", "3750", "Adelie"]
    assert [CLASSES.index(row[-1]) for row in rows] == penguins.labels.tolist()


@given(arrays(np.float32, (3, 4), elements=st.floats(width=32, allow_nan=False)))
def test_decimals_round_trip(measurements: npt.NDArray[np.float32]) -> None:
    """The text of every float32 gives its bits back."""
    text = rows_csv(Penguins(measurements, np.zeros(3, np.int64), 3, 0)).decode()
    rows = [row[:-1] for row in csv.reader(StringIO(text))][1:]
    assert np.array(rows, np.float64).astype(np.float32).tobytes() == measurements.tobytes()
