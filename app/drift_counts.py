"""Live counts in the training data's bins: what was asked and answered, beside what was trained on."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from app.cells import Cells
from app.families import OBSERVED, OUTSIDE_RANGE, QUANTILE, REFERENCE, series
from app.tallies import tally
from contract.drift import CONFIDENCE, SPECIES_VARIABLE, Reference, Variable
from contract.features import MEASUREMENT_NAMES
from contract.species import SPECIES


class BinCells:
    """One variable's cells, a series each so that Prometheus can compare them, and where they are added up."""

    def __init__(self, cells: Cells, variable: str, known: Variable) -> None:
        self.edges = known.edges
        self._low, self._high = known.low, known.high
        self._outside = cells.take(series(OUTSIDE_RANGE, variable=variable), 1)
        self._series = [
            cells.take(series(OBSERVED, variable=variable, bin=str(number)), 1) for number in range(len(known.counts))
        ]

    def count(self, values: list[float]) -> None:
        """Sorts `values`."""
        counts = [0] * len(self._series)
        tally(values, self.edges, counts)
        if values[0] < self._low or values[-1] > self._high:
            self._outside[0] += bisect_left(values, self._low) + len(values) - bisect_right(values, self._high)
        self.add(counts)

    def add(self, counts: Sequence[int]) -> None:
        """So many more in each bin."""
        for cell, count in zip(self._series, counts, strict=True):
            if count:
                cell[0] += count


class DriftCounts:
    """Every prediction is counted, many at once."""

    def __init__(self, cells: Cells, reference: Reference) -> None:
        self._bins = {name: BinCells(cells, name, each) for name, each in reference.variables.items()}
        for name, each in reference.variables.items():
            cells.take(series(QUANTILE, variable=name), 1)[0] = round(each.chi_square * 1e6)
            for number, rows in enumerate(each.counts):
                cells.take(series(REFERENCE, variable=name, bin=str(number)), 1)[0] = rows

    def count(self, rows: Iterable[tuple[float, ...]], labels: Sequence[int], confidences: list[float]) -> None:
        """Predictions: what was measured, what was answered, how sure. Sorts `confidences`."""
        bins = self._bins
        for name, column in zip(MEASUREMENT_NAMES, zip(*rows, strict=True), strict=True):
            if name in bins:
                bins[name].count(list(column))
        if CONFIDENCE in bins:
            bins[CONFIDENCE].count(confidences)
        if SPECIES_VARIABLE in bins:
            bins[SPECIES_VARIABLE].add([labels.count(label) for label in range(len(SPECIES))])
