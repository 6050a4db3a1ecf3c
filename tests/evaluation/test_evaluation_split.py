"""Halves and folds: even in every class, and the same again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evaluation.split import both_ways, folds


@given(st.lists(st.integers(0, 4), max_size=200), st.integers(2, 6))
def test_every_label_is_dealt_evenly(labels: list[int], count: int) -> None:
    """The parts of a label differ by at most one row, and the same labels give the same parts."""
    given_labels = np.array(labels, np.int64)
    found = folds(given_labels, count)
    assert np.array_equal(found, folds(given_labels, count))
    for label in set(labels):
        sizes = np.bincount(found[given_labels == label], minlength=count)
        assert len(sizes) == count
        assert sizes.max() - sizes.min() <= 1


def test_the_rows_are_shuffled() -> None:
    """Rows that alternate in the file do not alternate in the halves."""
    first = folds(np.zeros(1000, np.int64), 2)
    assert 400 < (first == np.arange(1000) % 2).sum() < 600


def test_each_half_is_judged_once() -> None:
    """No row is judged by what was made from it, and each is judged once."""
    judged = np.zeros(101, np.int64)
    for seen, unseen in both_ways(np.arange(101) % 3):
        assert not (seen & unseen).any()
        assert (seen | unseen).all()
        judged += unseen
    assert judged.tolist() == [1] * 101
