"""Features that are derived from inputs: ratios and projections. Each is declared once, in the contract.

Every operation is rounded to float32, in the order in which it is written here: in training (numpy), in the library (C)
and in explanations (Python), so all three get the same bits.
"""

import struct
from collections.abc import Mapping
from typing import Any, Protocol, Self, TypeVar

import msgspec


class Arithmetic(Protocol):
    """A type that features can be computed with."""

    def __truediv__(self, denominator: Self, /) -> Self: ...
    def __mul__(self, factor: Any, /) -> Self: ...
    def __add__(self, term: Self, /) -> Self: ...


Column = TypeVar("Column", bound=Arithmetic)
LARGEST = 3.4028234663852886e38  # float32
_pack_float = struct.Struct("=f")


class Ratio(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="ratio", omit_defaults=True):
    """The feature float32(numerator) / float32(denominator). Both are names of inputs."""

    numerator: str
    denominator: str
    name: str = ""

    @property
    def label(self) -> str:
        """The feature's name, numerator/denominator unless it has one."""
        return self.name or f"{self.numerator}/{self.denominator}"

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the inputs that it is computed from."""
        return self.numerator, self.denominator

    def of(self, columns: Mapping[str, Column]) -> Column:
        """Return the feature's column. `columns` maps the name of each input to its column."""
        return columns[self.numerator] / columns[self.denominator]


class Projection(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="projection", omit_defaults=True
):
    """The feature ((w1 * x1) + w2 * x2) + ...: the inputs of `weights` in their order, times float32 weights."""

    name: str
    weights: dict[str, float]

    def __post_init__(self) -> None:
        """Raise ValueError if there is no weight, or one that a float32 cannot hold."""
        if not self.weights:
            raise ValueError(f"derived {self.name!r}: expected at least one weight, found none")
        for name, weight in self.weights.items():
            if not abs(weight) <= LARGEST:  # also refuses NaN
                raise ValueError(f"derived {self.name!r}: expected a float32 as the weight of {name!r}, found {weight}")

    @property
    def label(self) -> str:
        """The feature's name."""
        return self.name

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the inputs that it is computed from."""
        return tuple(self.weights)

    @property
    def float32_weights(self) -> dict[str, float]:
        """The weights by input, rounded to float32."""
        return {name: _pack_float.unpack(_pack_float.pack(weight))[0] for name, weight in self.weights.items()}

    def of(self, columns: Mapping[str, Column]) -> Column:
        """Return the feature's column. `columns` maps the name of each input to its column."""
        first, *others = (columns[name] * weight for name, weight in self.float32_weights.items())
        for term in others:
            first = first + term  # `+=` would change an array in place
        return first


Derived = Ratio | Projection
