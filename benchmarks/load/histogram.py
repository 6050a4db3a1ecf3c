"""A histogram of microseconds that is small, exact enough and adds up: log-linear, as HDR histograms are.

Values below 128 have a bucket each; from there on every doubling has 64 buckets of equal width. So a quantile is within
1/128 of the value that it stands for, whatever its size.
"""

import math

import msgspec

BITS = 6
LINEAR = 1 << BITS  # buckets in a doubling
RELATIVE_ERROR = 1 / (2 * LINEAR)


class Histogram(msgspec.Struct):
    """`counts` by bucket; `highest_us` is exact."""

    counts: dict[int, int] = {}
    highest_us: int = 0

    @property
    def requests(self) -> int:
        """How many values there are."""
        return sum(self.counts.values())

    def add(self, microseconds: float) -> None:
        """One value, rounded to a whole microsecond; a negative one counts as 0."""
        value = max(0, round(microseconds))
        bucket = bucket_of(value)
        self.counts[bucket] = self.counts.get(bucket, 0) + 1
        self.highest_us = max(self.highest_us, value)

    def merge(self, other: "Histogram") -> None:
        """As if the other's values had been added here."""
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.highest_us = max(self.highest_us, other.highest_us)

    def quantile(self, share: float) -> float:
        """The least value that this share of all does not exceed, in microseconds, within RELATIVE_ERROR; 0 of none."""
        wanted = max(1, math.ceil(share * self.requests - 1e-9))
        seen = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= wanted:
                return middle_of(bucket)
        return 0.0

    def mean(self) -> float:
        """In microseconds, within RELATIVE_ERROR; 0 of none."""
        return sum(middle_of(bucket) * count for bucket, count in self.counts.items()) / max(1, self.requests)


def bucket_of(value: int) -> int:
    """Where a whole number from 0 on is counted."""
    shift = max(0, value.bit_length() - BITS - 1)
    return (shift << BITS) + (value >> shift)


def middle_of(bucket: int) -> float:
    """The middle of the values that are counted there."""
    shift = max(0, (bucket >> BITS) - 1)
    return ((bucket - (shift << BITS)) << shift) + ((1 << shift) - 1) / 2


def merged(histograms: "list[Histogram]") -> Histogram:
    """All in one; the parts are left as they are."""
    total = Histogram()
    for histogram in histograms:
        total.merge(histogram)
    return total
