"""Confidence against accuracy, on answers few enough to reckon by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.calibration import BUCKETS, Bucket, expected_calibration_error, sort_by_confidence


def test_by_hand() -> None:
    """The calibration error of three answers equals the value computed by hand."""
    labels = np.array([0, 1, 2])
    probabilities = np.array([[0.75, 0.25, 0], [0.75, 0.25, 0], [0, 0, 1]], np.float32)
    buckets = sort_by_confidence(labels, probabilities)
    assert buckets[7] == Bucket(2, 0.75, 0.5)
    assert buckets[9] == Bucket(1, 1.0, 1.0)
    assert expected_calibration_error(buckets) == pytest.approx(0.5 / 3)


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
