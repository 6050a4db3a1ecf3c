"""What the model sees: the measurements, then ratios of every two of them.

Species differ in shape more than in size: the ratios halve the log loss of the same trees. Each ratio is one IEEE 754
float32 division of two float32 measurements, in training (numpy) and in serving (C) alike, so both get the same bits.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import Protocol, Self, TypeVar

import msgspec

from contract.measurements import MEASUREMENTS


class Divisible(Protocol):
    """What a ratio can be taken of."""

    def __truediv__(self, denominator: Self, /) -> Self: ...


Column = TypeVar("Column", bound=Divisible)


class Ratio(msgspec.Struct, frozen=True):
    """float32(numerator) / float32(denominator); both are names of measurements."""

    numerator: str
    denominator: str

    @property
    def name(self) -> str:
        """The name of the feature."""
        return f"{self.numerator}/{self.denominator}"

    def of(self, measurements: Mapping[str, Column]) -> Column:
        """The feature, of measurements by name."""
        return measurements[self.numerator] / measurements[self.denominator]


MEASUREMENT_NAMES: tuple[str, ...] = tuple(measurement.name for measurement in MEASUREMENTS)
RATIOS: tuple[Ratio, ...] = tuple(Ratio(*pair) for pair in combinations(MEASUREMENT_NAMES, 2))
FEATURE_NAMES: tuple[str, ...] = MEASUREMENT_NAMES + tuple(ratio.name for ratio in RATIOS)


def derive(measurements: Mapping[str, Column]) -> list[Column]:
    """The columns of FEATURE_NAMES from the columns of the measurements.

    A column is anything that divides by another: a float32 array in training, an expression of C in compilation.
    """
    return [*(measurements[name] for name in MEASUREMENT_NAMES), *(ratio.of(measurements) for ratio in RATIOS)]
