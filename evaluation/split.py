"""Splitting held-out rows: what is made from one part is judged on another."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

SEED = 0  # of the shuffles

Labels = npt.NDArray[np.int64]  # (rows,)
Chosen = npt.NDArray[np.bool_]  # (rows,)


def folds(labels: Labels, count: int) -> Labels:
    """Return the part, 0 to count - 1, that each row belongs to: int64 (rows,).

    The rows of each label are shuffled, and dealt as evenly as possible. The same labels give the same parts.
    """
    found = np.empty(len(labels), np.int64)
    shuffled = np.random.default_rng(SEED).permutation(len(labels))
    for label in np.unique(labels):
        own = shuffled[labels[shuffled] == label]
        found[own] = np.arange(len(own)) % count
    return found


def both_ways(labels: Labels) -> Iterator[tuple[Chosen, Chosen]]:
    """Yield which rows something is made from, and which it is judged on: one half and the other, both ways."""
    first = folds(labels, 2) == 0
    yield first, ~first
    yield ~first, first
