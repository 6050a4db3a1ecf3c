"""Tail probabilities, exact where that is possible, and how many samples a test needs."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cache, partial
from math import ceil, exp, inf, lgamma, log, log1p, sqrt
from statistics import NormalDist

SMALL = 1e-17  # beside 1 it is nothing
GROWTH = 1.02  # from one number of samples to the next that is tried
FEWEST_EXPECTED = 5  # in a cell of a table, for chi square to be near (Cochran, Biometrics 10, 1954)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def binomial_tail(n: int, least: int, p: float) -> float:
    """The probability of `least` or more successes in `n` trials of probability 0 < p < 1."""
    if least <= 0:
        return 1.0
    if least > n:
        return 0.0
    total, mode = 0.0, n * p
    for k in range(least, n + 1):
        term = exp(_log_choose(n, k) + k * log(p) + (n - k) * log1p(-p))
        total += term
        if k > mode and term < total * SMALL:
            break
    return min(total, 1.0)


def fisher_tail(events: int, n: int, other_events: int, other_n: int) -> float:
    """One-sided exact test (Fisher, Statistical Methods for Research Workers, 1934, section 21.02).

    The probability that `events` or more of all events fall among the `n`, where both groups are alike.
    """
    drawn, everything = events + other_events, n + other_n
    last = min(n, drawn)
    whole = _log_choose(everything, drawn)
    total = 0.0
    for k in range(events, last + 1):
        if drawn - k <= other_n:
            total += exp(_log_choose(n, k) + _log_choose(other_n, drawn - k) - whole)
    return min(total, 1.0)


def homogeneity_tail(counts: Sequence[int], others: Sequence[int]) -> float:
    """Pearson's chi-squared test that two rows of counts are of one distribution (Pearson, 1900; Fisher, 1922).

    Columns of which too few are expected are taken together, the rarest first.
    """
    n, m = sum(counts), sum(others)
    if not n or not m:
        return 1.0
    columns = sorted(zip(counts, others, strict=True), key=sum)
    while len(columns) > 1 and sum(columns[0]) * min(n, m) / (n + m) < FEWEST_EXPECTED:
        (a, b), (c, d) = columns[:2]
        columns = sorted([(a + c, b + d), *columns[2:]], key=sum)
    statistic = 0.0
    for a, b in columns:
        expected = (a + b) * n / (n + m), (a + b) * m / (n + m)
        statistic += (a - expected[0]) ** 2 / expected[0] + (b - expected[1]) ** 2 / expected[1]
    return chi_square_tail(statistic, len(columns) - 1)


def chi_square_tail(statistic: float, degrees: int) -> float:
    """The upper tail of chi square: Abramowitz and Stegun 26.4.19, the incomplete gamma function 6.5.29 and 6.5.31."""
    a, x = degrees / 2, statistic / 2
    if degrees < 1 or x <= 0:
        return 1.0
    front = exp(a * log(x) - x - lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        while term > total * SMALL:
            a += 1
            term *= x / a
            total += term
        return max(0.0, 1 - front * total)
    fraction = 0.0
    for k in range(200, 0, -1):  # from the far end: it converges from x = a + 1 on
        fraction = k * (k - a) / (x + 2 * k + 1 - a - fraction)
    return front / (x + 1 - a - fraction)


def quantile_limit(cumulative: Sequence[int], quantile: float, risk: float) -> int | None:
    """Which bucket surely holds a quantile or has it below: an upper confidence limit from order statistics.

    `cumulative` counts are those of a histogram's buckets; the limit is too low with a probability of at most `risk`
    (Conover, Practical Nonparametric Statistics, 3rd edition, section 3.2). None where there are too few for any.
    """
    n = cumulative[-1] if cumulative else 0
    for index, below in enumerate(cumulative):
        if below > n * quantile and binomial_tail(n, below, quantile) <= risk:
            return index
    return None


def needed_for_limit(quantile: float, risk: float) -> int:
    """Samples of which the largest is an upper confidence limit of the quantile: quantile ** n <= risk."""
    return ceil(log(risk) / log(quantile))


@cache
def needed_for_share(p: float, effect: float, risk: float, power: float) -> int:
    """Samples that show, with this power, that a share is p + effect and not p: for the exact binomial test."""
    n = _normal_estimate(p, effect, risk, power, inf)
    while binomial_tail(n, _least(partial(binomial_tail, n, p=p), risk, n), p + effect) < power:
        n = ceil(n * GROWTH)
    return n


@cache
def needed_for_events(p: float, effect: float, risk: float, power: float, times: float) -> int:
    """The same beside another group of `times` as many, whose share is p: for Fisher's exact test.

    The other group is taken to have one standard deviation more events than it should.
    """
    n = _normal_estimate(p, effect, risk, power, times)
    while True:
        others = ceil(n * times)
        events = ceil(others * p + sqrt(others * p * (1 - p)))
        least = _least(partial(fisher_tail, n=n, other_events=events, other_n=others), risk, n)
        if binomial_tail(n, least, p + effect) >= power:
            return n
        n = ceil(n * GROWTH)


def needed_for_difference(p: float, effect: float, risk: float, power: float, times: float) -> int:
    """Samples of the one group where the other has `times` as many, and their shares are p + effect and p.

    Normal approximation, with the continuity correction of Fleiss, Levin and Paik, Statistical Methods for Rates and
    Proportions, 3rd edition, section 4.2. The risk is that of one side.
    """
    plain = _normal_estimate(p, effect, risk, power, times)
    return ceil(plain / 4 * (1 + sqrt(1 + 2 * (times + 1) / (times * plain * effect))) ** 2)


def _normal_estimate(p: float, effect: float, risk: float, power: float, times: float) -> int:
    normal, q = NormalDist(), p + effect
    mean = p if times == inf else (q + times * p) / (1 + times)
    deviations = -normal.inv_cdf(risk) * sqrt((1 + 1 / times) * mean * (1 - mean))
    deviations += normal.inv_cdf(power) * sqrt(q * (1 - q) + p * (1 - p) / times)
    return ceil((deviations / effect) ** 2)


def _least(tail: Callable[[int], float], risk: float, n: int) -> int:
    """The fewest events that are too many: whose tail is below the risk."""
    return bisect_left(range(n + 1), True, key=lambda events: tail(events) < risk)
