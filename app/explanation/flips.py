"""How far one measurement may move before the answer changes, exactly.

Each split of a tree compares a feature with a threshold. On either side of zero, a feature is a monotonic function of
each measurement, or does not depend on it. So each threshold corresponds to one float32 value of the measurement there,
which is found by bisection over float32 values. Between two neighbouring values of this kind the answer is constant, so
the library is asked once for each interval.
"""

import struct
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import copysign, nan
from typing import NamedTuple

from contract.features import MEASUREMENT_NAMES, RATIOS
from contract.measurements import MEASUREMENTS, Measurement
from contract.trees import Forest

Row = tuple[float, ...]  # in the order of MEASUREMENTS, float32 values
Feature = Callable[[Mapping[str, float]], float]
INFINITE = sys.float_info.max  # stands for float32's infinity: above every threshold, but below `inf` as an open bound
_SIGN = 1 << 31  # the sign bit of a float32
_pack_float, _unpack_float = struct.Struct("=f").pack, struct.Struct("=f").unpack
_pack_bits, _unpack_bits = struct.Struct("=I").pack, struct.Struct("=I").unpack


class Flip(NamedTuple):
    """The nearest float32 value of a measurement for which the answer is different, and the label of that answer."""

    value: float
    label: int


class Flips:
    """Finds flips for one model. Lifetime: the model's."""

    def __init__(self, forest: Forest, predict: Callable[[Row], int]) -> None:
        """`predict` returns the library's label for a row."""
        self._predict = predict
        thresholds: list[set[float]] = [set() for _ in FEATURES]
        for tree in forest.trees:
            for left, feature, value in zip(tree.left, tree.feature, tree.value, strict=True):
                if left != -1:
                    thresholds[feature].add(value)
        self._thresholds = [sorted(values) for values in thresholds]

    def of(self, row: Row, place: int) -> tuple[Flip | None, Flip | None]:
        """Return the flips below and above measurement number `place` of the row.

        A flip is None if no value within the measurement's bounds changes the answer.
        """
        measurement = MEASUREMENTS[place]
        here, label = _ordinal(row[place]), self._predict(row)
        steps = self._steps(row, measurement)
        below = (step - 1 for step in reversed(steps) if step <= here)
        above = (step for step in steps if step > here)
        return self._first(row, place, label, below), self._first(row, place, label, above)

    def _first(self, row: Row, place: int, label: int, ordinals: Iterator[int]) -> Flip | None:
        for ordinal in ordinals:
            value = _value(ordinal)
            other = self._predict((*row[:place], value, *row[place + 1 :]))
            if other != label:
                return Flip(value, other)
        return None

    def _steps(self, row: Row, measurement: Measurement) -> list[int]:
        """Return the ordinals at which some tree may take another branch, in rising order.

        Each is the first ordinal after the change.
        """
        values = dict(zip(MEASUREMENT_NAMES, row, strict=True))
        stretches = _stretches(_ordinal(measurement.minimum), _ordinal(measurement.maximum))
        steps = {low for low, _ in stretches[1:]}
        for feature, thresholds in zip(FEATURES, self._thresholds, strict=True):
            if not thresholds:
                continue

            def at(ordinal: int, feature: Feature = feature) -> float:
                values[measurement.name] = _value(ordinal)
                return feature_value(feature, values)

            for low, high in stretches:
                first, last = at(low), at(high)
                for threshold in _between(thresholds, first, last):
                    steps.add(_bisect(at, threshold, low, high, rising=first < last))
        return sorted(steps)


def _measured(name: str) -> Feature:
    return lambda values: values[name]


# Each is computed in Python's double precision. Rounded to float32, one division gives the same bits as in float32.
FEATURES: tuple[Feature, ...] = (*map(_measured, MEASUREMENT_NAMES), *(ratio.of for ratio in RATIOS))


class _Number(float):
    """A float that divides by zero as the library does: the result is infinite, or NaN for 0/0."""

    def __truediv__(self, denominator: float, /) -> "_Number":
        if denominator:
            return _Number(float(self) / denominator)
        return _Number(copysign(INFINITE, self) * copysign(1.0, denominator) if self else nan)


def feature_value(feature: Feature, values: Mapping[str, float]) -> float:
    """Return the float32 value of a feature, as the library derives it. `values` has the measurements by name."""
    try:
        return float32(feature(values))
    except ZeroDivisionError:
        return float32(feature({name: _Number(value) for name, value in values.items()}))


def features(row: Row) -> list[float]:
    """Return the values of all features for a row, in the order of FEATURES: the input of the trees."""
    values = dict(zip(MEASUREMENT_NAMES, row, strict=True))
    return [feature_value(feature, values) for feature in FEATURES]


def _stretches(low: int, high: int) -> list[tuple[int, int]]:
    """Return the parts of a range of ordinals below zero, at zero and above it, each as its first and last ordinal.

    Within each part, every feature is monotonic.
    """
    parts = ((low, min(high, -1)), (max(low, 0), min(high, 0)), (max(low, 1), high))
    return [(first, last) for first, last in parts if first <= last]


def _between(thresholds: Sequence[float], first: float, last: float) -> Sequence[float]:
    """Return the thresholds that a feature crosses between two values: above the smaller, up to the larger."""
    low, high = min(first, last), max(first, last)
    return [threshold for threshold in thresholds if low < threshold <= high]


def _bisect(at: Callable[[int], float], threshold: float, low: int, high: int, rising: bool) -> int:
    """Return the first ordinal, from `low` to `high`, at which the feature is on the other side of the threshold.

    `at` returns the feature's value for an ordinal; `rising` says whether it rises with the ordinal.
    """
    return bisect_left(range(low, high + 1), True, key=lambda ordinal: (at(ordinal) >= threshold) == rising) + low


def float32(value: float) -> float:
    """Return the nearest float32 value, or INFINITE with the sign of `value` if it is too large for float32."""
    try:
        nearest: float = _unpack_float(_pack_float(value))[0]
    except OverflowError:
        return copysign(INFINITE, value)
    return nearest


def _ordinal(value: float) -> int:
    """Return the place of a float32 value in the order of all float32 values. Zero has place 0."""
    bits: int = _unpack_bits(_pack_float(value))[0]
    return _SIGN - bits if bits & _SIGN else bits


def _value(ordinal: int) -> float:
    value: float = _unpack_float(_pack_bits(_SIGN - ordinal if ordinal < 0 else ordinal))[0]
    return value
