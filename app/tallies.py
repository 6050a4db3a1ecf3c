"""Counting many values at once: sorted, the bounds of buckets are looked up among the values, not the reverse.

A quarter of what one search a value costs.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence


def tally(values: list[float], bounds: Sequence[float], cells: memoryview | list[int]) -> None:
    """Add to each bucket's cell how many values are at most its bound and more than the one before. Sorts `values`."""
    values.sort()
    bucket = bisect_left(bounds, values[0])
    before = 0
    end = len(values)
    while before < end:
        upto = bisect_right(values, bounds[bucket]) if bucket < len(bounds) else end
        if upto != before:
            cells[bucket] += upto - before
            before = upto
        bucket += 1


def tally_one(value: float, bounds: Sequence[float], cells: memoryview) -> None:
    """The same for a single value."""
    cells[bisect_left(bounds, value)] += 1
