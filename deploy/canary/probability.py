"""Tail probabilities by scipy, and how many samples a test needs.

scipy takes about a second to import, and only a canary needs it: it is imported where it is used.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cache, partial
from math import ceil, floor, inf, log, log10, sqrt
from statistics import NormalDist

GROWTH = 1.02  # from one number of samples to the next that is tried
FEWEST_EXPECTED = 5  # in a cell of a table, for chi square to be near (Cochran, Biometrics 10, 1954)


def binomial_tail(n: int, least: int, p: float) -> float:
    """Return the probability of `least` or more successes in `n` trials of probability 0 < p < 1."""
    from scipy import special

    return float(special.bdtrc(least - 1, n, p)) if 0 < least <= n else float(least <= 0)


def fisher_tail(events: int, n: int, other_events: int, other_n: int) -> float:
    """Run a one-sided exact test (Fisher, Statistical Methods for Research Workers, 1934, section 21.02).

    It returns the probability that `events` or more of all events fall among the `n`, if both groups are alike.
    """
    from scipy import stats

    return float(stats.hypergeom.sf(events - 1, n + other_n, events + other_events, n))


def homogeneity_tail(counts: Sequence[int], others: Sequence[int]) -> float:
    """Test with Pearson's chi-squared that two rows of counts have one distribution (Pearson, 1900; Fisher, 1922).

    Columns with too few expected counts are added up, the rarest first.
    """
    from scipy import stats

    n, m = sum(counts), sum(others)
    if not n or not m:
        return 1.0
    columns = sorted(zip(counts, others, strict=True), key=sum)
    while len(columns) > 1 and sum(columns[0]) * min(n, m) / (n + m) < FEWEST_EXPECTED:
        (a, b), (c, d) = columns[:2]
        columns = sorted([(a + c, b + d), *columns[2:]], key=sum)
    return float(stats.chi2_contingency(columns, correction=False).pvalue)


def quantile_limit(cumulative: Sequence[int], quantile: float, risk: float) -> int | None:
    """Return the bucket that surely has a quantile in or below it: an upper confidence limit from order statistics.

    `cumulative` counts are those of a histogram's buckets; the limit is too low with a probability of at most `risk`
    (Conover, Practical Nonparametric Statistics, 3rd edition, section 3.2). It is None if there are too few counts.
    """
    n = cumulative[-1] if cumulative else 0
    for index, below in enumerate(cumulative):
        if below > n * quantile and binomial_tail(n, below, quantile) <= risk:
            return index
    return None


def needed_for_limit(quantile: float, risk: float) -> int:
    """Return how many samples make the largest an upper confidence limit of the quantile: quantile ** n <= risk."""
    return ceil(log(risk) / log(quantile))


def usual_share(events: int, n: int, least: float) -> float:
    """Return the share of events that samples are planned for: as measured, and one standard error more.

    It is rounded up to two digits, and at least `least`, which is also the answer without measurements.
    """
    if not n:
        return least
    share = events / n
    planned = max(least, share + sqrt(share * (1 - share) / n))
    unit = 10.0 ** (floor(log10(planned)) - 1)
    return min(1.0, round(ceil(planned / unit - 1e-9) * unit, 12))


@cache
def needed_for_share(p: float, effect: float, risk: float, power: float) -> int:
    """Return how many samples show, with this power, that a share is p + effect and not p, by the binomial test."""
    n = _normal_estimate(p, effect, risk, power, inf)
    while binomial_tail(n, _least(partial(binomial_tail, n, p=p), risk, n), p + effect) < power:
        n = ceil(n * GROWTH)
    return n


@cache
def needed_for_events(p: float, effect: float, risk: float, power: float, times: float) -> int:
    """Return how many samples show this beside another group of `times` as many with the share p, by Fisher's test.

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
    """Return the samples of one group if the other has `times` as many, and their shares are p + effect and p.

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
    """Return the fewest events that are too many: their tail is below the risk."""
    return bisect_left(range(n + 1), True, key=lambda events: tail(events) < risk)
