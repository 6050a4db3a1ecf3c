"""Whether the model's confidence is as high as its accuracy."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BUCKETS = 10  # of equal width over confidences 0 to 1


@dataclass(frozen=True)
class Bucket:
    """Answers of like confidence. An empty bucket has confidence 0 and accuracy 0."""

    answers: int
    confidence: float  # mean probability of the answered class
    accuracy: float  # share of right answers


def sort_by_confidence(
    labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32], buckets: int = BUCKETS
) -> list[Bucket]:
    """Sort answers by confidence into so many buckets of equal width.

    `labels` is (answers,), `probabilities` is (answers, classes). A confidence on a border goes into the bucket above
    the border, and 1 goes into the last bucket.
    """
    confidence, right = _judged(labels, probabilities)
    bucket_of = np.minimum((confidence * buckets).astype(np.int64), buckets - 1)
    return [_bucket(confidence[bucket_of == number], right[bucket_of == number]) for number in range(buckets)]


def sort_evenly(
    labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32], buckets: int = BUCKETS
) -> list[Bucket]:
    """Sort answers by confidence into so many buckets of equally many answers, as far as their number allows.

    Arrays are as in `sort_by_confidence`. If most answers are sure, buckets of equal width would put them all into one.
    """
    confidence, right = _judged(labels, probabilities)
    order = np.argsort(confidence, kind="stable")
    return [_bucket(confidence[chosen], right[chosen]) for chosen in np.array_split(order, buckets)]


def _judged(
    labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return the confidence of each answer, and whether it is right: both (answers,)."""
    return probabilities.max(axis=1).astype(np.float64), probabilities.argmax(axis=1) == labels


def _bucket(confidence: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> Bucket:
    if not len(right):
        return Bucket(0, 0.0, 0.0)
    return Bucket(len(right), float(confidence.mean()), float(right.mean()))


def expected_calibration_error(buckets: list[Bucket]) -> float:
    """Return the mean of |confidence - accuracy| over the buckets, weighted by their answers (Naeini et al., AAAI
    2015).
    """
    gaps = sum(bucket.answers * abs(bucket.confidence - bucket.accuracy) for bucket in buckets)
    return gaps / sum(bucket.answers for bucket in buckets)


def brier_score(labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32]) -> float:
    """Return the mean, over answers, of the summed squared errors of their probabilities, 0 to 2 (Brier 1950).

    Arrays are as in `sort_by_confidence`.
    """
    truth = np.zeros(probabilities.shape)
    truth[np.arange(len(labels)), labels] = 1.0
    return float(((probabilities.astype(np.float64) - truth) ** 2).sum(axis=1).mean())
