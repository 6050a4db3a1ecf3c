"""The columns that the model sees: the measurements, and then the ratio of every two measurements.

Species differ in shape more than in size: with the ratios, the log loss of the same trees is half as large. Each ratio
is one IEEE 754 float32 division of two float32 measurements, in training (numpy) and in serving (C), so both get the
same bits.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import Protocol, Self, TypeVar

import msgspec

from contract.measurements import MEASUREMENTS


class Divisible(Protocol):
    """A type whose values can be divided by each other."""

    def __truediv__(self, denominator: Self, /) -> Self: ...


Column = TypeVar("Column", bound=Divisible)


class Ratio(msgspec.Struct, frozen=True):
    """One feature: float32(numerator) / float32(denominator). Both are names of measurements."""

    numerator: str
    denominator: str

    @property
    def name(self) -> str:
        """Return the feature's name."""
        return f"{self.numerator}/{self.denominator}"

    def of(self, measurements: Mapping[str, Column]) -> Column:
        """Return the feature's column. `measurements` maps each measurement's name to its column."""
        return measurements[self.numerator] / measurements[self.denominator]


MEASUREMENT_NAMES: tuple[str, ...] = tuple(measurement.name for measurement in MEASUREMENTS)
RATIOS: tuple[Ratio, ...] = tuple(Ratio(*pair) for pair in combinations(MEASUREMENT_NAMES, 2))
FEATURE_NAMES: tuple[str, ...] = MEASUREMENT_NAMES + tuple(ratio.name for ratio in RATIOS)


def derive(measurements: Mapping[str, Column]) -> list[Column]:
    """Return the columns of FEATURE_NAMES, computed from the columns of the measurements by name.

    A column is anything that can be divided by another column: a float32 array in training, a C expression in
    compilation.
    """
    return [*(measurements[name] for name in MEASUREMENT_NAMES), *(ratio.of(measurements) for ratio in RATIOS)]
