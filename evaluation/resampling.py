"""How far a mean over rows could be another one by chance: a bootstrap for intervals, permutations for groups."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

RESAMPLES = 10_000
SEED = 0
COVERED = 0.95  # of an interval
DIGITS = 6  # decimals of what is returned: beyond them, processors may differ

Means = npt.NDArray[np.float64]  # (RESAMPLES, figures)
Rows = npt.NDArray[np.float64]  # (rows, figures): a figure of the whole is the mean of its column


def resampled_means(values: Rows) -> Means:
    """Return the mean of each column over resamples of the rows, with replacement (Efron 1979).

    All columns see the same resamples, so their differences are paired.
    """
    means: Means = _counts(len(values)) @ values / len(values)
    return means


@lru_cache(maxsize=1)  # lifetime: process; many classifiers answer for the same rows
def _counts(rows: int) -> Means:
    """Return how often each row is in each resample: float64 (RESAMPLES, rows)."""
    drawn = np.random.default_rng(SEED).integers(rows, size=(RESAMPLES, rows))
    places = drawn + rows * np.arange(RESAMPLES)[:, None]
    counts = np.bincount(places.ravel(), minlength=RESAMPLES * rows).reshape(RESAMPLES, rows)
    return counts.astype(np.float64)


def interval(means: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the interval that holds COVERED of the resampled means of one figure, (RESAMPLES,): percentiles."""
    low, high = np.quantile(means, [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return round(float(low), DIGITS), round(float(high), DIGITS)


def chances(
    values: Rows, members: Sequence[npt.NDArray[np.bool_]], blocks: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.float64]:
    """Return, for each group and figure, how often rows that are drawn at random have a mean at least as large.

    `members` are bool (rows,), one for each group. As many rows are drawn, without replacement, as the group has: of
    each block, as many as it has of that. `blocks` is int64 (rows,); None means one block. The result is float64
    (groups, figures): p-values of one-sided permutation tests. They are at least 1 / (RESAMPLES + 1).
    """
    random = np.random.default_rng(SEED)
    blocks = np.zeros(len(values), np.int64) if blocks is None else blocks
    found = np.empty((len(members), values.shape[1]))
    for group, chosen in enumerate(members):
        sums = np.zeros((RESAMPLES, values.shape[1]))
        for block in np.unique(blocks[chosen]):
            pool = np.flatnonzero(blocks == block)
            sums += _random_sums(random, values[pool], int((chosen & (blocks == block)).sum()))
        observed = values[chosen].sum(axis=0)
        as_bad = (sums >= observed - 1e-9 * (1 + np.abs(observed))).sum(axis=0)  # 1e-9: the order of a sum
        found[group] = (as_bad + 1) / (RESAMPLES + 1)
    return found.round(DIGITS)


def _random_sums(random: np.random.Generator, values: Rows, size: int) -> Means:
    """Return the sums of each column over `size` rows, drawn RESAMPLES times without replacement."""
    keys = random.random((RESAMPLES, len(values)))
    drawn = np.argpartition(keys, size - 1, axis=1)[:, :size] if size < len(values) else np.arange(len(values))[None]
    sums: Means = values[drawn].sum(axis=1)
    return np.broadcast_to(sums, (RESAMPLES, values.shape[1]))


def corrected(p_values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return p-values of any shape, corrected for their number (Holm 1979): any below 0.05 is one of few false ones.

    The chance that any true hypothesis is below 0.05 is then at most 0.05.
    """
    flat = p_values.ravel()
    order = np.argsort(flat, kind="stable")
    scaled = np.minimum(flat[order] * np.arange(len(flat), 0, -1), 1.0)
    found = np.empty_like(flat)
    found[order] = np.maximum.accumulate(scaled)
    return found.reshape(p_values.shape)
