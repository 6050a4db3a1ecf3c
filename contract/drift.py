"""How live predictions are compared with the training data: bins, two distances, and the limits of the distances.

The limits depend on both sample sizes. If nothing has drifted, the population stability index of n live and m baseline
rows in k bins is distributed as (1/n + 1/m) times chi-square with k - 1 degrees of freedom. So with few rows on either
side the index is large by chance alone.

Values that lie outside the training data by more than one standard deviation are counted separately. A wrong unit in a
few requests hardly changes the bins, but real birds are hardly ever that far outside.
"""

from bisect import bisect_left
from collections.abc import Sequence
from math import log, sqrt

import msgspec

BINS = 10
INFINITE = 1e300  # JSON cannot hold infinity
MAX_INPUTS = 64  # whose drift is watched: the first ones of the contract
QUIET_DAYS = 200  # days, over which ALARM is the probability of a false alarm
ALARM = 0.05  # the probability of at least one false alarm within QUIET_DAYS
ENOUGH = 200  # live rows; with fewer there is no verdict
RARE = 0.001  # the share of live rows that may lie outside. An assumption: Gaussian tails would have fewer
PRIOR = 0.5  # rows added to each bin, so that the share of an empty bin has a logarithm


class Variable(msgspec.Struct, frozen=True):
    """The bins of one variable. `edges` separate the bins, and `counts` are the training rows in each bin.

    `chi_square` is the quantile of chi-square that bounds the stability index. A value that equals an edge is in the
    bin below that edge. A value below `low` or above `high` is outside.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    chi_square: float
    low: float = -INFINITE
    high: float = INFINITE


class DriftBaseline(msgspec.Struct, frozen=True):
    """The bins of the training data by variable: the inputs, and the answers to rows that the model has not seen.

    The answers are the class (`Contract.label_variable`, one bin a class) and the probability of that class
    (`Contract.confidence_variable`), or the number.
    """

    variables: dict[str, Variable]


class Verdict(msgspec.Struct, frozen=True):
    """How far live rows and baseline rows are apart, and the limits."""

    variable: str
    live: int
    stability: float  # population stability index
    stability_bound: float
    kolmogorov: float  # the largest distance between the two cumulative shares
    kolmogorov_bound: float
    outside: int  # live rows
    outside_bound: float

    @property
    def drifted(self) -> bool:
        """Return whether a limit is exceeded and there are at least ENOUGH live rows."""
        apart = self.stability > self.stability_bound or self.kolmogorov > self.kolmogorov_bound
        return (apart or self.outside > self.outside_bound) and self.live >= ENOUGH


def count(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    """Return how many values are in each bin: len(edges) + 1 counts."""
    counts = [0] * (len(edges) + 1)
    for value in values:
        counts[bisect_left(edges, value)] += 1
    return counts


def judge(name: str, variable: Variable, live: Sequence[int], tests: int, outside: int = 0) -> Verdict:
    """Compare the `live` counts of one variable with the baseline's counts.

    `tests` is how many variables are judged a day.
    """
    n, m = sum(live), sum(variable.counts)
    scale = 1 / max(n, 1) + 1 / max(m, 1)
    return Verdict(
        variable=name,
        live=n,
        stability=stability(variable.counts, live),
        stability_bound=scale * variable.chi_square,
        kolmogorov=kolmogorov(variable.counts, live),
        kolmogorov_bound=sqrt(-log(risk(tests) / 2) / 2 * scale),
        outside=outside,
        outside_bound=outside_bound(n),
    )


def risk(variables: int) -> float:
    """Return the probability of a false alarm that is allowed for one test of one day.

    There are three tests for each variable (Bonferroni correction).
    """
    return ALARM / QUIET_DAYS / (3 * variables)


def outside_bound(live: int) -> float:
    """Return the largest number of `live` rows that may lie outside.

    If nothing has drifted, more rows than that lie outside with a probability below `risk`. The bound is above the tail
    of a Poisson distribution.
    """
    expected = live * RARE
    return expected + 4.5 * sqrt(expected) + 5


def stability(baseline: Sequence[int], live: Sequence[int]) -> float:
    """Return the population stability index: the sum of the two relative entropies, in nats."""
    total = 0.0
    for p, q in zip(_shares(live), _shares(baseline), strict=True):
        total += (p - q) * log(p / q)
    return total


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts) + PRIOR * len(counts)
    return [(count + PRIOR) / total for count in counts]


def kolmogorov(baseline: Sequence[int], live: Sequence[int]) -> float:
    """Return the Kolmogorov-Smirnov distance at the edges of the bins.

    It is at most the distance of the values themselves.
    """
    largest = p = q = 0.0
    for a, b in zip(live, baseline, strict=True):
        p += a / max(sum(live), 1)
        q += b / max(sum(baseline), 1)
        largest = max(largest, abs(p - q))
    return largest
