"""How live predictions are compared with the training data: bins, two distances, and when they are too large.

Thresholds know both sample sizes. Where nothing has drifted, the population stability index of n live and m reference
rows in k bins is distributed as (1/n + 1/m) times chi square with k - 1 degrees of freedom, so with few rows on either
side it is large by chance alone.

What lies beyond the training data by more than its standard deviation is looked at by itself: a mistake of units in a
few requests moves no bin by much, but birds are hardly ever there.
"""

from bisect import bisect_left
from collections.abc import Sequence
from math import log, sqrt

import msgspec

BINS = 10
INFINITE = 1e300  # which JSON can say
CONFIDENCE = "confidence"
SPECIES_VARIABLE = "species"
QUIET_DAYS = 200  # without any alarm
ALARM = 0.05  # the probability that there is one all the same
ENOUGH = 200  # live rows, below which nothing is said
RARE = 0.001  # of live rows may lie outside: an assumption, more than Gaussian tails would have
PRIOR = 0.5  # of a row in each bin, so that an empty one has a logarithm


class Variable(msgspec.Struct, frozen=True):
    """One variable's bins: `edges` between them, rows of the training data in each, and its quantile of chi square.

    A value that equals an edge is in the bin below. One less than `low` or more than `high` is outside.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    chi_square: float
    low: float = -INFINITE
    high: float = INFINITE


class Reference(msgspec.Struct, frozen=True):
    """The training data as the measurements', the answered species' and the confidences' bins.

    Species and confidence are those of held-out rows: what the model says of birds that it has not seen.
    """

    variables: dict[str, Variable]


class Verdict(msgspec.Struct, frozen=True):
    """How far apart live and reference rows are, and how far they may be."""

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
        """Whether either is too large, and there is enough to say so."""
        apart = self.stability > self.stability_bound or self.kolmogorov > self.kolmogorov_bound
        return (apart or self.outside > self.outside_bound) and self.live >= ENOUGH


def count(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    """Values in each bin."""
    counts = [0] * (len(edges) + 1)
    for value in values:
        counts[bisect_left(edges, value)] += 1
    return counts


def judge(name: str, variable: Variable, live: Sequence[int], tests: int, outside: int = 0) -> Verdict:
    """Compare `live` counts with the reference's. `tests` is how many variables are judged a day."""
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
    """The probability of a false alarm that one test of one day may have: three tests a variable (Bonferroni)."""
    return ALARM / QUIET_DAYS / (3 * variables)


def outside_bound(live: int) -> float:
    """More of so many rows lie outside with a probability of less than `risk`: above a Poisson distribution's tail."""
    expected = live * RARE
    return expected + 4.5 * sqrt(expected) + 5


def stability(reference: Sequence[int], live: Sequence[int]) -> float:
    """The population stability index: the two relative entropies added up."""
    total = 0.0
    for p, q in zip(_shares(live), _shares(reference), strict=True):
        total += (p - q) * log(p / q)
    return total


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts) + PRIOR * len(counts)
    return [(count + PRIOR) / total for count in counts]


def kolmogorov(reference: Sequence[int], live: Sequence[int]) -> float:
    """The Kolmogorov-Smirnov distance at the edges of the bins: at most that of the values themselves."""
    largest = p = q = 0.0
    for a, b in zip(live, reference, strict=True):
        p += a / max(sum(live), 1)
        q += b / max(sum(reference), 1)
        largest = max(largest, abs(p - q))
    return largest
