"""Counts of live predictions in the bins of the training data, for comparison with the training data's own counts."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from app.metrics.families import OBSERVED, OUTSIDE_RANGE, QUANTILE, REFERENCE
from app.metrics.model_cells import ModelCells
from app.metrics.tallies import tally
from contract.drift import CONFIDENCE, SPECIES_VARIABLE, DriftBaseline, Variable
from contract.features import MEASUREMENT_NAMES
from contract.species import SPECIES


class BinCells:
    """The cells of one variable: a series for each bin, so that Prometheus can compare them, and one for outliers."""

    def __init__(self, cells: ModelCells, variable: str, reference: Variable) -> None:
        self.edges = reference.edges
        self._low, self._high = reference.low, reference.high
        self._outside = cells.take(OUTSIDE_RANGE, variable=variable)
        numbers = range(len(reference.counts))
        self._series = [cells.take(OBSERVED, variable=variable, bin=str(number)) for number in numbers]

    def count(self, values: list[float]) -> None:
        """Count each value in its bin, and those outside the training data's range as well. Sorts `values`."""
        counts = [0] * len(self._series)
        tally(values, self.edges, counts)
        if values[0] < self._low or values[-1] > self._high:
            self._outside[0] += bisect_left(values, self._low) + len(values) - bisect_right(values, self._high)
        self.add(counts)

    def add(self, counts: Sequence[int]) -> None:
        """Add `counts` to the bins, in their order."""
        for cell, count in zip(self._series, counts, strict=True):
            if count:
                cell[0] += count


class DriftCounts:
    """The counts of one model's predictions by variable and bin. Many predictions are counted at once."""

    def __init__(self, cells: ModelCells, reference: DriftBaseline) -> None:
        self._bins = {name: BinCells(cells, name, each) for name, each in reference.variables.items()}
        for name, each in reference.variables.items():
            cells.take(QUANTILE, variable=name)[0] = round(each.chi_square * 1e6)
            for number, rows in enumerate(each.counts):
                cells.take(REFERENCE, variable=name, bin=str(number))[0] = rows

    def count(self, rows: Iterable[tuple[float, ...]], labels: Sequence[int], confidences: list[float]) -> None:
        """Count predictions: their measurements, labels and probabilities of the answer. Sorts `confidences`."""
        bins = self._bins
        for name, column in zip(MEASUREMENT_NAMES, zip(*rows, strict=True), strict=True):
            if name in bins:
                bins[name].count(list(column))
        if CONFIDENCE in bins:
            bins[CONFIDENCE].count(confidences)
        if SPECIES_VARIABLE in bins:
            bins[SPECIES_VARIABLE].add([labels.count(label) for label in range(len(SPECIES))])
