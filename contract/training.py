"""What training learned about the data and the model. Training writes it as `training.json` for the later stages."""

import msgspec

from contract.drift import DriftBaseline


class MeasurementRange(msgspec.Struct, frozen=True):
    """One measurement over the training rows, in its unit. `deviation` is the sample standard deviation."""

    minimum: float
    maximum: float
    mean: float
    deviation: float


class CrossValidation(msgspec.Struct, frozen=True):
    """Figures of held-out birds: a model predicts each fold without having seen it.

    `log_loss` is in nats per bird. `confusion[i][j]` counts birds of species i that were answered as j, over all
    repeats. `expected_calibration_error` is the mean of |confidence - accuracy| over ten bins, weighted by the birds in
    each bin.
    """

    protocol: str
    accuracy: float
    accuracy_deviation: float
    log_loss: float
    log_loss_deviation: float
    expected_calibration_error: float
    confusion: list[list[int]]


class TrainingSummary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The provenance of a model, and what training learned about its data.

    Unknown fields are refused by name: a file whose drift baseline has another name must not lose it silently.
    """

    data_sha256: str
    model_sha256: str
    rows_read: int
    rows_dropped: int
    rows_trained: int
    species_counts: dict[str, int]
    measurement_ranges: dict[str, MeasurementRange]
    parameters: dict[str, str | int | float]
    rounds: int
    seed: int
    xgboost_version: str
    cross_validation: CrossValidation
    drift_baseline: DriftBaseline | None = None  # models from before it was recorded have none


HOLDOUT_FILE = "holdout.json"


class HoldOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How good a model is on rows that it was not trained on, as its owner says.

    `rows_sha256` is of the file that the owner gave, and `target` the column with the true answers. `figures` are by
    name: accuracy, log_loss (nats a row) and expected_calibration_error of a classifier; root_mean_squared_error,
    mean_absolute_error and r_squared of a number. `drift_baseline` is of these rows.
    """

    rows_sha256: str
    target: str
    rows: int
    model_sha256: str
    figures: dict[str, float]
    drift_baseline: DriftBaseline | None = None
