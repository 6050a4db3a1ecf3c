"""What training learned, as data for the later stages: the content of training.json and training_rows.csv."""

import csv
from hashlib import sha256
from io import StringIO
from statistics import fmean, stdev

import numpy as np
import numpy.typing as npt
import xgboost

from contract.drift import DriftBaseline
from contract.training import Baseline, CrossValidation, Group, MeasurementRange, TrainingSummary
from train.contract import CLASSES, CONTRACT
from train.model import PARAMETERS, ROUNDS, SEED
from train.penguins import SHA256, Penguins


def summarise(
    penguins: Penguins,
    model: bytes,
    cross_validation: CrossValidation,
    drift_baseline: DriftBaseline,
    baselines: tuple[Baseline, ...] = (),
    groups: tuple[Group, ...] = (),
) -> TrainingSummary:
    """Summarise the training that made `model`, the bytes of penguin_model.json, from `penguins`."""
    return TrainingSummary(
        data_sha256=SHA256,
        model_sha256=sha256(model).hexdigest(),
        rows_read=penguins.rows_read,
        rows_dropped=penguins.rows_dropped,
        rows_trained=len(penguins.labels),
        species_counts={species: int((penguins.labels == label).sum()) for label, species in enumerate(CLASSES)},
        measurement_ranges={
            name: _range(column) for name, column in zip(CONTRACT.input_names, penguins.measurements.T, strict=True)
        },
        parameters=PARAMETERS,
        rounds=ROUNDS,
        seed=SEED,
        xgboost_version=xgboost.__version__,
        cross_validation=cross_validation,
        drift_baseline=drift_baseline,
        baselines=baselines,
        groups=groups,
    )


def _range(column: npt.NDArray[np.float32]) -> MeasurementRange:
    # Decimals of the data file, not the nearest float32: else a bird of 59.6 mm would exceed the maximum, 59.599998.
    values = [float(_decimal(value)) for value in column]
    return MeasurementRange(minimum=min(values), maximum=max(values), mean=fmean(values), deviation=stdev(values))


def rows_csv(penguins: Penguins) -> bytes:
    """Return the training rows with their species as CSV. Its decimals give back the same float32 values."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*CONTRACT.input_names, CONTRACT.output.label))
    for row, label in zip(penguins.measurements, penguins.labels, strict=True):
        writer.writerow((*map(_decimal, row), CLASSES[label]))
    return text.getvalue().encode()


def _decimal(value: np.float32) -> str:
    """Return the shortest decimal that is this float32 and no other."""
    return np.format_float_positional(value, trim="-")
