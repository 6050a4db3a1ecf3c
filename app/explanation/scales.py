"""The values that an input can have, in order, as integers: its ordinals. Flips are found by bisection over them."""

import struct
import sys
from math import ceil, copysign, floor, inf, isinf
from typing import NamedTuple

from contract.schema import MAX_INTEGER, Input

LARGEST = 3.4028234663852886e38  # of float32
INFINITE = sys.float_info.max  # stands for float32's infinity: above every threshold, but below `inf` as an open bound
LONGEST = 1 << 61  # of an integer's bounds: a range that Python can search
_SIGN = 1 << 31  # the sign bit of a float32
_pack_float, _unpack_float = struct.Struct("=f").pack, struct.Struct("=f").unpack
_pack_bits, _unpack_bits = struct.Struct("=I").pack, struct.Struct("=I").unpack


def float32(value: float) -> float:
    """Return the nearest float32 value, or INFINITE with the sign of `value` if it is too large for float32."""
    try:
        nearest: float = _unpack_float(_pack_float(value))[0]
    except OverflowError:
        return copysign(INFINITE, value)
    return copysign(INFINITE, value) if isinf(nearest) else nearest


def exact(value: float) -> float:
    """Return the infinity that INFINITE stands for, and every other value as it is."""
    return copysign(inf, value) if abs(value) == INFINITE else value


class Scale(NamedTuple):
    """The values of one input from `low` to `high`. If `whole`, they are integers, and else all float32 values."""

    low: float
    high: float
    whole: bool

    @classmethod
    def of(cls, each: Input) -> "Scale":
        """Return the scale of an input. One without bounds has all values that a model can tell apart.

        Of integers, these are the ones up to MAX_INTEGER: beyond it, several of them are the same float32.
        """
        low, high = each.bounds
        if each.kind == "number":
            return cls(float32(max(low, -LARGEST)), float32(min(high, LARGEST)), False)
        first = ceil(max(low, -LONGEST)) if low > -inf else min(-MAX_INTEGER, floor(min(high, 0)))
        last = floor(min(high, LONGEST)) if high < inf else max(MAX_INTEGER, first)
        return cls(float(first), float(last), True)

    def ordinal(self, value: float) -> int:
        """Return the place of a value in the order of all values. Zero has place 0.

        An input without bounds may have a value that is not on the scale: one too large for float32, or an integer
        beyond MAX_INTEGER. Its place is before or after all others.
        """
        if self.whole:
            return int(value)
        bits: int = _unpack_bits(_pack_float(exact(value)))[0]
        return _SIGN - bits if bits & _SIGN else bits

    def value(self, ordinal: int) -> float:
        """Return the value with this place."""
        if self.whole:
            return float32(float(ordinal))
        value: float = _unpack_float(_pack_bits(_SIGN - ordinal if ordinal < 0 else ordinal))[0]
        return value

    def stretches(self) -> list[tuple[int, int]]:
        """Return the parts of the scale below zero, at zero and above it, each as its first and last ordinal.

        Within each part, every feature is monotonic.
        """
        low, high = self.ordinal(self.low), self.ordinal(self.high)
        parts = ((low, min(high, -1)), (max(low, 0), min(high, 0)), (max(low, 1), high))
        return [(first, last) for first, last in parts if first <= last]

    def around(self, value: float, error: float) -> tuple[float, float]:
        """Return the lowest and the highest value within `error` of a value, within the bounds."""
        low, high = float32(value - error), float32(value + error)
        if self.whole:
            low, high = float(ceil(low)), float(floor(high))
        return min(value, max(self.low, low)), max(value, min(self.high, high))

    def halves(self, low: float, high: float) -> tuple[tuple[float, float], tuple[float, float]]:
        """Cut a span in two. The two share the middle, unless the values are integers."""
        if self.whole:
            middle = float((low + high) // 2)
            return (low, middle), (min(middle + 1, high), high)
        middle = float32((low + high) / 2)
        return (low, middle), (middle, high)
