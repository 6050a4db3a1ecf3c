"""Figures of held-out answers with their intervals, and differences that are paired by bird."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.resampling import interval, resampled_means
from train.evaluate import HeldOut


class Figures(NamedTuple):
    """Accuracy, log loss and its interval; and what they are means of: right and loss of each bird, (rows, 2)."""

    accuracy: float
    loss: float
    loss_interval: tuple[float, float]
    by_bird: npt.NDArray[np.float64]


class Difference(NamedTuple):
    """A mean difference, and its interval."""

    mean: float
    low: float
    high: float


def figures_of(labels: npt.NDArray[np.int64], answers: npt.NDArray[np.float32]) -> Figures:
    """Return the figures of answers (repeats, rows, classes) to birds with these labels, (rows,)."""
    repeats = len(answers)
    by_bird = HeldOut(np.tile(labels, (repeats, 1)), answers, np.zeros((repeats, len(labels)), np.int64)).means
    accuracy, loss = by_bird.mean(axis=0).tolist()
    return Figures(accuracy, loss, interval(resampled_means(by_bird)[:, 1]), by_bird)


def against(own: Figures, other: Figures) -> tuple[Difference, Difference]:
    """Return how far the other's accuracy and log loss are above one's own, paired by bird."""
    differences = other.by_bird - own.by_bird
    resampled, means = resampled_means(differences), differences.mean(axis=0).tolist()
    accuracy, loss = (Difference(mean, *interval(resampled[:, place])) for place, mean in enumerate(means))
    return accuracy, loss
