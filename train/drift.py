"""The training data as bins. Live predictions are compared with them to find drift."""

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

from contract.drift import BINS, CONFIDENCE, SPECIES_VARIABLE, DriftBaseline, Variable, count, risk
from contract.features import MEASUREMENT_NAMES
from contract.species import SPECIES
from train.evaluate import HeldOut
from train.penguins import Penguins


def drift_baseline(penguins: Penguins, held_out: HeldOut) -> DriftBaseline:
    """Return the bins of the training rows' measurements, and of held-out species and confidence.

    The species and the confidence are the model's answers to birds that it has not seen. They come from the first
    repeat of the cross-validation, which has one answer for each bird.
    """
    columns = dict(zip(MEASUREMENT_NAMES, penguins.measurements.astype(np.float64).T, strict=True))
    columns[CONFIDENCE] = held_out.probabilities[0].max(axis=1).astype(np.float64)
    edges = {name: quantile_edges(column) for name, column in columns.items()}
    columns[SPECIES_VARIABLE] = held_out.answers[0].astype(np.float64)
    edges[SPECIES_VARIABLE] = tuple(label + 0.5 for label in range(len(SPECIES) - 1))
    found = {name: variable(column, edges[name], len(columns)) for name, column in columns.items()}
    for name in MEASUREMENT_NAMES:
        found[name] = with_range(found[name], columns[name])
    return DriftBaseline(found)


def variable(column: npt.NDArray[np.float64], edges: tuple[float, ...], variables: int) -> Variable:
    """Return the bins of one column, (rows,). `variables` is how many variables are judged together."""
    counts = count(column.tolist(), edges)
    return Variable(edges, tuple(counts), float(chi2.isf(risk(variables), len(counts) - 1)))


def with_range(known: Variable, column: npt.NDArray[np.float64]) -> Variable:
    """Return the variable with its range.

    A value is outside if it is beyond all rows by more than one standard deviation.
    """
    margin = column.std()
    return msgspec.structs.replace(known, low=float(column.min() - margin), high=float(column.max() + margin))


def quantile_edges(column: npt.NDArray[np.float64]) -> tuple[float, ...]:
    """Return the edges of at most BINS bins with about as many rows in each. An edge is midway between two values."""
    values = np.unique(column)
    middles = (values[1:] + values[:-1]) / 2
    wanted = np.quantile(column, np.arange(1, BINS) / BINS)
    nearest = {float(middles[np.abs(middles - quantile).argmin()]) for quantile in wanted}
    return tuple(sorted(nearest))
