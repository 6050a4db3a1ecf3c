"""How far one measurement may move before the answer changes, exactly.

Trees ask whether a feature is below a threshold, and every feature rises or falls with a measurement, if it depends on
it at all. So each threshold is one float32 value of the measurement, found by bisection over float32 values; between
two neighbouring ones nothing changes, and the library itself says what it answers there.
"""

import struct
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from contract.features import MEASUREMENT_NAMES, RATIOS
from contract.measurements import MEASUREMENTS, Measurement
from contract.trees import Forest

Row = tuple[float, ...]  # in the order of MEASUREMENTS, float32 values
Feature = Callable[[Mapping[str, float]], float]
_SIGN = 1 << 31  # of the bits of a float32
_pack_float, _unpack_float = struct.Struct("=f").pack, struct.Struct("=f").unpack
_pack_bits, _unpack_bits = struct.Struct("=I").pack, struct.Struct("=I").unpack


class Flip(NamedTuple):
    """The nearest value of a measurement for which the answer is another one, and that answer."""

    value: float
    label: int


class Flips:
    """Of one model. Made once for it."""

    def __init__(self, forest: Forest, predict: Callable[[Row], int]) -> None:
        """`predict` is the library's label of a row."""
        self._predict = predict
        thresholds: list[set[float]] = [set() for _ in FEATURES]
        for tree in forest.trees:
            for left, feature, value in zip(tree.left, tree.feature, tree.value, strict=True):
                if left != -1:
                    thresholds[feature].add(value)
        self._thresholds = [sorted(values) for values in thresholds]

    def of(self, row: Row, place: int) -> tuple[Flip | None, Flip | None]:
        """Below and above the measurement in that place of the row; None where no value within bounds will do."""
        measurement = MEASUREMENTS[place]
        here, label = _ordinal(row[place]), self._predict(row)
        steps = self._steps(row, measurement)
        below = (step - 1 for step in reversed(steps) if step <= here)
        above = (step for step in steps if step > here)
        return self._first(row, place, label, below), self._first(row, place, label, above)

    def _first(self, row: Row, place: int, label: int, ordinals: Iterator[int]) -> Flip | None:
        for ordinal in ordinals:
            value = _value(ordinal)
            found = self._predict((*row[:place], value, *row[place + 1 :]))
            if found != label:
                return Flip(value, found)
        return None

    def _steps(self, row: Row, measurement: Measurement) -> list[int]:
        """In order, the ordinals of the values at which a tree may change its mind: where each first answers anew."""
        values = dict(zip(MEASUREMENT_NAMES, row, strict=True))
        low, high = _ordinal(measurement.minimum), _ordinal(measurement.maximum)
        found: set[int] = set()
        for feature, thresholds in zip(FEATURES, self._thresholds, strict=True):

            def at(ordinal: int, feature: Feature = feature) -> float:
                values[measurement.name] = _value(ordinal)
                return float32(feature(values))

            first, last = at(low), at(high)
            for threshold in _between(thresholds, first, last):
                found.add(_bisect(at, threshold, low, high, rising=first < last))
        return sorted(found)


def _measured(name: str) -> Feature:
    return lambda values: values[name]


# Each in Python's double precision: rounded to float32 afterwards, one division gives what float32 division gives.
FEATURES: tuple[Feature, ...] = (*map(_measured, MEASUREMENT_NAMES), *(ratio.of for ratio in RATIOS))


def features(row: Row) -> list[float]:
    """What the trees see of a row, as the library derives it."""
    values = dict(zip(MEASUREMENT_NAMES, row, strict=True))
    return [float32(feature(values)) for feature in FEATURES]


def _between(thresholds: Sequence[float], first: float, last: float) -> Sequence[float]:
    """The thresholds that a feature passes from one to the other: above the smaller, up to the larger."""
    low, high = min(first, last), max(first, last)
    return [threshold for threshold in thresholds if low < threshold <= high]


def _bisect(at: Callable[[int], float], threshold: float, low: int, high: int, rising: bool) -> int:
    """The first ordinal on the other side of a threshold, which lies between `low` and `high`."""
    return bisect_left(range(low, high + 1), True, key=lambda ordinal: (at(ordinal) >= threshold) == rising) + low


def float32(value: float) -> float:
    """The nearest float32 value."""
    nearest: float = _unpack_float(_pack_float(value))[0]
    return nearest


def _ordinal(value: float) -> int:
    """Numbers float32 values in their order."""
    bits: int = _unpack_bits(_pack_float(value))[0]
    return _SIGN - bits if bits & _SIGN else bits


def _value(ordinal: int) -> float:
    value: float = _unpack_float(_pack_bits(_SIGN - ordinal if ordinal < 0 else ordinal))[0]
    return value
