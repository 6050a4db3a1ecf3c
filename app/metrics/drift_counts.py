"""Counts of live predictions in the bins of the training data, for comparison with the training data's own counts."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

from app.metrics.families import OBSERVED, OUTSIDE_RANGE, QUANTILE, REFERENCE
from app.metrics.model_cells import ModelCells
from app.metrics.tallies import tally
from contract.drift import DriftBaseline, Variable
from contract.schema import Contract


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

    def __init__(self, cells: ModelCells, contract: Contract, reference: DriftBaseline) -> None:
        self._inputs = [(place, name) for place, name in enumerate(contract.input_names) if name in reference.variables]
        self._classes = len(contract.output.classes)
        self._label, self._confidence = contract.label_variable, contract.confidence_variable
        self._bins = {name: BinCells(cells, name, each) for name, each in reference.variables.items()}
        for name, each in reference.variables.items():
            cells.take(QUANTILE, variable=name)[0] = round(each.chi_square * 1e6)
            for number, rows in enumerate(each.counts):
                cells.take(REFERENCE, variable=name, bin=str(number))[0] = rows

    def count(self, rows: Sequence[tuple[Any, ...]], labels: Sequence[int], values: list[float]) -> None:
        """Count predictions: their inputs, labels and values. A value is a class's probability, or the number.

        Sorts `values`.
        """
        bins, columns = self._bins, list(zip(*rows, strict=True))
        for place, name in self._inputs:
            numbers = [float(value) for value in columns[place] if value is not None]
            column = [number for number in numbers if number == number]  # an unknown category may be missing
            if column:
                bins[name].count(column)
        if not self._classes:
            if self._label in bins:
                bins[self._label].count(values)
            return
        if self._confidence in bins:
            bins[self._confidence].count(values)
        if self._label in bins:
            bins[self._label].add([labels.count(label) for label in range(self._classes)])
