"""What is known about a model from its rows: training.json, holdout.json and known_rows.json.

The first is what training learned about the data and the model. The second is how good the model is on rows that its
owner held out. The third has rows that the owner chose to publish: whoever can ask the service can read them.
"""

from collections.abc import Sequence
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from contract.drift import DriftBaseline
from contract.manifest import Sha256
from contract.schema import Contract, listed

Interval = tuple[float, float]  # lower and upper end


class MeasurementRange(msgspec.Struct, frozen=True):
    """One measurement over the training rows, in its unit. `deviation` is the sample standard deviation."""

    minimum: float
    maximum: float
    mean: float
    deviation: float


class CrossValidation(msgspec.Struct, frozen=True):
    """Figures of held-out birds: a model predicts each fold without having seen it.

    `log_loss` is in nats per bird. `confusion[i][j]` counts birds of species i that were answered as j, over all
    repeats. `expected_calibration_error` is the mean of |confidence - accuracy| over ten bins of equal width, weighted
    by the birds in each bin, `adaptive_calibration_error` over ten bins of equally many answers. `brier_score` is the
    mean, over birds, of the summed squared errors of their probabilities, 0 to 2. Intervals are of 95 %, by a bootstrap
    over birds. Models from before these were recorded have None.
    """

    protocol: str
    accuracy: float
    accuracy_deviation: float
    log_loss: float
    log_loss_deviation: float
    expected_calibration_error: float
    confusion: list[list[int]]
    accuracy_interval: Interval | None = None
    log_loss_interval: Interval | None = None
    brier_score: float | None = None
    adaptive_calibration_error: float | None = None


class Baseline(msgspec.Struct, frozen=True):
    """Another classifier on the same folds as the model: what a simpler or an untuned one would have given.

    `settings` says in words how it was made. Figures are as in CrossValidation. `log_loss_difference` is its log loss
    less that of the model: above 0, the model is better. `accuracy_difference` is its accuracy less that of the model:
    below 0, the model is better. The intervals of differences are by a paired bootstrap over birds.
    """

    name: str
    settings: str
    accuracy: float
    accuracy_interval: Interval
    log_loss: float
    log_loss_interval: Interval
    brier_score: float
    adaptive_calibration_error: float
    accuracy_difference: float
    accuracy_difference_interval: Interval
    log_loss_difference: float
    log_loss_difference_interval: Interval


class Group(msgspec.Struct, frozen=True):
    """The held-out birds that have one value in a column of the data that the model does not see.

    `coverage` is the share of birds whose prediction set holds the truth, `false_alarms` the share that is called out
    of distribution. `p_values` are by figure: how often as many birds, drawn at random, would be at least as bad,
    corrected for the number of groups and figures (Holm). `p_values_within_species` draw as many of each species as the
    group has. `worse` names the figures for which one of the two is below 0.05.
    """

    column: str
    value: str
    rows: int
    accuracy: float
    log_loss: float
    coverage: float
    false_alarms: float
    p_values: dict[str, float]
    p_values_within_species: dict[str, float]
    worse: tuple[str, ...] = ()


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
    # Models from before these were recorded have none.
    drift_baseline: DriftBaseline | None = None
    baselines: tuple[Baseline, ...] = ()
    groups: tuple[Group, ...] = ()


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


KNOWN_ROWS_FILE = "known_rows.json"
MAX_KNOWN_ROWS = 2_000  # of more, every nth is published: a picture needs no more

Value = float | int | bool | str | None  # as clients send it; None is missing
Row = TypeVar("Row")


class KnownRows(msgspec.Struct, frozen=True):
    """Published rows. `total` is how many the owner has; `rows` are at most MAX_KNOWN_ROWS of them, in their order.

    A row has one value for each of `inputs`, in the contract's order and as clients send it. Its answer is the name of
    a class, a number, or a number for each name of the output. `answer` is the name of the column that had it.
    """

    model_sha256: Sha256
    inputs: tuple[str, ...]
    answer: str
    total: Annotated[int, Meta(ge=0)]
    rows: Annotated[tuple[tuple[Value, ...], ...], Meta(max_length=MAX_KNOWN_ROWS)]
    answers: Annotated[tuple[str | float | tuple[float, ...], ...], Meta(max_length=MAX_KNOWN_ROWS)]

    def __post_init__(self) -> None:
        """Raise ValueError if rows, answers and inputs are not equally many."""
        if len(self.rows) != len(self.answers):
            raise ValueError(f"expected an answer for each of {len(self.rows)} rows, found {len(self.answers)}")
        if any(len(row) != len(self.inputs) for row in self.rows):
            raise ValueError(f"expected {len(self.inputs)} values in each row")


# Made at import: see contract/manifest.py.
decode_known_rows = msgspec.json.Decoder(KnownRows).decode


def thinned(rows: Sequence[Row]) -> list[Row]:
    """Return at most MAX_KNOWN_ROWS of the rows, evenly spread over their order. Nothing in it is random."""
    count = min(len(rows), MAX_KNOWN_ROWS)
    return [rows[place * len(rows) // count] for place in range(count)]


def misfit(known: KnownRows, contract: Contract) -> str | None:
    """Return in words what does not belong to a model of this contract, or None."""
    if known.inputs != contract.input_names:
        return f"expected rows of the inputs {listed(contract.input_names)}, found {listed(known.inputs)}"
    if contract.output.classed:
        unknown = sorted({str(answer) for answer in known.answers} - set(contract.output.classes))
        if unknown:
            return f"expected answers among {listed(contract.output.classes)}, found {listed(unknown)}"
    return None
