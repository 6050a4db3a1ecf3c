"""The axes of Fisher's linear discriminant analysis: directions in which the species differ most, given their spread.

They are the contract's projections. Their weights are in the contract, as decimals, so the model's bytes do not depend
on a processor's arithmetic. Training fits them again: on all birds, to check the contract, and in every fold of a
cross-validation on the birds of that fold alone, so no bird is judged by axes that have seen it.
"""

import json
import re

import msgspec
import numpy as np
import numpy.typing as npt
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from contract.derived import Derived, Projection
from contract.reading import PENGUINS
from contract.refusal import Refusal
from contract.schema import Contract
from train.contract import CONTRACT

DIGITS = 6  # significant ones of a weight
TOLERANCE = 2.0  # units of a weight's last digit: another processor may round to a neighbour
COMMAND = "python -m train --axes"

Rows = npt.NDArray[np.float32]  # (rows, inputs)
Labels = npt.NDArray[np.int64]  # (rows,), indices into the classes


def fit_axes(rows: Rows, labels: Labels, count: int) -> list[list[float]]:
    """Return the weights of the first `count` axes, each of DIGITS digits: a list of one for each input.

    Along an axis, the variance within the species is 1 on average. The first weight of an axis that is not 0 is
    positive. Raises Refusal if the labels have too few species for so many axes.
    """
    analysis = LinearDiscriminantAnalysis(solver="svd").fit(rows.astype(np.float64), labels)
    found: npt.NDArray[np.float64] = analysis.scalings_.T[:count]
    if len(found) < count:
        raise Refusal(
            f"expected at most {len(found)} projections, one fewer than species, found {count}; "
            "remove some from the contract"
        )
    return [_rounded(axis) for axis in found]


def _rounded(axis: npt.NDArray[np.float64]) -> list[float]:
    decimals = [float(f"{weight:.{DIGITS}g}") for weight in axis.tolist()]
    sign = next((weight for weight in decimals if weight), 1.0)
    return decimals if sign > 0 else [0.0 - weight for weight in decimals]


def with_axes(rows: Rows, labels: Labels, contract: Contract = CONTRACT) -> Contract:
    """Return the contract with the axes of these birds as the weights of its projections, in their order.

    A contract without projections is returned as it is. Raises Refusal if it has too many.
    """
    places = [place for place, each in enumerate(contract.derived) if isinstance(each, Projection)]
    if not places:
        return contract
    derived: list[Derived] = list(contract.derived)
    for place, axis in zip(places, fit_axes(rows, labels, len(places)), strict=True):
        derived[place] = Projection(derived[place].label, dict(zip(contract.input_names, axis, strict=True)))
    return msgspec.structs.replace(contract, derived=tuple(derived))


def check_axes(rows: Rows, labels: Labels, contract: Contract = CONTRACT) -> None:
    """Raise Refusal if the contract's projections are not the axes of these birds, to within TOLERANCE."""
    for found, fitted in zip(contract.derived, with_axes(rows, labels, contract).derived, strict=True):
        if isinstance(found, Projection) and isinstance(fitted, Projection) and not _alike(found, fitted):
            raise Refusal(
                f"contract/{PENGUINS.name}, derived {found.name!r}: expected the axis of these birds, weights = "
                f"{_table(fitted)}, found {_table(found)}; type `{COMMAND}` and put what it prints in their place"
            )


def _alike(found: Projection, fitted: Projection) -> bool:
    if tuple(found.weights) != tuple(fitted.weights):
        return False
    pairs = zip(found.weights.values(), fitted.weights.values(), strict=True)
    return all(abs(one - other) <= (TOLERANCE + 0.5) * _unit(other) for one, other in pairs)


def _unit(weight: float) -> float:
    """Return one unit of the last of DIGITS digits of a weight."""
    return float(10.0 ** (np.floor(np.log10(abs(weight))) - DIGITS + 1)) if weight else 0.0


def axes_toml(rows: Rows, labels: Labels, contract: Contract = CONTRACT) -> str:
    """Return the contract's projections with the axes of these birds, as lines of TOML."""
    projections = (each for each in with_axes(rows, labels, contract).derived if isinstance(each, Projection))
    return "\n".join(
        f'[[derived]]\nkind = "projection"\nname = "{each.name}"\nweights = {_table(each)}\n' for each in projections
    )


def _table(projection: Projection) -> str:
    return "{ " + ", ".join(f"{_key(name)} = {weight!r}" for name, weight in projection.weights.items()) + " }"


def _key(name: str) -> str:
    """Return a name as a key of TOML: in quotes unless it is bare."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)
