"""The counters of one model's predictions. Every series names its model, so a swap never mixes two models."""

from collections.abc import Sequence
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
from contract.species import SPECIES

Columns = Sequence[Sequence[Any]]  # predictions by column: a sequence for each field of PredictionRecord, in its order


class ModelCounts:
    """The counters of one model. Lifetime: until KEPT_MODELS newer ones were served (app/metrics/request_counts.py)."""

    def __init__(self, cells: Cells, version: str) -> None:
        self._cells = ModelCells(cells, version=version)
        self.served = self._cells.take(MODEL)
        self._species = [self._cells.take(PREDICTIONS, species=name) for name in SPECIES]
        self._confidence = self._cells.take(CONFIDENCE, len(CONFIDENCES) + 2)
        self._distance = self._cells.take(DISTANCE, len(DISTANCES) + 2)
        self._set_size = self._cells.take(SET_SIZE, len(SET_SIZES) + 2)
        self._outside = self._cells.take(OUTSIDE)
        self._drift: DriftCounts | None = None

    def watch_drift(self, reference: DriftBaseline | None) -> None:
        """Count predictions by the bins of the training data from now on, if they are known."""
        if reference is not None:
            self._drift = DriftCounts(self._cells, reference)

    def give_up(self) -> None:
        """Give up the series of this model. It must not count after that."""
        self._cells.give_up()

    def count(self, columns: Columns) -> None:
        """Count predictions of this model."""
        rows, labels, confidences, distances, in_distribution, sizes, _ = columns
        for label, cell in enumerate(self._species):
            cell[0] += labels.count(label)
        sorted_confidences = list(confidences)  # tally sorts it
        tally(sorted_confidences, CONFIDENCES, self._confidence)
        self._confidence[-1] += int(sum(sorted_confidences) * 1e6)
        if self._drift is not None:
            self._drift.count(rows, labels, sorted_confidences)
        if all(sizes):
            self._count_domain(list(distances), sizes, in_distribution)

    def _count_domain(self, distances: list[float], sizes: Sequence[int], in_distribution: Sequence[bool]) -> None:
        """Count distances and prediction sets, which only a model with reference data has."""
        tally(distances, DISTANCES, self._distance)
        self._distance[-1] += int(sum(distances) * 1e6)
        for size in range(1, len(SET_SIZES)):  # size i is the bound of bucket i; no set is empty
            self._set_size[size] += sizes.count(size)
        self._set_size[-1] += sum(sizes) * 1_000_000
        self._outside[0] += in_distribution.count(False)
