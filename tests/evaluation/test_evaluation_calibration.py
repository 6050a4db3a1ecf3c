"""Confidence against accuracy, on answers few enough to reckon by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from evaluation.calibration import (
    BUCKETS,
    Bucket,
    brier_score,
    expected_calibration_error,
    sort_by_confidence,
    sort_evenly,
)


def test_by_hand() -> None:
    """The calibration error of three answers equals the value computed by hand."""
    labels = np.array([0, 1, 2])
    probabilities = np.array([[0.75, 0.25, 0], [0.75, 0.25, 0], [0, 0, 1]], np.float32)
    buckets = sort_by_confidence(labels, probabilities)
    assert buckets[7] == Bucket(2, 0.75, 0.5)
    assert buckets[9] == Bucket(1, 1.0, 1.0)
    assert expected_calibration_error(buckets) == pytest.approx(0.5 / 3)


@given(st.lists(st.floats(0.5, 1, width=32), min_size=1, max_size=50), st.integers(1, 12))
def test_even_buckets_have_equally_many(confidences: list[float], count: int) -> None:
    """Even buckets differ by at most one answer, lose none, and rise in confidence."""
    probabilities = np.array([[confidence, 1 - confidence] for confidence in confidences], np.float32)
    buckets = sort_evenly(np.zeros(len(confidences), np.int64), probabilities, count)
    sizes = [bucket.answers for bucket in buckets]
    assert (len(sizes), sum(sizes)) == (count, len(confidences))
    assert max(sizes) - min(sizes) <= 1
    filled = [bucket.confidence for bucket in buckets if bucket.answers]
    assert filled == pytest.approx(sorted(filled))


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_brier_score_is_scikit_learns(answers: list[tuple[int, float, float]]) -> None:
    """The Brier score of three classes equals scikit-learn's."""
    labels = np.array([label for label, *_ in answers])
    shares = np.array([(one * other, one * (1 - other), 1 - one) for _, one, other in answers], np.float32)
    shares[:, 2] = 1 - shares[:, 0] - shares[:, 1]
    expected = brier_score_loss(labels, shares.clip(0), labels=range(3), scale_by_half=False)
    assert brier_score(labels, shares) == pytest.approx(expected, abs=1e-6)


@given(st.lists(st.floats(0.5, 1, width=32), min_size=1, max_size=50))
def test_no_answer_is_lost(confidences: list[float]) -> None:
    """Every answer is in one of ten buckets."""
    probabilities = np.array([[confidence, 1 - confidence] for confidence in confidences], np.float32)
    buckets = sort_by_confidence(np.zeros(len(confidences), np.int64), probabilities)
    assert len(buckets) == BUCKETS == 10
    assert sum(bucket.answers for bucket in buckets) == len(confidences)
    assert expected_calibration_error(buckets) == pytest.approx(1 - np.mean(confidences), abs=1e-6)


def test_a_border_belongs_to_the_bucket_above() -> None:
    """A confidence of one half is in the sixth bucket."""
    assert sort_by_confidence(np.array([0]), np.array([[0.5, 0.5]], np.float32))[5].answers == 1
