"""Tail probabilities against scipy's, and that the numbers of samples are enough and not far too many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from deploy.canary.probability import (
    binomial_tail,
    fisher_tail,
    homogeneity_tail,
    needed_for_limit,
    needed_for_share,
    quantile_limit,
)

PROBABILITIES = st.floats(0.0005, 0.9995)


@given(st.integers(1, 5000), PROBABILITIES, st.data())
def test_binomial(n: int, p: float, data: st.DataObject) -> None:
    """The upper tail equals scipy's, with the value itself."""
    least = data.draw(st.integers(0, n + 1))
    assert binomial_tail(n, least, p) == pytest.approx(stats.binom.sf(least - 1, n, p), rel=1e-7, abs=1e-14)


@given(st.integers(1, 400), st.integers(1, 9000), st.data())
def test_fisher(n: int, other: int, data: st.DataObject) -> None:
    """The test equals scipy's one-sided Fisher test."""
    events, others = data.draw(st.integers(0, min(n, 60))), data.draw(st.integers(0, min(other, 60)))
    wanted = stats.fisher_exact([[events, n - events], [others, other - others]], alternative="greater")[1]
    assert fisher_tail(events, n, others, other) == pytest.approx(wanted, rel=1e-7, abs=1e-13)


@given(st.lists(st.tuples(st.integers(40, 900), st.integers(40, 900)), min_size=2, max_size=5))
def test_homogeneity(columns: list[tuple[int, int]]) -> None:
    """The test of full tables equals Pearson's."""
    rows = list(zip(*columns, strict=True))
    wanted = stats.chi2_contingency(rows, correction=False)[1]
    assert homogeneity_tail(*rows) == pytest.approx(wanted, rel=1e-7, abs=1e-14)


def test_rare_columns_are_taken_together() -> None:
    """Rare classes are counted as one column, and one column alone says nothing."""
    assert homogeneity_tail((100, 80, 1), (90, 85, 0)) == pytest.approx(homogeneity_tail((100, 81), (90, 85)))
    assert homogeneity_tail((100, 0, 0), (90, 0, 0)) == 1
    assert homogeneity_tail((0, 0, 0), (90, 5, 5)) == 1


@given(st.floats(0.001, 0.2), st.floats(0.02, 0.5), st.floats(0.8, 0.99))
def test_samples_are_enough(p: float, effect: float, power: float) -> None:
    """The exact power is reached at the stated number of samples, and not at half of it."""
    risk = 1e-4

    def found(n: int) -> float:
        too_many = next(events for events in range(n + 2) if stats.binom.sf(events - 1, n, p) < risk)
        return float(stats.binom.sf(too_many - 1, n, p + effect))

    n = needed_for_share(p, effect, risk, power)
    assert found(n) >= power - 1e-9
    assert found(n // 2) < power


def test_the_limit_of_a_quantile() -> None:
    """The limit is below the quantile only with the stated risk, and absent with few samples."""
    fewest = needed_for_limit(0.99, 1e-3)
    assert quantile_limit((fewest - 1, fewest - 1), 0.99, 1e-3) is None
    assert quantile_limit((0, fewest), 0.99, 1e-3) == 1
    assert quantile_limit((9_000, 9_990, 10_000), 0.99, 1e-3) == 1
    assert quantile_limit((9_900, 9_905, 10_000), 0.99, 1e-3) == 2
    assert quantile_limit((), 0.99, 1e-3) is None
