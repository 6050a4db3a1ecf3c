"""Models and what explains them."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xgboost

from app.explanation.explainer import Explainer
from app.explanation.scales import float32
from contract.schema import Contract, Input
from score.bundle import Bundle

Row = tuple[float, ...]
Rows = npt.NDArray[np.float32]


class Explained(NamedTuple):
    """A model and what explains it. `known` are rows of its contract."""

    bundle: Bundle
    explainer: Explainer
    booster: xgboost.Booster
    known: Rows

    @classmethod
    def of(cls, bundle: Bundle, booster: xgboost.Booster, known: Rows) -> "Explained":
        assert bundle.trees is not None
        return cls(bundle, Explainer(bundle.library, bundle.contract, bundle.trees), booster, known)

    def __repr__(self) -> str:
        """Return what a failing test shows: the whole bundle would be too long."""
        return f"<{self.contract.name}: {self.contract.output.kind}>"

    @property
    def contract(self) -> Contract:
        return self.bundle.contract

    @property
    def inputs(self) -> tuple[Input, ...]:
        return self.bundle.contract.inputs

    def answer(self, row: Row) -> Any:
        """Return the label, or the numbers."""
        label, values = self.bundle.library.predict(row)[:2]
        return label if self.contract.output.classed else tuple(values.values())

    def differs(self, one: Any, other: Any) -> bool:
        """Return whether two answers are not the same."""
        if self.contract.output.classed:
            return bool(one != other)
        return any(abs(a - b) > self.contract.output.tolerance for a, b in zip(one, other, strict=True))


def moved(row: Row, place: int, value: float) -> Row:
    return (*row[:place], value, *row[place + 1 :])


def between(each: Input, start: float, end: float, chance: np.random.Generator) -> list[float]:
    """Return values of an input from `start` to `end`, both included: all of them, or many of a number's."""
    if each.kind != "number":
        return [float(value) for value in range(int(min(start, end)), int(max(start, end)) + 1)]
    shares = [0.0, 1.0, *chance.random(60)]
    values = [float32(start + share * (end - start)) for share in shares]
    return values + ([0.0] if min(start, end) <= 0 <= max(start, end) else [])


def before(each: Input, value: float, start: float) -> float:
    """Return the value next to `value`, on the side of `start`."""
    if each.kind != "number":
        return value + (1 if start > value else -1)
    return float(np.nextafter(np.float32(value), np.float32(start)))
