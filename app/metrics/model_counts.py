"""The counters of one model's predictions. Every series names its model, so a swap never mixes two models."""

from collections.abc import Sequence
from math import inf
from typing import Any

from app.metrics.cells import Cells
from app.metrics.drift_counts import DriftCounts
from app.metrics.families import (
    CONFIDENCE,
    CONFIDENCES,
    DISTANCE,
    DISTANCES,
    MODEL,
    OUTSIDE,
    SET_SIZE,
    SET_SIZES,
)
from app.metrics.model_cells import ModelCells
from app.metrics.tallies import tally
from contract.drift import DriftBaseline
from contract.metrics import PREDICTIONS
from contract.schema import Contract

FARTHEST = 1e6  # a larger distance adds this much to the sum, which is a 64-bit number of millionths
Columns = Sequence[Sequence[Any]]  # predictions by column: a sequence for each field of PredictionRecord, in its order


class ModelCounts:
    """The counters of one model. Lifetime: until KEPT_MODELS newer ones were served (app/metrics/request_counts.py)."""

    def __init__(self, cells: Cells, version: str, contract: Contract) -> None:
        output = contract.output
        self._contract = contract
        self._cells = ModelCells(cells, version=version)
        self.served = self._cells.take(MODEL)
        if output.classed:
            self._answers = [self._cells.take(PREDICTIONS, **{output.label: name}) for name in output.classes]
        else:
            self._answers = [self._cells.take(PREDICTIONS)]  # the label of a number is 0
        self._confidence: memoryview | None = None
        if output.kind == "classes":
            self._confidence = self._cells.take(CONFIDENCE, len(CONFIDENCES) + 2)
        self._distance = self._cells.take(DISTANCE, len(DISTANCES) + 2)
        self._set_size = self._cells.take(SET_SIZE, len(SET_SIZES) + 2)
        self._outside = self._cells.take(OUTSIDE)
        self._drift: DriftCounts | None = None

    def watch_drift(self, reference: DriftBaseline | None) -> None:
        """Count predictions by the bins of the training data from now on, if they are known."""
        if reference is not None:
            self._drift = DriftCounts(self._cells, self._contract, reference)

    def give_up(self) -> None:
        """Give up the series of this model. It must not count after that."""
        self._cells.give_up()

    def count(self, columns: Columns) -> None:
        """Count predictions of this model."""
        rows, labels, values, distances, in_distribution, sizes, _ = columns
        for label, cell in enumerate(self._answers):
            cell[0] += labels.count(label)
        sorted_values = list(values)  # tally sorts it
        if self._confidence is not None:
            tally(sorted_values, CONFIDENCES, self._confidence)
            self._confidence[-1] += int(sum(sorted_values) * 1e6)
        if self._drift is not None:
            self._drift.count(rows, labels, sorted_values)
        if distances[0] >= 0:  # a model has distances for all rows or for none
            self._count_distances([distance for distance in distances if distance < inf])
            self._outside[0] += in_distribution.count(False)
        if sizes[0]:
            tally(list(map(float, sizes)), SET_SIZES, self._set_size)
            self._set_size[-1] += sum(sizes) * 1_000_000

    def _count_distances(self, distances: list[float]) -> None:
        """Count distances. A row with a missing value has none."""
        if distances:
            tally(distances, DISTANCES, self._distance)
            self._distance[-1] += int(sum([min(distance, FARTHEST) for distance in distances]) * 1e6)
