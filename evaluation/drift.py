"""Known rows as bins. Live predictions are compared with them to find drift."""

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

from contract.drift import BINS, MAX_INPUTS, DriftBaseline, Variable, risk
from contract.schema import Contract, Input

Column = npt.NDArray[np.float64]  # (rows,), float32 values


def drift_baseline(contract: Contract, rows: npt.NDArray[np.float32], values: npt.NDArray[np.float32]) -> DriftBaseline:
    """Return the bins of the inputs, and of the model's answers to rows that it has not seen.

    `rows` is (rows, inputs), with NaN for what is missing: that is in no bin. `values` is (answers, values of the
    output), of these rows or of others. Only the first MAX_INPUTS inputs are watched. A variable without any value, or
    with a single possible one, is left out.
    """
    inputs = dict(zip(contract.inputs[:MAX_INPUTS], rows.T[:MAX_INPUTS], strict=True))
    columns = {each.name: column[~np.isnan(column)].astype(np.float64) for each, column in inputs.items()}
    edges = {each.name: _edges(each, columns[each.name]) for each in inputs}
    answers = _answers(contract, values)
    columns |= {name: column for name, (column, _) in answers.items()}
    edges |= {name: found for name, (_, found) in answers.items()}
    watched = [name for name, column in columns.items() if len(column) and edges[name]]
    found = {name: variable(columns[name], edges[name], len(watched)) for name in watched}
    for each in inputs:
        if each.name in found and _numeric(each):
            found[each.name] = with_range(found[each.name], columns[each.name])
    return DriftBaseline(found)


def answered(contract: Contract, values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Return the class that each answer names: int64 (answers,). `values` is (answers, values of the output).

    It is the first of the most probable ones. Without probabilities there is one value, the decision: of two classes
    the second is answered if it is positive; of more, it is the index of the class.
    """
    if contract.output.kind == "classes":
        return np.asarray(values.argmax(axis=1), np.int64)
    decisions = values[:, 0]
    return np.asarray(decisions > 0 if len(contract.output.classes) == 2 else decisions, np.int64)


def _answers(contract: Contract, values: npt.NDArray[np.float32]) -> dict[str, tuple[Column, tuple[float, ...]]]:
    """Return the variables of the answer by name: the column and the edges of its bins. Several numbers have none."""
    if contract.output.kind == "numbers":
        return {}
    if not contract.output.classed:
        number = values[:, 0].astype(np.float64)
        return {contract.label_variable: (number, quantile_edges(number))}
    found = {}
    if contract.output.kind == "classes":
        confidence = values.max(axis=1).astype(np.float64)
        found[contract.confidence_variable] = (confidence, quantile_edges(confidence))
    labels = answered(contract, values).astype(np.float64)
    found[contract.label_variable] = (labels, _one_bin_each(len(contract.output.classes)))
    return found


def _numeric(each: Input) -> bool:
    return each.kind in ("number", "integer")


def _edges(each: Input, column: Column) -> tuple[float, ...]:
    if _numeric(each):
        return quantile_edges(column) if len(column) else ()
    return _one_bin_each(2 if each.kind == "boolean" else len(each.categories))


def _one_bin_each(values: int) -> tuple[float, ...]:
    """Return the edges between the indices 0 to values - 1."""
    return tuple(index + 0.5 for index in range(values - 1))


def variable(column: Column, edges: tuple[float, ...], variables: int) -> Variable:
    """Return the bins of one column, (rows,). `variables` is how many variables are judged together.

    The bins are those of `contract.drift.count`, for many rows at once.
    """
    counts = np.bincount(np.searchsorted(edges, column), minlength=len(edges) + 1).tolist()
    return Variable(edges, tuple(counts), float(chi2.isf(risk(variables), len(counts) - 1)))


def with_range(known: Variable, column: Column) -> Variable:
    """Return the variable with its range.

    A value is outside if it is beyond all rows by more than one standard deviation.
    """
    margin = column.std()
    return msgspec.structs.replace(known, low=float(column.min() - margin), high=float(column.max() + margin))


def quantile_edges(column: Column) -> tuple[float, ...]:
    """Return the edges of at most BINS bins with about as many rows in each. An edge is midway between two values.

    If all values are equal, they are the edge: those above it are in an empty bin.
    """
    values = np.unique(column)
    if len(values) == 1:
        return (float(values[0]),)
    middles = (values[1:] + values[:-1]) / 2
    wanted = np.quantile(column, np.arange(1, BINS) / BINS)
    nearest = {float(middles[np.abs(middles - quantile).argmin()]) for quantile in wanted}
    return tuple(sorted(nearest))
